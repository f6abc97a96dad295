//! Hook templates: commands that are kept once, under a name, for the hooks of every project. Each change makes a new
//! version, and no version is ever changed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::hook::DEFAULT_TIMEOUT;
use crate::{Hook, Name, Rerun};

/// What is run, and how. Where and when, each hook that picks it says for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Unique in the installation.
    pub name: Name,
    /// What it is for, in a line.
    pub about: String,
    /// Text of the command: run by `sh -e`, or by its `#!` line.
    pub run: String,
    /// The longest it may run.
    pub timeout: Duration,
    /// The longest it may be silent.
    pub idle_timeout: Option<Duration>,
    /// A failure is a warning only.
    pub allow_failure: bool,
    /// Whether it may be run again when its outcome is unknown.
    pub rerun: Rerun,
}

impl Template {
    /// A template with every default.
    pub fn plain(name: Name, run: impl Into<String>) -> Self {
        Self {
            name,
            about: String::new(),
            run: run.into(),
            timeout: DEFAULT_TIMEOUT,
            idle_timeout: None,
            allow_failure: false,
            rerun: Rerun::Never,
        }
    }

    /// `hook`, which picks this template, with the command of `version` in it.
    pub fn fill(&self, version: u32, hook: &mut Hook) {
        hook.template = Some(Picked { name: self.name.clone(), version: Some(version) });
        hook.run.clone_from(&self.run);
        hook.timeout = self.timeout;
        hook.idle_timeout = self.idle_timeout;
        hook.allow_failure = self.allow_failure;
        hook.rerun = self.rerun;
    }
}

/// The template that a hook picks: `NAME` for the newest version when the release is planned, `NAME@3` for this one always.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Picked {
    /// The template.
    pub name: Name,
    /// The version, from 1; the newest when nothing is said. In a plan it is always set.
    pub version: Option<u32>,
}

impl fmt::Display for Picked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => write!(f, "{}@{version}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

/// Why a text names no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPick {
    /// The part before `@`.
    #[error(transparent)]
    Name(#[from] crate::InvalidName),
    /// The part behind it.
    #[error("{0:?} is not a version: write NAME@3, or NAME for the newest")]
    Version(String),
}

impl FromStr for Picked {
    type Err = InvalidPick;

    fn from_str(text: &str) -> Result<Self, InvalidPick> {
        let Some((name, version)) = text.split_once('@') else {
            return Ok(Self { name: text.parse()?, version: None });
        };
        let plain = version.bytes().all(|byte| byte.is_ascii_digit()) && !version.starts_with('0');
        let number = version.parse().ok().filter(|_| plain);
        let number = number.ok_or_else(|| InvalidPick::Version(version.to_owned()))?;
        Ok(Self { name: name.parse()?, version: Some(number) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HookPoint;

    #[test]
    fn a_pick_is_a_name_and_perhaps_a_version() {
        for text in ["reload", "reload-php@1", "a.b@4294967295"] {
            assert_eq!(text.parse::<Picked>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "@1",
            "reload@",
            "reload@0",
            "reload@01",
            "reload@+1",
            "reload@v2",
            "Reload",
            "a@4294967296",
            "a@1@2",
        ] {
            assert!(text.parse::<Picked>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_hook_keeps_what_it_says_of_where_and_when() {
        let mut hook = Hook {
            on: "role=web".parse().unwrap(),
            once: true,
            template: Some("reload".parse().unwrap()),
            ..Hook::plain(HookPoint::AfterActivate, "")
        };
        let template = Template {
            allow_failure: true,
            ..Template::plain("reload".parse().unwrap(), "systemctl reload x")
        };
        template.fill(3, &mut hook);
        assert_eq!((hook.run.as_str(), hook.allow_failure, hook.once), ("systemctl reload x", true, true));
        assert_eq!((hook.on.as_str(), hook.template.unwrap().to_string().as_str()), ("role=web", "reload@3"));
    }
}
