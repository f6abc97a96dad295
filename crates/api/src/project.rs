//! Projects: a repository and how it is built, as it is written and checked.

use std::collections::BTreeMap;

use model::{Name, Project, Site};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    BuildSpec, EnvironmentSpec, FieldError, FieldErrors, Named, SecretSpecs, SettingsSpec, VariableSpecs,
    variable,
};

/// One project, as people write it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectSpec {
    /// URL of the git repository, without any secret.
    #[serde(default)]
    #[schema(required, example = "https://git.example.com/shop.git")]
    pub repository: String,
    /// Name of the stored credential for the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// How a commit becomes an artifact.
    #[serde(default, skip_serializing_if = "BuildSpec::is_empty")]
    pub build: BuildSpec,
    /// What every environment inherits.
    #[serde(default, skip_serializing_if = "SettingsSpec::is_empty")]
    pub defaults: SettingsSpec,
    /// Variables of the programs that run in all its environments.
    #[serde(default, skip_serializing_if = "VariableSpecs::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub variables: VariableSpecs,
    /// Secrets of these programs, write-only. What is not named stays as it is stored.
    #[serde(default, skip_serializing_if = "SecretSpecs::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, crate::SecretSpec>)]
    pub secrets: SecretSpecs,
    /// Where it runs. An environment that is not named here is left alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<String, EnvironmentSpec>,
}

/// A project as it is shown, with its environments.
pub type ProjectView = Named<ProjectSpec>;

impl ProjectSpec {
    /// The project `name` and its environments.
    pub fn check(&self, name: &Name) -> Result<(Project, Vec<Site>), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.take("repository", repository(&self.repository));
        let credential = self.credential.as_ref().map(|text| text.parse::<Name>()).transpose();
        let credential = errors.take("credential", credential);
        let build = errors.nest("build", self.build.check());
        let defaults = errors.nest("defaults", self.defaults.check());
        let variables = errors.nest("variables", variable::variables(&self.variables));
        let sites = self.sites(&mut errors);
        let parts = credential.zip(build).zip(defaults).zip(variables);
        let project = parts.map(|(((credential, build), defaults), variables)| Project {
            name: name.clone(),
            repository: self.repository.clone(),
            credential,
            build,
            defaults,
            variables,
        });
        errors.finish(project.map(|project| (project, sites)))
    }

    fn sites(&self, errors: &mut FieldErrors) -> Vec<Site> {
        let mut sites = Vec::new();
        for (text, spec) in &self.environments {
            let prefix = format!("environments.{text}");
            let Some(name) = errors.take(&prefix, text.parse::<Name>()) else { continue };
            sites.extend(errors.nest(&prefix, spec.check(&name)));
        }
        sites
    }

    /// A project with these environments, in the form it is written in.
    pub fn of<'a>(project: &Project, sites: impl IntoIterator<Item = &'a Site>) -> Self {
        Self {
            repository: project.repository.clone(),
            credential: project.credential.as_ref().map(Name::to_string),
            build: BuildSpec::from(&project.build),
            defaults: SettingsSpec::from(&project.defaults),
            variables: variable::specs(&project.variables),
            secrets: SecretSpecs::new(),
            environments: sites.into_iter().map(|site| (site.name.to_string(), site.into())).collect(),
        }
    }
}

/// What can be seen from the outside of a URL; which protocols are allowed is the server's own setting.
fn repository(url: &str) -> Result<(), &'static str> {
    if url.is_empty() {
        return Err("is missing");
    }
    if url.starts_with('-')
        || url.contains("::")
        || url.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err("is not a URL that git is given: write https://…, ssh://… or user@host:path");
    }
    match url.split_once("://") {
        Some((scheme, rest)) => {
            if !["https", "http", "ssh", "git", "file"].contains(&scheme) {
                return Err("has an unknown protocol: write https://…, ssh://… or user@host:path");
            }
            let authority = rest.split('/').next().unwrap_or_default();
            let login = authority.rsplit_once('@').map(|(login, _)| login);
            if login.is_some_and(|login| login.contains(':')) {
                return Err("holds a password: store it as a credential of kind git-token and name that");
            }
            if login.unwrap_or(authority).starts_with('-') || (authority.is_empty() && scheme != "file") {
                return Err("has no host");
            }
            Ok(())
        }
        None if url.starts_with(['/', '.', '~']) => {
            Err("is a path: write file:///… and allow the protocol `file`")
        }
        None if url.contains(':') => Ok(()),
        None => Err("is not a URL: write https://…, ssh://… or user@host:path"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_and_leaky_urls_are_refused() {
        for good in [
            "https://git.example.com/shop.git",
            "git@host:org/repo.git",
            "ssh://git@host:2222/x.git",
            "file:///srv/x.git",
            "https://user@host/x",
        ] {
            assert_eq!(repository(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "--upload-pack=touch x",
            "ext::sh -c x",
            "ext::x",
            "https://u:secret@host/x",
            "gopher://x/y",
            "/srv/x",
            "../x",
            "https://",
            "ssh://-oProxyCommand=x/y",
            "shop",
            "https://a b/c",
            "https://a/\n",
        ] {
            assert!(repository(bad).is_err(), "{bad:?}");
        }
    }
}
