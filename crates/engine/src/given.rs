//! What programs are given to read: the variables of the plan, and the secrets that they ask for by name.
//!
//! Variables are frozen with the plan. The values of secrets are read once, when somebody begins to work on a release (or
//! goes on with it, after a restart or a wait): so all servers of it get the same, and exactly what is masked.

use std::collections::BTreeMap;

use model::variable::lines;
use model::{ExposeSecret, Name, Plan, SecretString, Server, VariableName, Variables};

use crate::error::Failure;

/// Secrets by name.
pub type Values = BTreeMap<VariableName, SecretString>;

/// Every secret that a release touches.
#[derive(Debug, Default)]
pub struct KnownSecrets {
    /// Those of the credentials with which its servers and its repository are reached, by their names.
    pub logins: BTreeMap<Name, Vec<SecretString>>,
    /// Those of its project.
    pub project: Values,
    /// Those of its environment.
    pub environment: Values,
    /// Those of its servers.
    pub servers: BTreeMap<Name, Values>,
}

impl KnownSecrets {
    /// All of them, for the masker.
    pub fn all(&self) -> impl Iterator<Item = &SecretString> {
        let of_servers = self.servers.values().flat_map(BTreeMap::values);
        self.logins
            .values()
            .flatten()
            .chain(self.project.values())
            .chain(self.environment.values())
            .chain(of_servers)
    }

    /// The secrets that are heard on `server`, or on the control host: of the server before the environment before the
    /// project.
    pub fn heard(&self, server: Option<&Name>) -> BTreeMap<&VariableName, &SecretString> {
        let of_server = server.and_then(|server| self.servers.get(server));
        let levels = [Some(&self.project), Some(&self.environment), of_server];
        levels.into_iter().flatten().flatten().collect()
    }

    /// The secrets with these names, as lines `NAME=value`; or which one is not stored.
    pub fn asked(
        &self,
        plan: &Plan,
        server: Option<&Name>,
        names: &[VariableName],
    ) -> Result<Vec<String>, Failure> {
        let heard = self.heard(server);
        let mut all = Vec::new();
        for name in names {
            let value = heard.get(name).ok_or_else(|| missing(plan, name))?;
            all.extend(lines(name, value.expose_secret()));
        }
        Ok(all)
    }
}

fn missing(plan: &Plan, name: &VariableName) -> Failure {
    let (project, environment) = (&plan.project.name, &plan.environment.name);
    Failure::new(format!("the secret {name} is not stored"))
        .hint(format!("store it: aweigh secrets set {project} -e {environment} {name}"))
}

/// The variables that are heard on `server`, or on the control host.
pub fn heard(plan: &Plan, server: Option<&Server>) -> Variables {
    let mut variables = plan.environment.variables.clone();
    variables.extend(server.map(|server| server.variables.clone()).unwrap_or_default());
    variables
}

/// The same, as lines `NAME=value`.
pub fn variable_lines(plan: &Plan, server: Option<&Server>) -> Vec<String> {
    heard(plan, server).iter().flat_map(|(name, value)| lines(name, value).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_secret_is_heard() {
        let name = |text: &str| text.parse::<VariableName>().unwrap();
        let values = |value: &str, names: &[&str]| -> Values {
            names.iter().map(|text| (name(text), format!("{value} {text}").into())).collect()
        };
        let secrets = KnownSecrets {
            logins: BTreeMap::new(),
            project: values("project", &["A", "B", "C"]),
            environment: values("environment", &["B", "C"]),
            servers: [("web-1".parse().unwrap(), values("server", &["C", "D"]))].into(),
        };
        let heard = |server: Option<&str>| -> Vec<String> {
            let server = server.map(|text| text.parse::<Name>().unwrap());
            let heard = secrets.heard(server.as_ref());
            heard.values().map(|value| value.expose_secret().to_owned()).collect()
        };
        assert_eq!(heard(Some("web-1")), ["project A", "environment B", "server C", "server D"]);
        assert_eq!(heard(Some("web-2")), ["project A", "environment B", "environment C"]);
        assert_eq!(heard(None), heard(Some("web-2")));
        assert_eq!(secrets.all().count(), 7);
    }
}
