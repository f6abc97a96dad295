//! Groups: selectors that were given a name. In a fleet file `web = "role=web"`, in a request `{"selector": "role=web"}`.

use model::group::circle;
use model::{MOST_GROUPS, Name, Selector};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::FieldErrors;
use crate::checked::{Checked, Whole};
use crate::closest::suggestion;

/// One group, as it is written in a request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// Who is in it. It may name other groups.
    #[serde(default)]
    #[schema(required, example = "env=production&role=web")]
    pub selector: String,
}

/// A group as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
    /// Its name, which selectors write as `@NAME`.
    #[schema(value_type = String)]
    pub name: Name,
    /// Who is in it.
    pub selector: String,
    /// The servers that are in it now, by name.
    #[schema(value_type = Vec<String>)]
    pub servers: Vec<Name>,
}

/// Reads the selector of a group.
pub(crate) fn selector(text: &str) -> Result<Selector, String> {
    if text.is_empty() {
        return Err("is missing: write all, a name or label=value".to_owned());
    }
    text.parse::<Selector>().map_err(|error| error.to_string())
}

/// Tells selectors of `input` that name groups which are not there, and groups that are made of themselves.
pub(crate) fn judge(input: &Checked, whole: &Whole<'_>, errors: &mut FieldErrors) {
    if whole.groups.len() > MOST_GROUPS && !input.groups.is_empty() {
        errors.add("groups", format_args!("are {}; {MOST_GROUPS} is the most", whole.groups.len()));
    }
    for (name, selector) in &input.groups {
        let field = format!("groups.{name}");
        unknown(selector, &field, whole, errors);
        if let Some(way) = circle(name, whole.groups) {
            let way: Vec<String> = way.iter().map(|name| format!("@{name}")).collect();
            errors.add(field, format_args!("is made of itself: {}", way.join(" → ")));
        }
    }
    for (name, project) in &input.projects {
        for selector in project.defaults.selectors() {
            unknown(selector, &format!("projects.{name}.defaults"), whole, errors);
        }
    }
    for ((project, name), site) in &input.sites {
        let field = format!("projects.{project}.environments.{name}");
        unknown(&site.servers, &format!("{field}.servers"), whole, errors);
        for selector in site.settings.selectors() {
            unknown(selector, &field, whole, errors);
        }
    }
}

fn unknown(selector: &Selector, field: &str, whole: &Whole<'_>, errors: &mut FieldErrors) {
    for name in selector.groups().filter(|name| !whole.groups.contains_key(*name)) {
        let near = suggestion(name.as_str(), whole.groups.keys().map(Name::as_str));
        errors.add(field, format_args!("names @{name}, which is not a group{near}"));
    }
}
