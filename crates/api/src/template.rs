//! Hook templates: commands that are kept once for the hooks of every project.

use jiff::Timestamp;
use model::{Name, Rerun, Template, hook};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FieldError, FieldErrors, Stored, duration};

/// A hook template as it is written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateSpec {
    /// What it is for, in a line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The command, run by `sh -e` or by its `#!` line.
    #[serde(default)]
    #[schema(required)]
    pub run: String,
    /// The longest it may run, such as `2h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// The longest it may be silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<String>,
    /// A failure is a warning only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_failure: bool,
    /// `never`, or `safe` when it may be run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub rerun: Option<Rerun>,
}

/// The longest line that says what a template is for, in characters.
const LONGEST_ABOUT: usize = 200;

impl TemplateSpec {
    /// The template `name` as it was written.
    pub fn check(&self, name: &Name) -> Result<Template, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.take("run", crate::hook::command(&self.run));
        errors.take("about", about(&self.about));
        // A hook without a name of its own takes that of its template.
        let is_number = name.as_str().bytes().all(|byte| byte.is_ascii_digit());
        errors.add_if(is_number, "", "must not be named by a number: hooks without a name are counted");
        let timeout = self.timeout.as_deref().map_or(Ok(hook::DEFAULT_TIMEOUT), duration::parse);
        let timeout = errors.take("timeout", timeout);
        let idle_timeout = self.idle_timeout.as_deref().map(duration::parse).transpose();
        let idle_timeout = errors.take("idle_timeout", idle_timeout);
        errors.finish(timeout.zip(idle_timeout).map(|(timeout, idle_timeout)| Template {
            name: name.clone(),
            about: self.about.clone(),
            run: self.run.clone(),
            timeout,
            idle_timeout,
            allow_failure: self.allow_failure,
            rerun: self.rerun.unwrap_or_default(),
        }))
    }
}

fn about(text: &str) -> Result<(), &'static str> {
    if text.chars().any(char::is_control) {
        return Err("must be one line");
    }
    if text.chars().count() > LONGEST_ABOUT { Err("is longer than 200 characters") } else { Ok(()) }
}

impl From<&Template> for TemplateSpec {
    fn from(template: &Template) -> Self {
        Self {
            about: template.about.clone(),
            run: template.run.clone(),
            timeout: (template.timeout != hook::DEFAULT_TIMEOUT).then(|| duration::print(template.timeout)),
            idle_timeout: template.idle_timeout.map(duration::print),
            allow_failure: template.allow_failure,
            rerun: (template.rerun != Rerun::default()).then_some(template.rerun),
        }
    }
}

/// A hook template as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemplateView {
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// Its newest version, from 1.
    pub version: u32,
    /// The hooks that pick it.
    pub used_by: Vec<TemplateUse>,
    /// What it says.
    #[serde(flatten)]
    pub spec: TemplateSpec,
}

/// One hook that picks a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateUse {
    /// The project.
    #[schema(value_type = String)]
    pub project: Name,
    /// The environment; the project's defaults when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub environment: Option<Name>,
    /// The point of a release.
    pub point: String,
    /// The version that it keeps to; always the newest when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// One version of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemplateVersion {
    /// Its number, from 1.
    pub version: u32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who made it.
    pub by: String,
    /// What it says.
    #[serde(flatten)]
    pub spec: TemplateSpec,
}

/// The body of `POST /hooks/{hook}/try`: where it is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TryRequest {
    /// The project.
    #[schema(value_type = String)]
    pub project: Name,
    /// The environment, whose live release it runs in.
    #[schema(value_type = String)]
    pub environment: Name,
    /// The one server.
    #[schema(value_type = String)]
    pub server: Name,
    /// The version; the newest when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The command itself, when it is not stored yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Only have the shell of the server read it; nothing of it is run.
    #[serde(default)]
    pub check: bool,
}

impl TryRequest {
    /// The request, when its command can be one.
    pub fn check(self) -> Result<Self, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.take("run", self.run.as_deref().map_or(Ok(()), crate::hook::command));
        errors.finish(Some(self))
    }
}

/// How a template did on one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TryAnswer {
    /// Its exit code; none when it took too long and was ended.
    pub exit: Option<i32>,
    /// What it wrote, the last 64 KiB of it, with secrets masked.
    pub output: String,
    /// How much of its output is left out, in bytes.
    pub left_out: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// The hooks that pick the template `name`, out of what is stored.
pub fn uses(name: &Name, stored: &Stored) -> Vec<TemplateUse> {
    let of_projects = stored.projects.iter().map(|(project, it)| (project, None, &it.defaults.hooks));
    let of_sites = stored.sites.iter().map(|((project, site), it)| (project, Some(site), &it.settings.hooks));
    let mut uses: Vec<TemplateUse> = of_projects
        .chain(of_sites)
        .flat_map(|(project, environment, hooks)| {
            let picks = hook::picks(hooks).filter(move |(_, _, picked)| picked.name == *name);
            picks.map(move |(point, _, picked)| TemplateUse {
                project: project.clone(),
                environment: environment.cloned(),
                point: point.word().to_owned(),
                version: picked.version,
            })
        })
        .collect();
    uses.sort_by(|a, b| (&a.project, &a.environment).cmp(&(&b.project, &b.environment)));
    uses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: serde_json::Value) -> TemplateSpec {
        crate::read(json).unwrap()
    }

    #[test]
    fn a_template_comes_back_as_short_as_it_was() {
        let name: Name = "reload".parse().unwrap();
        for written in [
            serde_json::json!({"run": "systemctl reload x"}),
            serde_json::json!({"about": "Says hello", "run": "#!/bin/sh\necho hello", "timeout": "10s", "idle_timeout": "1s",
                "allow_failure": true, "rerun": "safe"}),
        ] {
            let template = spec(written.clone()).check(&name).unwrap();
            assert_eq!(serde_json::to_value(TemplateSpec::from(&template)).unwrap(), written);
        }
    }

    #[test]
    fn every_error_is_told_with_its_place() {
        let wrong =
            spec(serde_json::json!({"about": "two\nlines", "run": " ", "timeout": "0", "idle_timeout": "x"}));
        let told = wrong.check(&"12".parse().unwrap()).unwrap_err();
        let fields: Vec<&str> = told.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["run", "about", "", "timeout", "idle_timeout"]);
    }
}
