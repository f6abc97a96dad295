//! Projects and environments: what is built, and where and how it runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Amount, Batch, DeployPath, Hooks, Name, Selector, Take, TreePath, Variables};

/// A git repository and how it is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Unique in the installation.
    pub name: Name,
    /// The repository's URL, without any secret.
    pub repository: String,
    /// The stored credential for the repository.
    pub credential: Option<Name>,
    /// How a commit becomes an artifact.
    pub build: Build,
    /// What every environment inherits.
    pub defaults: Settings,
    /// Variables of all its environments.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub variables: Variables,
}

/// What a project's `defaults` and an environment may both say; `None` means nothing was said here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// See [`Environment::keep`].
    pub keep: Option<u32>,
    /// See [`Environment::linked_files`].
    pub linked_files: Option<Vec<TreePath>>,
    /// See [`Environment::linked_dirs`].
    pub linked_dirs: Option<Vec<TreePath>>,
    /// See [`Environment::health`].
    pub health: Option<Vec<Health>>,
    /// Hooks, inherited point by point.
    pub hooks: Hooks,
    /// See [`Environment::on_interrupt`].
    pub on_interrupt: Option<OnInterrupt>,
    /// See [`Environment::unreachable`].
    pub unreachable: Option<Unreachable>,
    /// See [`Environment::batches`].
    #[serde(default)]
    pub batches: Option<Vec<Batch>>,
    /// See [`Environment::max_failures`].
    #[serde(default)]
    pub max_failures: Option<Amount>,
    /// See [`Environment::lock_after_rollback`].
    #[serde(default)]
    pub lock_after_rollback: Option<bool>,
    /// See [`Environment::env_file`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_file: Option<TreePath>,
}

impl Settings {
    /// Every selector in them.
    pub fn selectors(&self) -> impl Iterator<Item = &Selector> {
        let health = self.health.iter().flatten().map(|health| &health.on);
        let hooks = self.hooks.values().flatten().map(|hook| &hook.on);
        let batches = self.batches.iter().flatten().filter_map(|batch| match &batch.take {
            Take::Select(selector) => Some(selector),
            Take::Next(_) => None,
        });
        health.chain(hooks).chain(batches)
    }

    /// These settings where they say something, else those of `below`; hooks point by point.
    #[must_use]
    pub fn over(self, below: &Self) -> Self {
        let mut hooks = below.hooks.clone();
        hooks.extend(self.hooks);
        Self {
            keep: self.keep.or(below.keep),
            linked_files: self.linked_files.or_else(|| below.linked_files.clone()),
            linked_dirs: self.linked_dirs.or_else(|| below.linked_dirs.clone()),
            health: self.health.or_else(|| below.health.clone()),
            hooks,
            on_interrupt: self.on_interrupt.or(below.on_interrupt),
            unreachable: self.unreachable.or(below.unreachable),
            batches: self.batches.or_else(|| below.batches.clone()),
            max_failures: self.max_failures.or(below.max_failures),
            lock_after_rollback: self.lock_after_rollback.or(below.lock_after_rollback),
            env_file: self.env_file.or_else(|| below.env_file.clone()),
        }
    }
}

/// An environment as it was written, before it inherits anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Unique in its project.
    pub name: Name,
    /// Which servers.
    pub servers: Selector,
    /// The folder on each of them.
    pub path: DeployPath,
    /// What it says itself.
    pub settings: Settings,
    /// Its variables, over those of the project.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub variables: Variables,
}

impl Site {
    /// Every selector in it.
    pub fn selectors(&self) -> impl Iterator<Item = &Selector> {
        std::iter::once(&self.servers).chain(self.settings.selectors())
    }

