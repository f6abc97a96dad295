//! Settings: what a project's defaults and an environment may both say.

use model::{Health, OnInterrupt, Settings, TreePath, Unreachable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::build::{paths, place};
use crate::hook::{self, HookSpecs};
use crate::{
    AmountSpec, BatchSpec, FieldError, FieldErrors, HealthSpec, HookSpec, NotBuilt, OneOrMany, strategy,
};

/// Settings as people write them. What is not said is inherited.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsSpec {
    /// How many good releases stay on a server, the live one included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub keep: Option<i64>,
    /// Files that live in `shared/` and are linked into each release.
    #[serde(default, alias = "shared_files", skip_serializing_if = "Option::is_none")]
    pub linked_files: Option<OneOrMany<String>>,
    /// Folders that live in `shared/`.
    #[serde(default, alias = "shared_dirs", skip_serializing_if = "Option::is_none")]
    pub linked_dirs: Option<OneOrMany<String>>,
    /// What a healthy server answers; all must be green.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<OneOrMany<HealthSpec>>,
    /// Commands by point of a release.
    #[serde(default, skip_serializing_if = "HookSpecs::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, OneOrMany<HookSpec>>)]
    pub hooks: HookSpecs,
    /// After a restart with some servers switched: `continue`, `hold` or `roll_back`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub on_interrupt: Option<OnInterrupt>,
    /// When a server cannot be reached: `abort` or `skip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub unreachable: Option<Unreachable>,
    /// Which servers are switched together, one batch after another; the last is repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<OneOrMany<BatchSpec>>,
    /// How many servers may fail before all go back; a share is rounded down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<AmountSpec>,
    /// A rollback locks the environment until somebody unlocks it; `true` when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_after_rollback: Option<bool>,
    /// The file of each release that variables and secrets are written into, such as `.env`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = ".env")]
    pub env_file: Option<String>,
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

impl SettingsSpec {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The checked settings.
    pub fn check(&self) -> Result<Settings, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.not_built(&[
            ("unchanged", self.unchanged),
            ("verify_bytes", self.verify_bytes),
            ("protection", self.protection),
        ]);
        let keep = self.keep.and_then(|keep| errors.take("keep", kept(keep)));
        let linked_files = self.linked_files.as_ref().map(|list| paths(&mut errors, "linked_files", list));
        let linked_dirs = self.linked_dirs.as_ref().map(|list| paths(&mut errors, "linked_dirs", list));
        let health = self.health.as_ref().map(|list| checks(&mut errors, list));
        let batches = self.batches.as_ref().map(|list| strategy::batches(&mut errors, list));
        let most = self.max_failures.as_ref().map(AmountSpec::check);
        let max_failures = most.and_then(|most| errors.take("max_failures", most));
        let env_file = self.env_file.as_deref().map(str::parse::<TreePath>).transpose();
        let env_file = errors.take("env_file", env_file).flatten();
        let hooks = errors.nest("hooks", hook::check(&self.hooks)).unwrap_or_default();
        errors.finish(Some(Settings {
            keep,
            linked_files,
            linked_dirs,
            health,
            hooks,
            on_interrupt: self.on_interrupt,
            unreachable: self.unreachable,
            batches,
            max_failures,
            lock_after_rollback: self.lock_after_rollback,
            env_file,
        }))
    }
}

fn kept(keep: i64) -> Result<u32, &'static str> {
    u32::try_from(keep).ok().filter(|keep| (1..=1000).contains(keep)).ok_or("must be between 1 and 1000")
}

fn checks(errors: &mut FieldErrors, list: &OneOrMany<HealthSpec>) -> Vec<Health> {
    let each = list.items().iter().enumerate();
    each.filter_map(|(index, spec)| errors.nest(&place("health", list, index), spec.check())).collect()
}

