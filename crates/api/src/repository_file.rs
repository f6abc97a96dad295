//! `aweigh.toml`: what a commit says about itself. It lies under what is stored.

use std::collections::BTreeMap;

use model::{Build, Name, Settings};
use serde::{Deserialize, Serialize};

use crate::{BuildSpec, FieldError, FieldErrors, SettingsSpec};

/// The tables of a project that may stand in the released commit: not the repository, nor any credential,
/// server or path.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepositoryFile {
    /// How this commit becomes an artifact.
    #[serde(default, skip_serializing_if = "BuildSpec::is_empty")]
    pub build: BuildSpec,
    /// What every environment inherits.
    #[serde(default, skip_serializing_if = "SettingsSpec::is_empty")]
    pub defaults: SettingsSpec,
    /// Settings by environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<String, SettingsSpec>,
}

/// What the file says, for one environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// The build.
    pub build: Build,
    /// The settings of the environment over the file's defaults.
    pub settings: Settings,
}

impl RepositoryFile {
    /// What it says for `environment`. All of the file is checked.
    pub fn check(&self, environment: &Name) -> Result<Said, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let build = errors.nest("build", self.build.check());
        let defaults = errors.nest("defaults", self.defaults.check()).unwrap_or_default();
        let mut settings = defaults.clone();
        for (text, spec) in &self.environments {
            let checked = errors.nest(&format!("environments.{text}"), spec.check());
            if text == environment.as_str()
                && let Some(checked) = checked
            {
                settings = checked.over(&defaults);
            }
        }
        errors.finish(build.map(|build| Said { build, settings }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_lies_over_the_defaults() {
        let file: RepositoryFile =
            crate::read(serde_json::json!({"build": {"run": "make"}, "defaults": {"keep": 3},
            "environments": {"production": {"linked_files": ".env"}, "staging": {"keep": 2}}}))
            .unwrap();
        let said = file.check(&"production".parse().unwrap()).unwrap();
        assert_eq!((said.settings.keep, said.settings.linked_files.unwrap().len()), (Some(3), 1));
        assert_eq!(file.check(&"staging".parse().unwrap()).unwrap().settings.keep, Some(2));
    }

    #[test]
    fn a_commit_cannot_name_servers() {
        for key in ["servers", "path"] {
            let file = serde_json::json!({"environments": {"production": {key: "x"}}});
            assert!(crate::read::<RepositoryFile>(file).is_err(), "{key}");
        }
        for key in ["repository", "credential"] {
            assert!(crate::read::<RepositoryFile>(serde_json::json!({key: "x"})).is_err(), "{key}");
        }
    }
}
