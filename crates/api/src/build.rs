//! How a commit becomes an artifact: as it is written and checked.

use model::{Build, TreePath};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FieldError, FieldErrors, OneOrMany, bytes, duration, hook};

/// The build, on the control host, in a fresh tree of the commit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BuildSpec {
    /// Commands, one after another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<OneOrMany<String>>,
    /// Folders kept between builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<OneOrMany<String>>,
    /// The folder that is packed, `.` for the whole tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What is left out, in gitignore syntax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<OneOrMany<String>>,
    /// The longest one command may run, `1h` when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// How much memory the processes of one command may hold together, such as `4GiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// How many processes one command may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<i64>,
    /// Whether submodules are brought along, and theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submodules: Option<bool>,
    /// Whether the files are brought that Git LFS keeps, in the place of their pointers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lfs: Option<bool>,
}

impl BuildSpec {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The checked build, with the defaults of Aweigh below it.
    pub fn check(&self) -> Result<Build, Vec<FieldError>> {
        self.check_over(&Build::default())
    }

    /// The checked build, with `below` for what is not said here.
    pub fn check_over(&self, below: &Build) -> Result<Build, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let mut build = below.clone();
        if let Some(run) = &self.run {
            build.run = run.items().to_vec();
            for (index, command) in run.items().iter().enumerate() {
                errors.take(place("run", run, index), hook::command(command));
            }
        }
        if let Some(cache) = &self.cache {
            build.cache = paths(&mut errors, "cache", cache);
        }
        if let Some(output) = &self.output {
            build.output = errors.take("output", folder(output)).unwrap_or_default();
        }
        if let Some(exclude) = &self.exclude {
            build.exclude = exclude.items().to_vec();
            for (index, pattern) in exclude.items().iter().enumerate() {
                let plain = !pattern.trim().is_empty() && !pattern.contains(char::is_control);
                errors.add_if(
                    !plain,
                    place("exclude", exclude, index),
                    "must be one pattern of gitignore syntax",
                );
            }
        }
        if let Some(timeout) = &self.timeout {
            build.timeout = errors.take("timeout", duration::parse(timeout)).unwrap_or_default();
        }
        if let Some(memory) = &self.memory {
            build.memory = errors.take("memory", bytes::parse(memory));
        }
        if let Some(processes) = self.processes {
            let some = u32::try_from(processes).ok().filter(|some| (1..=1_000_000).contains(some));
            build.processes = errors.take("processes", some.ok_or("must be between 1 and 1000000"));
        }
        build.submodules = self.submodules.unwrap_or(build.submodules);
        build.lfs = self.lfs.unwrap_or(build.lfs);
        errors.finish(Some(build))
    }
}

/// Where item `index` of the list at `key` stands.
pub(crate) fn place<T>(key: &str, list: &OneOrMany<T>, index: usize) -> String {
    match list {
        OneOrMany::One(_) => key.to_owned(),
        OneOrMany::Many(_) => format!("{key}[{index}]"),
    }
}

/// All paths of a list that are inside a released tree.
pub(crate) fn paths(errors: &mut FieldErrors, key: &str, list: &OneOrMany<String>) -> Vec<TreePath> {
    let each = list.items().iter().enumerate();
    each.filter_map(|(index, text)| errors.take(place(key, list, index), text.parse())).collect()
}

fn folder(text: &str) -> Result<String, model::InvalidPath> {
    match text.trim_end_matches('/') {
        "." => Ok(".".to_owned()),
        folder => folder.parse::<TreePath>().map(String::from),
    }
}

impl From<&Build> for BuildSpec {
    fn from(build: &Build) -> Self {
        let usual = Build::default();
        let texts = |paths: &[TreePath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
        let many = |items: Vec<String>| (!items.is_empty()).then(|| OneOrMany::from(items));
        Self {
            run: many(build.run.clone()),
            cache: many(texts(&build.cache)),
            output: (build.output != usual.output).then(|| build.output.clone()),
            exclude: many(build.exclude.clone()),
            timeout: (build.timeout != usual.timeout).then(|| duration::print(build.timeout)),
            memory: build.memory.map(bytes::print),
            processes: build.processes.map(i64::from),
            submodules: build.submodules.then_some(true),
            lfs: build.lfs.then_some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_comes_back() {
        let spec: BuildSpec = serde_json::from_value(serde_json::json!({"run": ["npm ci", "npm run build"],
            "cache": "node_modules", "output": "dist/", "exclude": ["tests/"], "timeout": "2h",
            "memory": "4GiB", "processes": 500, "submodules": true, "lfs": true}))
        .unwrap();
        let build = spec.check().unwrap();
        assert_eq!(
            (build.output.as_str(), build.memory, build.processes),
            ("dist", Some(4 << 30), Some(500))
        );
        assert!(build.submodules && build.lfs);
        assert_eq!(BuildSpec::from(&build).check().unwrap(), build);
        assert!(BuildSpec::from(&Build::default()).is_empty());
    }

    #[test]
    fn a_build_stays_inside() {
        let spec: BuildSpec = serde_json::from_value(serde_json::json!({"run": ["", "x"], "cache": ["../x"],
            "output": "/etc", "exclude": ["a\nb"], "timeout": "never",
            "memory": "4", "processes": 0}))
        .unwrap();
        let fields: Vec<String> = spec.check().unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["run[0]", "cache[0]", "output", "exclude[0]", "timeout", "memory", "processes"]);
    }
}
