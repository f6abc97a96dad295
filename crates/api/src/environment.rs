//! Environments: where and how a project runs, as it is written and checked.

use model::{DeployPath, Name, OnInterrupt, Selector, Site, Unreachable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::hook::HookSpecs;
use crate::{
    AmountSpec, BatchSpec, FieldError, FieldErrors, HealthSpec, HookSpec, Named, NotBuilt, OneOrMany,
    SecretSpecs, SettingsSpec, VariableSpecs, variable,
};

// The keys of `SettingsSpec` are written out because a flattened struct would accept unknown ones.
/// One environment, as people write it: its servers and path, and what it says otherwise than the project's
/// defaults.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Selector of its servers.
    #[serde(default)]
    #[schema(required, example = "env=production")]
    pub servers: String,
    /// The folder on each of them: absolute, or `~/…`.
    #[serde(default)]
    #[schema(required, example = "/srv/shop")]
    pub path: String,
    /// As `keep` of the project's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub keep: Option<i64>,
    /// As `linked_files` of the project's defaults.
    #[serde(default, alias = "shared_files", skip_serializing_if = "Option::is_none")]
    pub linked_files: Option<OneOrMany<String>>,
    /// As `linked_dirs` of the project's defaults.
    #[serde(default, alias = "shared_dirs", skip_serializing_if = "Option::is_none")]
    pub linked_dirs: Option<OneOrMany<String>>,
    /// As `health` of the project's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<OneOrMany<HealthSpec>>,
    /// Hooks by point; a point named here replaces the inherited one.
    #[serde(default, skip_serializing_if = "HookSpecs::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, OneOrMany<HookSpec>>)]
    pub hooks: HookSpecs,
    /// As `on_interrupt` of the project's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub on_interrupt: Option<OnInterrupt>,
    /// As `unreachable` of the project's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub unreachable: Option<Unreachable>,
    /// As `batches` of the project's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<OneOrMany<BatchSpec>>,
    /// As `max_failures` of the project's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<AmountSpec>,
    /// As `lock_after_rollback` of the project's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_after_rollback: Option<bool>,
    /// As `env_file` of the project's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = ".env")]
    pub env_file: Option<String>,
    /// Variables of the programs that run here, over those of the project.
    #[serde(default, skip_serializing_if = "VariableSpecs::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub variables: VariableSpecs,
    /// Secrets of these programs, write-only. What is not named stays as it is stored.
    #[serde(default, skip_serializing_if = "SecretSpecs::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, crate::SecretSpec>)]
    pub secrets: SecretSpecs,
    /// Not built yet.
    #[serde(default, skip_serializing)]
    #[schema(ignore)]
    pub unchanged: Option<NotBuilt>,
    /// Not built yet.
    #[serde(default, skip_serializing)]
    #[schema(ignore)]
    pub verify_bytes: Option<NotBuilt>,
    /// Not built yet.
    #[serde(default, skip_serializing)]
    #[schema(ignore)]
    pub protection: Option<NotBuilt>,
}

/// An environment as it is shown: what it says itself, before it inherits anything.
pub type EnvironmentView = Named<EnvironmentSpec>;

impl EnvironmentSpec {
    /// The keys it shares with a project's defaults.
    pub fn settings(&self) -> SettingsSpec {
        SettingsSpec {
            keep: self.keep,
            linked_files: self.linked_files.clone(),
            linked_dirs: self.linked_dirs.clone(),
            health: self.health.clone(),
            hooks: self.hooks.clone(),
            on_interrupt: self.on_interrupt,
            unreachable: self.unreachable,
            max_failures: self.max_failures.clone(),
            lock_after_rollback: self.lock_after_rollback,
            env_file: self.env_file.clone(),
            batches: self.batches.clone(),
            unchanged: self.unchanged,
            verify_bytes: self.verify_bytes,
            protection: self.protection,
        }
    }

    /// The environment `name` as it was written.
    pub fn check(&self, name: &Name) -> Result<Site, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let servers = match self.servers.as_str() {
            "" => errors.take("servers", Err::<Selector, _>("is missing: write all, a name or label=value")),
            text => errors.take("servers", text.parse()),
        };
        let path = match self.path.as_str() {
            "" => errors.take("path", Err::<DeployPath, _>("is missing: write the folder on the servers")),
            text => errors.take("path", text.parse()),
        };
        let settings = errors.nest("", self.settings().check());
        let variables = errors.nest("variables", variable::variables(&self.variables));
        let site = servers.zip(path).zip(settings).zip(variables);
        errors.finish(site.map(|(((servers, path), settings), variables)| Site {
            name: name.clone(),
            servers,
            path,
            settings,
            variables,
        }))
    }
}

impl From<&Site> for EnvironmentSpec {
    fn from(site: &Site) -> Self {
        let settings = SettingsSpec::from(&site.settings);
        Self {
            servers: site.servers.to_string(),
            path: site.path.to_string(),
            keep: settings.keep,
            linked_files: settings.linked_files,
            linked_dirs: settings.linked_dirs,
            health: settings.health,
            hooks: settings.hooks,
            on_interrupt: settings.on_interrupt,
            unreachable: settings.unreachable,
            batches: settings.batches,
            max_failures: settings.max_failures,
            lock_after_rollback: settings.lock_after_rollback,
            env_file: settings.env_file,
            variables: variable::specs(&site.variables),
            ..Self::default()
        }
    }
}
