//! The answer of `apply`: what changes.

use std::collections::{BTreeMap, BTreeSet};

use model::{Name, Scope, Selector, VariableName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::variable::secret_name;
use crate::{
    Checked, CredentialSpec, EnvironmentSpec, GroupSpec, ProjectSpec, ServerSpec, Stored, TemplateSpec,
};

/// What `apply` changed, or would change. Empty when everything is as the file says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct ApplyAnswer {
    /// In the order they are made.
    pub changes: Vec<Change>,
    /// What to know about what was stored: secrets that are too short to be masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// What happens to it.
    pub action: ChangeAction,
    /// What kind of thing it is.
    pub what: What,
    /// Its name; an environment's is `PROJECT/ENVIRONMENT`.
    pub name: String,
    /// The keys that change, of an update.
    #[serde(default)]
    pub fields: Vec<String>,
}

/// What happens to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    /// It is new.
    Create,
    /// It was there.
    Update,
    /// It goes.
    Delete,
}

/// Kinds of things that can be defined, in the order in which they depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A credential.
    Credential,
    /// A hook template.
    Hook,
    /// A server.
    Server,
    /// A group of servers.
    Group,
    /// A project.
    Project,
    /// An environment.
    Environment,
    /// A secret of a project, an environment or a server.
    Secret,
}

/// The name of an environment among all things.
pub fn site_name(project: &Name, environment: &Name) -> String {
    format!("{project}/{environment}")
}

/// Everything `checked` creates or updates in `stored`; `new_secrets` names the credentials, and `new_values` the secrets,
/// that differ from what is stored.
pub fn changes(
    checked: &Checked,
    stored: &Stored,
    new_secrets: &BTreeSet<Name>,
    new_values: &BTreeSet<(Scope, VariableName)>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut put = |what, name: String, before: Option<Value>, after: Value, also: Option<&str>| {
        let action = if before.is_some() { ChangeAction::Update } else { ChangeAction::Create };
        let mut fields = before.map(|before| differing(&before, &after)).unwrap_or_default();
        fields.extend(also.map(str::to_owned));
        if action == ChangeAction::Create || !fields.is_empty() {
            let fields = if action == ChangeAction::Create { Vec::new() } else { fields };
            changes.push(Change { action, what, name, fields });
        }
    };
    for (name, credential) in &checked.credentials {
        let view = |kind, username: &Option<String>| shown(&CredentialSpec::of(kind, username.clone()));
        let before = stored.credentials.get(name).map(|(kind, username)| view(*kind, username));
        let after = view(credential.kind, &credential.username);
        let secret = new_secrets.contains(name).then_some("secret");
        put(What::Credential, name.to_string(), before, after, secret);
    }
    for (name, template) in &checked.templates {
        let before = stored.templates.get(name).map(|(template, _)| shown(&TemplateSpec::from(template)));
        put(What::Hook, name.to_string(), before, shown(&TemplateSpec::from(template)), None);
    }
    for (name, server) in &checked.servers {
        let before = stored.servers.get(name).map(|server| shown(&ServerSpec::from(server)));
        put(What::Server, name.to_string(), before, shown(&ServerSpec::from(server)), None);
    }
    for (name, selector) in &checked.groups {
        let view = |selector: &Selector| shown(&GroupSpec { selector: selector.to_string() });
        put(What::Group, name.to_string(), stored.groups.get(name).map(view), view(selector), None);
    }
    for (name, project) in &checked.projects {
        let before = stored.projects.get(name).map(|project| shown(&ProjectSpec::of(project, [])));
        put(What::Project, name.to_string(), before, shown(&ProjectSpec::of(project, [])), None);
    }
    for (key, site) in &checked.sites {
        let before = stored.sites.get(key).map(|site| shown(&EnvironmentSpec::from(site)));
        put(What::Environment, site_name(&key.0, &key.1), before, shown(&EnvironmentSpec::from(site)), None);
    }
    for key in checked.secrets.keys() {
        let before = stored.secrets.contains(key).then_some(Value::Null);
        let value = new_values.contains(key).then_some("value");
        put(What::Secret, secret_name(&key.0, &key.1), before, Value::Null, value);
    }
    changes
}

