//! Hooks: the users' own commands at named points of a release.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Name, Picked, Selector, Server, VariableName};

/// Where in a release a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookPoint {
    /// On the control host, before the repository is fetched.
    BeforeFetch,
    /// On each server in the new release's folder, while it is being staged.
    AfterUpload,
    /// On each server just before its switch (drain).
    BeforeActivate,
    /// On each server just after its switch (reload, restart).
    AfterActivate,
    /// On each server once it is healthy (undrain).
    AfterVerify,
    /// On each server in the release that a rollback leaves.
    BeforeRollback,
    /// On the control host, after every server is done.
    AfterRelease,
    /// On the control host, when the release did not succeed.
    OnFailure,
}

impl HookPoint {
    /// Every point, in the order of a release.
    pub const ALL: [Self; 8] = [
        Self::BeforeFetch,
        Self::AfterUpload,
        Self::BeforeActivate,
        Self::AfterActivate,
        Self::AfterVerify,
        Self::BeforeRollback,
        Self::AfterRelease,
        Self::OnFailure,
    ];

    /// The word in configuration, keys and the tree.
    pub fn word(self) -> &'static str {
        match self {
            Self::BeforeFetch => "before_fetch",
            Self::AfterUpload => "after_upload",
            Self::BeforeActivate => "before_activate",
            Self::AfterActivate => "after_activate",
            Self::AfterVerify => "after_verify",
            Self::BeforeRollback => "before_rollback",
            Self::AfterRelease => "after_release",
            Self::OnFailure => "on_failure",
        }
    }

    /// Whether it runs on the control host instead of on servers.
    pub fn on_control_host(self) -> bool {
        matches!(self, Self::BeforeFetch | Self::AfterRelease | Self::OnFailure)
    }
}

/// In which kind of run a hook takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// A new commit is brought to the servers.
    Release,
    /// An earlier release is brought back on purpose.
    Rollback,
    /// This release failed and the previous one is brought back.
    Undo,
    /// A server that was away gets what the others run.
    CatchUp,
}

/// What may happen to a hook whose outcome is unknown after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rerun {
    /// It is never started again by itself; a person decides.
    #[default]
    Never,
    /// It may be run again.
    Safe,
}

/// One command of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Shown in the tree; its node is `SERVER/POINT/NAME`.
    pub name: Option<Name>,
    /// The template that it takes its command from, and all that is said there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Picked>,
    /// Text of the command: run by `sh -e`, or by its `#!` line. Empty until the template is looked up.
    pub run: String,
    /// Only on these servers.
    pub on: Selector,
    /// On one matching server only, and not repeated by retry, resume or catch-up.
    pub once: bool,
    /// The kinds of run it takes part in.
    pub when: Vec<When>,
    /// The longest it may run.
    pub timeout: Duration,
    /// The longest it may be silent.
    pub idle_timeout: Option<Duration>,
    /// A failure is a warning only.
    pub allow_failure: bool,
    /// Whether it may be run again when its outcome is unknown.
    pub rerun: Rerun,
    /// The secrets that it finds in its environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<VariableName>,
}

/// How long a hook may run when nothing is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);

impl Hook {
    /// A hook of `point` with every default of DESIGN section 7.
    pub fn plain(point: HookPoint, run: impl Into<String>) -> Self {
        Self {
            name: None,
            template: None,
            run: run.into(),
            on: Selector::all(),
            once: false,
            when: Self::default_when(point, false),
            timeout: DEFAULT_TIMEOUT,
            idle_timeout: None,
            allow_failure: false,
            rerun: Rerun::Never,
            secrets: Vec::new(),
        }
    }

    /// When a hook takes part if nothing is said.
    pub fn default_when(point: HookPoint, once: bool) -> Vec<When> {
        match point {
            _ if once => vec![When::Release],
            HookPoint::AfterUpload => vec![When::Release, When::CatchUp],
            HookPoint::BeforeRollback => vec![When::Rollback],
            _ => vec![When::Release, When::Rollback, When::Undo, When::CatchUp],
        }
    }

    /// Whether it takes part in `when`.
    pub fn runs_in(&self, when: When) -> bool {
        self.when.contains(&when)
    }

    /// Whether it runs on `server`; `first` is the server that `once` hooks of this list run on.
    pub fn runs_on(&self, server: &Server, among: &[Server]) -> bool {
        let chosen = || among.iter().find(|s| self.on.matches(s)).is_some_and(|s| s.name == server.name);
        self.on.matches(server) && (!self.once || chosen())
    }
}

/// All hooks of an environment, by point, each list in its order.
pub type Hooks = BTreeMap<HookPoint, Vec<Hook>>;

/// The templates that `hooks` pick: where, at which place of the list of its point, and which.
pub fn picks(hooks: &Hooks) -> impl Iterator<Item = (HookPoint, usize, &Picked)> {
    hooks.iter().flat_map(|(point, list)| {
        let places = list.iter().enumerate();
        places.filter_map(|(place, hook)| Some((*point, place, hook.template.as_ref()?)))
    })
}
