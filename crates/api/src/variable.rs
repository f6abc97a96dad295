//! Variables and secrets of projects, environments and servers: as they are written, checked and shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{ExposeSecret, Name, Scope, SecretString, VariableName, Variables, variable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::checked::Secrets;
use crate::{FieldError, FieldErrors, Fleet, Secret, ServerSpec};

/// Variables by name, as people write them.
pub type VariableSpecs = BTreeMap<String, String>;

/// Secrets by name, as people write them.
pub type SecretSpecs = BTreeMap<String, SecretSpec>;

/// One secret, as people write it. In a request it is in `value`; `file` and `env` are read by the command line, which
/// sends what it finds there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretSpec {
    /// The file that holds it, relative to the fleet file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub file: Option<String>,
    /// The environment variable that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub env: Option<String>,
    /// The secret itself. Left out: the stored one stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, write_only)]
    pub value: Option<Secret>,
}

impl SecretSpec {
    /// The new value; `None` keeps the stored one.
    pub fn check(&self) -> Result<Option<SecretString>, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        for (key, said) in [("file", self.file.is_some()), ("env", self.env.is_some())] {
            errors.add_if(said, key, "is read by `aweigh apply`; in a request write value instead");
        }
        let value = self.value.as_ref().map(|value| &value.0);
        if let Some(value) = value {
            let value = value.expose_secret();
            errors
                .take("value", if value.is_empty() { Err("is empty") } else { variable::sound_value(value) });
        }
        errors.finish(Some(value.cloned()))
    }
}

/// The variables that `specs` say.
pub(crate) fn variables(specs: &VariableSpecs) -> Result<Variables, Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    let mut variables = Variables::new();
    for (text, value) in specs {
        let name = errors.take(text, text.parse::<VariableName>());
        let sound = errors.take(text, variable::sound_value(value));
        if let (Some(name), Some(())) = (name, sound) {
            variables.insert(name, value.clone());
        }
    }
    errors.finish(Some(variables))
}

/// The way back.
pub(crate) fn specs(variables: &Variables) -> VariableSpecs {
    variables.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

/// Every secret that `fleet` names, with its scope; `servers` are its servers, one by one. Scopes whose names are wrong are told where they stand.
pub(crate) fn secrets(
    fleet: &Fleet,
    servers: &BTreeMap<String, ServerSpec>,
    errors: &mut FieldErrors,
) -> Secrets {
    let mut scopes: Vec<(Scope, &SecretSpecs)> = Vec::new();
    for (text, server) in servers {
        scopes.extend(text.parse().ok().map(|name| (Scope::Server(name), &server.secrets)));
    }
    for (text, project) in &fleet.projects {
        let Ok(name) = text.parse::<Name>() else { continue };
        scopes.push((Scope::Project(name.clone()), &project.secrets));
        for (text, environment) in &project.environments {
            let scope = text.parse().ok().map(|site| Scope::Environment(name.clone(), site));
            scopes.extend(scope.map(|scope| (scope, &environment.secrets)));
        }
    }
    let mut found = Secrets::new();
    for (scope, specs) in scopes {
        for (text, spec) in specs {
            let field = secret_place(&scope, text);
            let name = errors.take(&field, text.parse::<VariableName>());
            if let (Some(name), Some(value)) = (name, errors.nest(&field, spec.check())) {
                found.insert((scope.clone(), name), value);
            }
        }
    }
    found
}

/// Where a scope stands in a fleet.
pub fn place(scope: &Scope) -> String {
    match scope {
        Scope::Project(project) => format!("projects.{project}"),
        Scope::Environment(project, name) => format!("projects.{project}.environments.{name}"),
        Scope::Server(server) => format!("servers.{server}"),
    }
}

/// Where a secret of it stands.
pub fn secret_place(scope: &Scope, name: &str) -> String {
    format!("{}.secrets.{name}", place(scope))
}

/// The name of a secret among all things.
pub fn secret_name(scope: &Scope, name: &VariableName) -> String {
    format!("{name} of {scope}")
}

/// Who says a variable or a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The project, for all its environments.
    Project,
    /// The environment. It is heard over the project.
    Environment,
    /// A server. It is heard over both.
    Server,
}

/// A variable or a secret as it is shown; a secret without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariableView {
    /// Its name.
    #[schema(value_type = String)]
    pub name: VariableName,
    /// Who says it.
    pub from: From,
    /// The server that says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub server: Option<Name>,
    /// Whether only the vault knows its value.
    pub secret: bool,
    /// The value of what is no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether the environment says something else under this name.
    pub hidden: bool,
    /// Whether a secret is long enough to be masked where it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masked: Option<bool>,
    /// When a secret was stored last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: serde_json::Value) -> Vec<String> {
        let fleet: Fleet = crate::read(json).unwrap();
        fleet.check(None).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_and_values_that_cannot_be_are_refused_with_their_place() {
        let project = |variables: serde_json::Value, secrets: serde_json::Value| {
            serde_json::json!({"projects": {"shop": {"repository": "https://h/x", "variables": variables,
                "environments": {"live": {"servers": "all", "path": "/srv/shop", "secrets": secrets}}}}})
        };
        let nothing = || serde_json::json!({});
        for (fleet, place) in [
            (
                project(serde_json::json!({"LD_PRELOAD": "/x.so"}), nothing()),
                "projects.shop.variables.LD_PRELOAD LD_PRELOAD must not",
            ),
            (
                project(serde_json::json!({"A=B": "x"}), nothing()),
                "projects.shop.variables.A=B \"A=B\" is not",
            ),
            (
                project(serde_json::json!({"A": "x\r\n"}), nothing()),
                "projects.shop.variables.A holds a carriage",
            ),
            (
                project(nothing(), serde_json::json!({"PATH": {"value": "x"}})),
                "projects.shop.environments.live.secrets.PATH PATH must",
            ),
            (
                project(nothing(), serde_json::json!({"A": {"value": ""}})),
                "projects.shop.environments.live.secrets.A.value is empty",
            ),
            (
                project(nothing(), serde_json::json!({"A": {"env": "A"}})),
                "projects.shop.environments.live.secrets.A.env is read by",
            ),
            (
                serde_json::json!({"servers": {"a": {"host": "local", "variables": {"IFS": ""}}}}),
                "servers.a.variables.IFS IFS must",
            ),
            (
                serde_json::json!({"servers": {"a": {"host": "local", "variables": {"A": ""}, "secrets": {"A": {"value": "x"}}}}}),
                "servers.a.secrets.A is a variable there",
            ),
        ] {
            let told = told(fleet);
            assert!(told.len() == 1 && told[0].starts_with(place), "{place}: {told:?}");
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        let spec = SecretSpec { value: Some(Secret::new("hunter2")), ..SecretSpec::default() };
        assert!(!format!("{spec:?} {:?}", spec.check()).contains("hunter2"));
    }
}
