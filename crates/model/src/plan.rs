//! The plan: what a release will do, frozen before it starts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::strategy::divide;
use crate::{
    CommitId, Environment, Kind, Name, PlannedBatch, Project, ReleaseId, ReleaseName, Server, Step, When,
};

/// What a run is for; hooks see it as `AWEIGH_ACTION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Bring a commit.
    Release,
    /// Bring an earlier release back on purpose.
    Rollback,
    /// Put the previous release back because this one failed.
    Undo,
    /// Bring what the others run to a server that was away.
    CatchUp,
}

impl Action {
    /// The word hooks see.
    pub fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Rollback => "rollback",
            Self::Undo => "undo",
            Self::CatchUp => "catch_up",
        }
    }

    /// Which hooks take part.
    pub fn when(self) -> When {
        match self {
            Self::Release => When::Release,
            Self::Rollback => When::Rollback,
            Self::Undo => When::Undo,
            Self::CatchUp => When::CatchUp,
        }
    }
}

/// The frozen plan of one release. What each server ran before is not in it: that is read at first contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The release.
    pub release: ReleaseId,
    /// Its folder on every server.
    pub name: ReleaseName,
    /// Forward or back.
    pub kind: Kind,
    /// The project as it was when the plan was made.
    pub project: Project,
    /// The environment as it was when the plan was made, with its hook texts.
    pub environment: Environment,
    /// Its servers, in the order of their names.
    pub servers: Vec<Server>,
    /// What was asked for.
    pub git_ref: String,
    /// Set when that was a branch.
    pub branch: Option<String>,
    /// Set when that was a tag.
    pub tag: Option<String>,
    /// The one commit that is built.
    pub commit: CommitId,
    /// Set unless a commit is brought: the release whose tree and artifact come again.
    pub origin: Option<Origin>,
    /// The artifact that is brought as it is, made for another environment; nothing is built.
    #[serde(default)]
    pub artifact: Option<String>,
    /// It goes back at once: no server waits for another, and none that fails turns round again.
    #[serde(default)]
    pub now: bool,
    /// Who pressed Release.
    pub by: String,
    /// The servers that are switched together, one batch after another; none in plans of before there were batches.
    #[serde(default)]
    pub batches: Vec<PlannedBatch>,
    /// The tree.
    pub steps: Vec<Step>,
}

/// The earlier release that a rollback brings back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its number.
    pub release: ReleaseId,
    /// Its folder, which is activated again where its seal holds.
    pub name: ReleaseName,
    /// The servers on which its folder has another name.
    #[serde(default, skip_serializing_if = "Elsewhere::is_empty")]
    pub elsewhere: Elsewhere,
    /// Its artifact, from which it is staged anew where the folder is gone; `None` for one that was adopted.
    #[serde(default)]
    pub artifact: Option<String>,
}

/// The servers on which the folder of an adopted release has another name than the release: some tools count on each
/// server for itself.
pub type Elsewhere = BTreeMap<Name, ReleaseName>;

/// The folder of the release `name` on `server`.
pub fn folder_on<'f>(name: &'f ReleaseName, elsewhere: &'f Elsewhere, server: &Name) -> &'f ReleaseName {
    elsewhere.get(server).unwrap_or(name)
}

impl Plan {
    /// What the run is for.
    pub fn action(&self) -> Action {
        match self.kind {
            // What was adopted is never run.
            Kind::Release | Kind::Adopted => Action::Release,
            Kind::Rollback => Action::Rollback,
            Kind::CatchUp => Action::CatchUp,
        }
    }

    /// The batches, at least one.
    pub fn batches(&self) -> Vec<PlannedBatch> {
        if self.batches.is_empty() { divide(&self.servers, &[]) } else { self.batches.clone() }
    }

    /// The batch that a server is switched in, from 1.
    pub fn batch_of(&self, server: &Name) -> u32 {
        let batch = self.batches.iter().position(|batch| batch.servers.contains(server)).unwrap_or_default();
        u32::try_from(batch + 1).unwrap_or(u32::MAX)
    }

    /// The server with this name.
    pub fn server(&self, name: &Name) -> Option<&Server> {
        self.servers.iter().find(|server| server.name == *name)
    }
}