    /// The effective environment: what the site says, over the project's defaults, over the defaults of Aweigh.
    pub fn effective(&self, project: &Project) -> Environment {
        let said = self.settings.clone().over(&project.defaults);
        let mut variables = project.variables.clone();
        variables.extend(self.variables.clone());
        Environment {
            name: self.name.clone(),
            servers: self.servers.clone(),
            path: self.path.clone(),
            keep: said.keep.unwrap_or(DEFAULT_KEEP).max(2),
            linked_files: said.linked_files.unwrap_or_default(),
            linked_dirs: said.linked_dirs.unwrap_or_default(),
            health: said.health.unwrap_or_default(),
            hooks: said.hooks,
            on_interrupt: said.on_interrupt.unwrap_or_default(),
            unreachable: said.unreachable.unwrap_or_default(),
            batches: said.batches.unwrap_or_default(),
            max_failures: said.max_failures.unwrap_or_default(),
            lock_after_rollback: said.lock_after_rollback.unwrap_or(true),
            env_file: said.env_file,
            build: project.build.clone(),
            variables,
        }
    }
}

/// How a commit becomes an artifact, on the control host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// Commands, run one after another in a fresh tree of the commit.
    pub run: Vec<String>,
    /// Folders kept between builds of the project and put into the fresh tree.
    pub cache: Vec<TreePath>,
    /// The folder that is packed, `.` for the whole tree.
    pub output: String,
    /// What is left out, in gitignore syntax.
    pub exclude: Vec<String>,
    /// The longest one command may run.
    pub timeout: Duration,
    /// How much memory the processes of one command may hold together, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// How many processes one command may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
    /// Whether the tree has the trees of submodules in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub submodules: bool,
    /// Whether the tree has the files that Git LFS keeps, and not pointers to them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lfs: bool,
}

impl Default for Build {
    fn default() -> Self {
        Self {
            run: Vec::new(),
            cache: Vec::new(),
            output: ".".to_owned(),
            exclude: Vec::new(),
            timeout: Duration::from_hours(1),
            memory: None,
            processes: None,
            submodules: false,
            lfs: false,
        }
    }
}

/// What to do with a release that a restart of the control host found with some servers switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInterrupt {
    /// Go on.
    #[default]
    Continue,
    /// Stop and wait for a person.
    Hold,
    /// Put every switched server back.
    RollBack,
}

/// What to do with a server that cannot be reached when a release begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreachable {
    /// The release fails before anything is switched.
    #[default]
    Abort,
    /// The server is left out and stays `behind`.
    Skip,
}

/// One question that a healthy server answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Only on these servers.
    pub on: Selector,
    /// What is asked.
    pub probe: HealthProbe,
    /// The longest one try may take.
    pub timeout: Duration,
    /// The longest until it must be healthy; asked about every second until then.
    pub deadline: Duration,
}

/// What a health check asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthProbe {
    /// An `http://` URL as seen from the server; healthy when it answers 2xx or 3xx once.
    Http(String),
    /// A command on the server, in the release's folder; healthy when it exits 0.
    Command(String),
}

/// Where and how a project runs; every value is effective (defaults of the project already applied).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Unique in its project.
    pub name: Name,
    /// Which servers.
    pub servers: Selector,
    /// The folder on each of them.
    pub path: DeployPath,
    /// How many good releases stay on a server, the live one included.
    pub keep: u32,
    /// Files that live in `shared/` and are linked into each release; they must exist.
    pub linked_files: Vec<TreePath>,
    /// Folders that live in `shared/`; filled once from the artifact when new.
    pub linked_dirs: Vec<TreePath>,
    /// What a healthy server answers; all must be green.
    pub health: Vec<Health>,
    /// The users' commands.
    pub hooks: Hooks,
    /// After a restart with some servers switched.
    pub on_interrupt: OnInterrupt,
    /// When a server cannot be reached.
    pub unreachable: Unreachable,
    /// Which servers are switched together, one batch after another; empty for all at once.
    #[serde(default)]
    pub batches: Vec<Batch>,
    /// How many servers may fail before all go back.
    #[serde(default)]
    pub max_failures: Amount,
    /// A rollback that succeeded locks the environment, until somebody unlocks it.
    #[serde(default)]
    pub lock_after_rollback: bool,
    /// The file of each release that variables and secrets are written into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_file: Option<TreePath>,
    /// How a commit becomes an artifact.
    pub build: Build,
    /// The variables of the project, under those of the environment.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub variables: Variables,
}

/// How many good releases are kept when nothing is said.
pub const DEFAULT_KEEP: u32 = 5;
