//! A lane: one server's part of a running release. Its `line` keeps the connection; its first `contact` reads what
//! is true on the server.

mod contact;
mod line;

use std::sync::Arc;

use model::event::ServerFact;
use model::plan::folder_on;
use model::{DeployPath, Name, ReleaseName, Server, ServerState};

pub use contact::Facts;

use crate::driver::{Driver, unfit};
use crate::error::{Failure, Halt};
use crate::ports::{Host, JournalError, StepRow};
use crate::run::Run;

/// One server's part of a running release.
#[expect(clippy::struct_excessive_bools, reason = "each is one independent thing that is true of a server")]
pub struct Lane {
    /// The release.
    pub run: Arc<Run>,
    /// The server.
    pub server: Server,
    /// The folder of the environment there.
    pub root: DeployPath,
    /// What was true at first contact, or after the last one.
    pub facts: Facts,
    /// The text of `current` at first contact of this release; empty for no link.
    pub before: String,
    /// It takes no further part: it could not be reached, it failed, or somebody left it out.
    pub left_out: bool,
    /// It failed, and that was tolerated.
    pub failed: bool,
    /// It has to go back when the release does: `current` was switched, or may have been, or hooks for that ran.
    pub touched: bool,
    /// `current` was switched in this release, or may have been, even if it is back by now.
    pub switched: bool,
    /// Held while `current` is switched: nobody drops that in the middle.
    pub hands: Arc<tokio::sync::Mutex<()>>,
    /// Files that must be in `shared/`.
    linked: Vec<String>,
    /// The lock was given back already.
    unlocked: bool,
    /// How many drivers were started here in this ownership; none are counted on the control host, where no line is cut.
    turns: Option<u32>,
    /// A connection and a driver that are made ahead of time.
    ahead: Option<line::Ahead>,
    host: Option<Box<dyn Host>>,
    driver: Option<Driver>,
}

impl Lane {
    /// A lane of the release on one of its servers, not connected yet.
    pub fn new(run: Arc<Run>, server: Server) -> Self {
        let linked = run.plan.environment.linked_files.iter().map(ToString::to_string).collect();
        let root = run.plan.environment.path.clone();
        Self { linked, ..Self::bare(run, server, root) }
    }

    /// A lane on the control host itself, in the work folder of the release: there the users' own commands run
    /// under the same care as on servers.
    pub fn control(run: Arc<Run>) -> Result<Self, Failure> {
        let work = run.work();
        let root = work.to_str().and_then(|path| path.parse().ok()).ok_or_else(|| {
            Failure::new(format!("the data folder {} cannot be used", run.ports.data.display()))
                .hint("choose an absolute path of ordinary characters with --data")
        })?;
        let name = "control".parse().map_err(|_| Failure::new("the control host has no name"))?;
        let server = Server {
            name,
            address: model::Address::Local,
            labels: model::Labels::new(),
            variables: model::Variables::new(),
            groups: std::collections::BTreeSet::new(),
        };
        Ok(Self { turns: None, ..Self::bare(run, server, root) })
    }

    fn bare(run: Arc<Run>, server: Server, root: DeployPath) -> Self {
        Self {
            hands: Arc::default(),
            linked: Vec::new(),
            run,
            server,
            root,
            facts: Facts::default(),
            before: String::new(),
            left_out: false,
            failed: false,
            touched: false,
            switched: false,
            unlocked: false,
            turns: Some(0),
            ahead: None,
            host: None,
            driver: None,
        }
    }

    /// The server's name.
    pub fn name(&self) -> &Name {
        &self.server.name
    }

    /// The key of one of this lane's steps.
    pub fn key(&self, verb: &str) -> String {
        format!("{}/{verb}", self.server.name)
    }

    /// Whether a step is one of this lane's.
    pub fn has(&self, key: &str) -> bool {
        key.strip_prefix(self.server.name.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }

    /// A fact about this lane's server.
    pub fn known(&self, state: ServerState) -> ServerFact {
        ServerFact { name: self.server.name.clone(), before: None, now: None, state: Some(state) }
    }

    /// The folder of the release that this one brings, in `releases/` of this server.
    pub fn folder(&self) -> &ReleaseName {
        let plan = &self.run.plan;
        plan.origin
            .as_ref()
            .map_or(&plan.name, |origin| folder_on(&origin.name, &origin.elsewhere, &self.server.name))
    }

    /// The release folder that `current` led to at first contact, when it was one.
    pub fn previous(&self) -> Option<&str> {
        self.before.strip_prefix("releases/").filter(|name| !name.contains('/') && !name.is_empty())
    }

    /// The folder of the release that this one brings, below the root.
    pub fn path(&self) -> String {
        format!("releases/{}", self.folder())
    }

    /// The commit that was live at first contact, as far as this installation knows it.
    pub fn previous_revision(&self) -> String {
        let previous = self.previous().unwrap_or_default();
        let known = self.run.good.iter().find(|good| good.folder_on(&self.server.name).as_str() == previous);
        known.and_then(|good| good.commit.known()).map(ToString::to_string).unwrap_or_default()
    }

    /// The steps of this lane, as they are recorded now.
    pub async fn rows(&self) -> Result<Vec<StepRow>, JournalError> {
        self.run.ports.journal.steps_of(self.run.plan.release, &self.server.name).await
    }

    /// Takes up what the upload step found out before a restart.
    pub fn recall(&mut self, result: Option<&serde_json::Value>) {
        let said = |key| result.and_then(|result| result.get(key));
        said("before").and_then(serde_json::Value::as_str).unwrap_or_default().clone_into(&mut self.before);
        self.left_out = said("left_out").is_some();
    }
}

/// A value that cannot be sent, as the failure of a step.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub fn unsendable(error: crate::remote::Unfit) -> Failure {
    unfit(&error).into_failure()
}

/// Halts with the server's name in front, so that a fleet's reason names it.
pub fn named(server: &Name, halt: Halt) -> Halt {
    match halt {
        Halt::Failed(mut failure) => {
            failure.message = format!("{server}: {}", failure.message);
            Halt::Failed(failure)
        }
        other => other,
    }
}