/// Everything of `managed` that `checked` does not name, in the order in which it can be deleted.
pub fn prunes(checked: &Checked, managed: &BTreeSet<(What, String)>) -> Vec<Change> {
    let mut named: BTreeSet<(What, String)> = BTreeSet::new();
    named.extend(checked.credentials.keys().map(|name| (What::Credential, name.to_string())));
    named.extend(checked.templates.keys().map(|name| (What::Hook, name.to_string())));
    named.extend(checked.servers.keys().map(|name| (What::Server, name.to_string())));
    named.extend(checked.groups.keys().map(|name| (What::Group, name.to_string())));
    named.extend(checked.projects.keys().map(|name| (What::Project, name.to_string())));
    named.extend(checked.sites.keys().map(|(project, name)| (What::Environment, site_name(project, name))));
    let gone = managed.iter().rev().filter(|thing| !named.contains(*thing));
    let delete = |(what, name): &(What, String)| Change {
        action: ChangeAction::Delete,
        what: *what,
        name: name.clone(),
        fields: Vec::new(),
    };
    gone.map(delete).collect()
}

fn shown(spec: &impl Serialize) -> Value {
    serde_json::to_value(spec).unwrap_or_default()
}

/// The keys whose values differ between two tables.
fn differing(before: &Value, after: &Value) -> Vec<String> {
    let table = |value: &Value| -> BTreeMap<String, Value> {
        value.as_object().cloned().unwrap_or_default().into_iter().collect()
    };
    let (before, after) = (table(before), table(after));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter(|key| before.get(*key) != after.get(*key)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fleet;

    #[test]
    fn only_what_differs_changes() {
        let fleet = |host: &str, keep: i64| -> Checked {
            let value = serde_json::json!({"credentials": {"deploy": {"kind": "ssh-agent"}},
                "hooks": {"reload": {"run": "reload"}},
                "servers": {"a": {"host": host, "user": "u", "credential": "deploy"}},
                "projects": {"shop": {"repository": "https://h/x", "environments":
                    {"live": {"servers": "all", "path": "/srv/shop", "keep": keep}}}}});
            crate::read::<Fleet>(value).unwrap().check(None).unwrap()
        };
        let checked = fleet("h", 3);
        let all = changes(&checked, &Stored::default(), &BTreeSet::new(), &BTreeSet::new());
        assert_eq!(all.iter().filter(|change| change.action == ChangeAction::Create).count(), 5);
        let stored = Stored {
            credentials: [("deploy".parse().unwrap(), (crate::CredentialKind::SshAgent, None))].into(),
            templates: checked.templates.iter().map(|(name, one)| (name.clone(), (one.clone(), 1))).collect(),
            servers: checked.servers.clone(),
            groups: checked.groups.clone(),
            projects: checked.projects.clone(),
            sites: checked.sites.clone(),
            ..Stored::default()
        };
        assert_eq!(changes(&checked, &stored, &BTreeSet::new(), &BTreeSet::new()), []);
        let told: Vec<_> =
            changes(&fleet("i", 4), &stored, &["deploy".parse().unwrap()].into(), &BTreeSet::new())
                .into_iter()
                .map(|change| (change.action, change.name, change.fields.concat()))
                .collect();
        let update = |name: &str, field: &str| (ChangeAction::Update, name.to_owned(), field.to_owned());
        assert_eq!(told, [update("deploy", "secret"), update("a", "host"), update("shop/live", "keep")]);
        let managed = [
            (What::Credential, "old".to_owned()),
            (What::Server, "b".to_owned()),
            (What::Server, "a".to_owned()),
        ];
        let gone: Vec<String> =
            prunes(&checked, &managed.into()).into_iter().map(|change| change.name).collect();
        assert_eq!(gone, ["b", "old"], "a server goes before its credential");
    }
}