/// What is wrong with links that stand in each other's way: `linked_files` and `linked_dirs` of one environment.
pub(crate) fn clashes(files: &[TreePath], dirs: &[TreePath]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen: Vec<(&str, &TreePath)> = Vec::new();
    let all =
        dirs.iter().map(|dir| ("linked_dirs", dir)).chain(files.iter().map(|file| ("linked_files", file)));
    for (key, path) in all {
        if let Some((other_key, other)) =
            seen.iter().find(|(_, other)| path.is_within(other) || other.is_within(path))
        {
            errors.push(FieldError::new(
                key,
                format_args!("has {path}, which {other_key} already covers with {other}"),
            ));
        }
        seen.push((key, path));
    }
    errors
}

/// What is wrong with the file of variables beside what is linked.
pub(crate) fn covered(env_file: &TreePath, files: &[TreePath], dirs: &[TreePath]) -> Option<FieldError> {
    let keys =
        files.iter().map(|path| ("linked_files", path)).chain(dirs.iter().map(|path| ("linked_dirs", path)));
    let mut keys = keys.filter(|(_, path)| env_file.is_within(path) || path.is_within(env_file));
    keys.next().map(|(key, path)| {
        FieldError::new("env_file", format_args!("is {env_file}, which {key} already covers with {path}"))
    })
}

impl From<&Settings> for SettingsSpec {
    fn from(settings: &Settings) -> Self {
        let texts = |paths: &Vec<TreePath>| paths.iter().map(ToString::to_string).collect::<Vec<_>>().into();
        let checks = |health: &Vec<Health>| health.iter().map(HealthSpec::from).collect::<Vec<_>>().into();
        Self {
            keep: settings.keep.map(i64::from),
            linked_files: settings.linked_files.as_ref().map(texts),
            linked_dirs: settings.linked_dirs.as_ref().map(texts),
            health: settings.health.as_ref().map(checks),
            hooks: hook::specs(&settings.hooks),
            on_interrupt: settings.on_interrupt,
            unreachable: settings.unreachable,
            // A list, even of one: a number cannot stand alone.
            batches: settings
                .batches
                .as_ref()
                .map(|list| OneOrMany::Many(list.iter().map(BatchSpec::from).collect())),
            max_failures: settings.max_failures.map(AmountSpec::from),
            lock_after_rollback: settings.lock_after_rollback,
            env_file: settings.env_file.as_ref().map(ToString::to_string),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: serde_json::Value) -> SettingsSpec {
        crate::read(json).unwrap()
    }

    #[test]
    fn settings_come_back() {
        let written =
            spec(serde_json::json!({"keep": 1, "shared_files": [".env", "a"], "shared_dirs": "storage",
            "health": {"on": "role=web", "http": "http://127.0.0.1/up"}, "hooks": {"after_upload": []},
            "on_interrupt": "roll_back", "unreachable": "skip", "max_failures": "10%",
            "batches": [1, {"select": "role=web", "hold": true}]}));
        let settings = written.check().unwrap();
        assert_eq!(SettingsSpec::from(&settings).check().unwrap(), settings);
        assert_eq!(SettingsSpec::from(&Settings::default()), SettingsSpec::default());
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let written = spec(serde_json::json!({"batches": [0], "max_failures": -1, "unchanged": "link",
            "verify_bytes": true, "protection": {}, "keep": 0, "health": [{"http": "https://x"}]}));
        let told: Vec<String> = written.check().unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 7);
        assert_eq!(told.iter().filter(|line| line.contains("not built yet")).count(), 3, "{told:#?}");
    }

    #[test]
    fn links_do_not_stand_in_each_others_way() {
        let paths =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<TreePath>>();
        assert!(clashes(&paths(&[".env", "a/b"]), &paths(&["storage", "a/c"])).is_empty());
        for (files, dirs) in
            [(vec!["a", "a"], vec![]), (vec!["storage/x"], vec!["storage"]), (vec![], vec!["a/b", "a"])]
        {
            assert_eq!(clashes(&paths(&files), &paths(&dirs)).len(), 1, "{files:?} {dirs:?}");
        }
    }
}
