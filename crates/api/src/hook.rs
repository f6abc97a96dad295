//! Hooks: a command, or a table with a command and how it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::{Hook, HookPoint, Hooks, Name, Picked, Rerun, Selector, VariableName, When, hook};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::closest::suggestion;
use crate::{FieldError, FieldErrors, OneOrMany, duration};

/// One hook.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum HookSpec {
    /// Only its command.
    Command(String),
    /// Its command and more.
    Table(Box<HookTable>),
}

/// A hook with all that can be said about it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HookTable {
    /// Shown in the tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The hook template that says what is run and how: `NAME` for its newest version, `NAME@3` for this one. It takes the
    /// place of `run`, `timeout`, `idle_timeout`, `allow_failure` and `rerun`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The command, run by `sh -e` or by its `#!` line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub run: String,
    /// Selector of the servers it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// On one matching server only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub once: bool,
    /// The kinds of run it takes part in: `release`, `rollback`, `undo`, `catch_up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub when: Option<Vec<When>>,
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
    /// Names of the secrets that it finds in its environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<OneOrMany<String>>,
}

impl<'de> Deserialize<'de> for HookSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = HookSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command or a table with run")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<HookSpec, E> {
                Ok(HookSpec::Command(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HookSpec, A::Error> {
                HookTable::deserialize(MapAccessDeserializer::new(map))
                    .map(|table| HookSpec::Table(Box::new(table)))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Hooks by point, as people write them.
pub type HookSpecs = BTreeMap<String, OneOrMany<HookSpec>>;

/// All hooks, each list in its order.
pub fn check(specs: &HookSpecs) -> Result<Hooks, Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    let mut hooks = Hooks::new();
    for (word, list) in specs {
        let Some(point) = HookPoint::ALL.into_iter().find(|point| point.word() == word) else {
            let near = suggestion(word, HookPoint::ALL.map(HookPoint::word));
            errors.add(word, format_args!("is not a point of a release{near}"));
            continue;
        };
        let mut names = BTreeSet::new();
        let checked = list.items().iter().enumerate().filter_map(|(index, spec)| {
            let place = match list {
                OneOrMany::One(_) => word.clone(),
                OneOrMany::Many(_) => format!("{word}[{index}]"),
            };
            let hook = errors.nest(&place, spec.check(point))?;
            let again = hook.name.as_ref().is_some_and(|name| !names.insert(name.clone()));
            errors.add_if(again, format!("{place}.name"), "is the name of an earlier hook of this point");
            Some(hook)
        });
        hooks.insert(point, checked.collect());
    }
    errors.finish(Some(hooks))
}

/// The way back.
pub fn specs(hooks: &Hooks) -> HookSpecs {
    let list = |point: HookPoint, hooks: &Vec<Hook>| -> Vec<HookSpec> {
        hooks.iter().map(|hook| HookSpec::of(point, hook)).collect()
    };
    hooks.iter().map(|(point, hooks)| (point.word().to_owned(), list(*point, hooks).into())).collect()
}

impl HookSpec {
    /// The hook at `point`.
    pub fn check(&self, point: HookPoint) -> Result<Hook, Vec<FieldError>> {
        match self {
            Self::Command(run) => command(run)
                .map(|()| Hook::plain(point, run))
                .map_err(|error| vec![FieldError::new("", error)]),
            Self::Table(table) => table.check(point),
        }
    }

    /// A hook of `point`, as short as it can be written.
    pub fn of(point: HookPoint, hook: &Hook) -> Self {
        if *hook == Hook::plain(point, &hook.run) {
            return Self::Command(hook.run.clone());
        }
        let usual = hook.when == Hook::default_when(point, hook.once);
        let picked = hook.template.as_ref();
        let name = hook.name.as_ref().filter(|name| picked.is_none_or(|picked| picked.name != **name));
        Self::Table(Box::new(HookTable {
            name: name.map(Name::to_string),
            template: picked.map(Picked::to_string),
            run: hook.run.clone(),
            on: (hook.on != Selector::all()).then(|| hook.on.to_string()),
            once: hook.once,
            when: (!usual).then(|| hook.when.clone()),
            timeout: (hook.timeout != hook::DEFAULT_TIMEOUT).then(|| duration::print(hook.timeout)),
            idle_timeout: hook.idle_timeout.map(duration::print),
            allow_failure: hook.allow_failure,
            rerun: (hook.rerun != Rerun::default()).then_some(hook.rerun),
            secrets: (!hook.secrets.is_empty()).then(|| names(&hook.secrets).into()),
        }))
    }
}

impl HookTable {
    fn check(&self, point: HookPoint) -> Result<Hook, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let secrets = self.secrets(&mut errors);
        let template = self.template.as_deref().map(str::parse::<Picked>).transpose();
        let template = errors.take("template", template).flatten();
        match &template {
            // What it says is not said twice: one of the two would be wrong one day.
            Some(picked) => self.refuse_what_is_said_by(picked, &mut errors),
            None if self.template.is_none() => _ = errors.take("run", command(&self.run)),
            None => {}
        }
        let name = self.name.as_ref().and_then(|text| errors.take("name", text.parse::<Name>()));
        let number = name.as_ref().is_some_and(|name| name.as_str().bytes().all(|b| b.is_ascii_digit()));
        errors.add_if(number, "name", "must not be a number: hooks without a name are counted");
        if point.on_control_host() {
            let alone = format!("has no meaning: {} runs once, on the control host", point.word());
            errors.add_if(self.on.is_some(), "on", &alone);
            errors.add_if(self.once, "once", &alone);
        }
        let on = self.on.as_deref().map_or(Ok(Selector::all()), str::parse);
        let on = errors.take("on", on);
        let mut when = self.when.clone().unwrap_or_else(|| Hook::default_when(point, self.once));
        when.dedup();
        errors.add_if(when.is_empty(), "when", "is empty, so it would never run");
        let timeout = self.timeout.as_deref().map_or(Ok(hook::DEFAULT_TIMEOUT), duration::parse);
        let timeout = errors.take("timeout", timeout);
        let idle_timeout = self.idle_timeout.as_deref().map(duration::parse).transpose();
        let idle_timeout = errors.take("idle_timeout", idle_timeout);
        let hook = on.zip(timeout).zip(idle_timeout).map(|((on, timeout), idle_timeout)| Hook {
            name: name.or_else(|| template.as_ref().map(|picked| picked.name.clone())),
            template,
            run: self.run.clone(),
            on,
            once: self.once,
            when,
            timeout,
            idle_timeout,
            allow_failure: self.allow_failure,
            rerun: self.rerun.unwrap_or_default(),
            secrets,
        });
        errors.finish(hook)
    }

    fn secrets(&self, errors: &mut FieldErrors) -> Vec<VariableName> {
        let mut secrets = Vec::new();
        for (index, text) in self.secrets.iter().flat_map(OneOrMany::items).enumerate() {
            let field = match self.secrets {
                Some(OneOrMany::Many(_)) => format!("secrets[{index}]"),
                _ => "secrets".to_owned(),
            };
            secrets.extend(errors.take(field, text.parse::<VariableName>()));
        }
        secrets.sort();
        secrets.dedup();
        secrets
    }

    fn refuse_what_is_said_by(&self, picked: &Picked, errors: &mut FieldErrors) {
        let written = [
            ("run", !self.run.is_empty()),
            ("timeout", self.timeout.is_some()),
            ("idle_timeout", self.idle_timeout.is_some()),
            ("allow_failure", self.allow_failure),
            ("rerun", self.rerun.is_some()),
        ];
        for (key, written) in written {
            errors.add_if(
                written,
                key,
                format_args!("is said by the template {}; leave it out", picked.name),
            );
        }
    }
}

fn names(secrets: &[VariableName]) -> Vec<String> {
    secrets.iter().map(ToString::to_string).collect()
}

/// The longest command, in bytes.
const LONGEST: usize = 64 * 1024;

/// Whether `run` can be stored as a file and run.
pub(crate) fn command(run: &str) -> Result<(), &'static str> {
    match run {
        _ if run.trim().is_empty() => Err("is empty: write the command to run"),
        _ if run.contains('\0') => Err("must not hold a NUL character"),
        _ if run.len() > LONGEST => Err("is longer than 64 KiB: put it into a file of the repository"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs_of(json: serde_json::Value) -> HookSpecs {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn hooks_come_back_as_short_as_they_were() {
        let written = specs_of(serde_json::json!({
            "after_upload": ["php artisan config:cache",
                {"name": "migrate", "run": "php artisan migrate --force", "on": "role=db", "once": true, "timeout": "2h", "secrets": ["DB_PASSWORD", "KEY"]}],
            "after_activate": {"run": "reload", "on": "role=web", "rerun": "safe", "idle_timeout": "1m"},
            "after_verify": [{"template": "undrain@3", "on": "role=web"}, {"name": "again", "template": "undrain"}],
            "on_failure": {"run": "page", "when": ["rollback"], "allow_failure": true},
        }));
        let hooks = check(&written).unwrap();
        assert_eq!(specs(&hooks), written);
        let migrate = &hooks[&HookPoint::AfterUpload][1];
        assert_eq!(migrate.when, [When::Release], "once runs on release only");
    }

    #[test]
    fn every_error_is_told_with_its_place() {
        let wrong = specs_of(serde_json::json!({
            "after_uplaod": "x",
            "after_upload": [{"name": "a", "run": "x"}, {"name": "a", "run": "y"}, {"name": "12", "run": " ", "secrets": ["A", "PATH"]}],
            "after_release": {"run": "x", "on": "all", "once": true},
            "after_verify": {"run": "x", "on": "=", "timeout": "5", "when": []},
            "before_activate": [{"template": "No", "on": "all"}, {"template": "drain", "run": "x", "rerun": "safe"}, {"template": "drain"}],
        }));
        let told: Vec<String> = check(&wrong).unwrap_err().iter().map(|e| e.field.clone()).collect();
        for field in [
            "after_uplaod",
            "after_upload[1].name",
            "after_upload[2].name",
            "after_upload[2].run",
            "after_upload[2].secrets[1]",
            "after_release.on",
            "after_release.once",
            "after_verify.on",
            "after_verify.timeout",
            "after_verify.when",
            "before_activate[0].template",
            "before_activate[1].run",
            "before_activate[1].rerun",
        ] {
            assert!(told.iter().any(|line| line == field), "{field} in {told:#?}");
        }
        assert_eq!(told.len(), 13);
    }
}
