//! The fleet file: everything that can be defined, in one document.

use std::collections::BTreeMap;

use model::{Name, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Checked, CredentialSpec, FieldError, FieldErrors, ProjectSpec, SecretSpec, SecretSpecs, ServerDefaults,
    ServerSpec, Spread, Stored, TemplateSpec, group, variable,
};

/// A fleet file, or the body of `POST /apply`, or the answer of `GET /export`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// What things inherit.
    #[serde(default, skip_serializing_if = "FleetDefaults::is_empty")]
    pub defaults: FleetDefaults,
    /// Credentials by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, CredentialSpec>,
    /// Hook templates by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hooks: BTreeMap<String, TemplateSpec>,
    /// Servers by name, or several by names with a range.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub servers: BTreeMap<String, ServerSpec>,
    /// Groups of servers: selectors by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, String>,
    /// Projects by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub projects: BTreeMap<String, ProjectSpec>,
}

/// The table `[defaults]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FleetDefaults {
    /// What every server of this file inherits.
    #[serde(default)]
    pub server: ServerDefaults,
}

impl FleetDefaults {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Fleet {
    /// Everything the file defines, checked part by part and as a whole over what is `stored`.
    ///
    /// Without `stored` (`aweigh check -f`) only what the file itself proves is an error. A server that says
    /// nothing about host keys keeps the pinned ones while its host, port and jump stay the same.
    pub fn check(&self, stored: Option<&Stored>) -> Result<Checked, Vec<FieldError>> {
        let spread = Spread::of(&self.servers);
        let mut checked = self.check_over(&spread)?;
        if let Some(stored) = stored {
            checked.keep_pins(&spread.silent_about_keys(), stored);
        }
        // Parts that are missing because they are wrong would only give wrong answers here.
        let errors = checked.judge(stored);
        if errors.is_empty() { Ok(checked) } else { Err(spread.as_written(errors)) }
    }

    /// The parts, each by itself: what `aweigh apply` finds out before it asks the server, which alone knows what
    /// the parts refer to.
    pub fn check_parts(&self) -> Result<Checked, Vec<FieldError>> {
        self.check_over(&Spread::of(&self.servers))
    }

    fn check_over(&self, spread: &Spread) -> Result<Checked, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.extend("", spread.errors().iter().cloned());
        let mut checked = Checked::default();
        errors.nest("defaults.server", self.defaults.server.check());
        for (text, spec) in &self.credentials {
            let prefix = format!("credentials.{text}");
            let Some(name) = errors.take(&prefix, text.parse::<Name>()) else { continue };
            let credential = errors.nest(&prefix, spec.check(&name));
            checked.credentials.extend(credential.map(|credential| (name, credential)));
        }
        for (text, spec) in &self.hooks {
            let prefix = format!("hooks.{text}");
            let Some(name) = errors.take(&prefix, text.parse::<Name>()) else { continue };
            let template = errors.nest(&prefix, spec.check(&name));
            checked.templates.extend(template.map(|template| (name, template)));
        }
        for (text, spec) in &spread.servers {
            let prefix = format!("servers.{text}");
            let Some(name) = errors.take(&prefix, text.parse::<Name>()) else { continue };
            let server = errors.nest(&prefix, spec.check(&name, &self.defaults.server));
            checked.servers.extend(server.map(|server| (name, server)));
        }
        for (text, selector) in &self.groups {
            let prefix = format!("groups.{text}");
            let Some(name) = errors.take(&prefix, text.parse::<Name>()) else { continue };
            let selector = errors.take(&prefix, group::selector(selector));
            checked.groups.extend(selector.map(|selector| (name, selector)));
        }
        for (text, spec) in &self.projects {
            let prefix = format!("projects.{text}");
            let Some(name) = errors.take(&prefix, text.parse::<Name>()) else { continue };
            if let Some((project, sites)) = errors.nest(&prefix, spec.check(&name)) {
                let named = sites.into_iter().map(|site| ((name.clone(), site.name.clone()), site));
                checked.sites.extend(named);
                checked.projects.insert(name, project);
            }
        }
        checked.secrets = variable::secrets(self, &spread.servers, &mut errors);
        errors.finish(Some(checked)).map_err(|errors| spread.as_written(errors))
    }

    /// All that is stored, without any secret; applying it again changes nothing.
    pub fn of(stored: &Stored) -> Self {
        let credential = |(kind, username): &(_, Option<String>)| CredentialSpec::of(*kind, username.clone());
        let sites = |project: &Name| {
            let own: Vec<_> =
                stored.sites.iter().filter(|((of, _), _)| of == project).map(|(_, site)| site).collect();
            own
        };
        let mut fleet = Self {
            defaults: FleetDefaults::default(),
            credentials: stored
                .credentials
                .iter()
                .map(|(name, kept)| (name.to_string(), credential(kept)))
                .collect(),
            hooks: stored
                .templates
                .iter()
                .map(|(name, (template, _))| (name.to_string(), template.into()))
                .collect(),
            servers: stored.servers.iter().map(|(name, server)| (name.to_string(), server.into())).collect(),
            groups: stored
                .groups
                .iter()
                .map(|(name, selector)| (name.to_string(), selector.to_string()))
                .collect(),
            projects: stored
                .projects
                .iter()
                .map(|(name, project)| (name.to_string(), ProjectSpec::of(project, sites(name))))
                .collect(),
        };
        for (scope, name) in &stored.secrets {
            if let Some(secrets) = fleet.secrets_of(scope) {
                secrets.insert(name.to_string(), SecretSpec::default());
            }
        }
        fleet
    }

    fn secrets_of(&mut self, scope: &Scope) -> Option<&mut SecretSpecs> {
        match scope {
            Scope::Project(project) => self.projects.get_mut(project.as_str()).map(|it| &mut it.secrets),
            Scope::Environment(project, site) => {
                let project = self.projects.get_mut(project.as_str())?;
                project.environments.get_mut(site.as_str()).map(|it| &mut it.secrets)
            }
            Scope::Server(server) => self.servers.get_mut(server.as_str()).map(|it| &mut it.secrets),
        }
    }
}

#[cfg(test)]
mod tests;
