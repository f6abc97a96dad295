//! One running release: its plan, what it may use, and the rule of every step: write the intent, act, write the
//! result.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use model::event::ServerFact;
use model::{Epoch, NodeFact, Plan, Step, StepStatus};
use serde_json::Value;

use crate::error::{Failure, Halt, Hold};
use crate::fault::{self, INJECTED, Injected, Side};
use crate::given::KnownSecrets;
use crate::ports::{Artifacts, GoodRelease, Hosts, Journal, JournalError, Queue, Secrets, Source, StepRow};
use crate::progress::Uploads;
use crate::reporter::{NodeLog, Reporter};
use crate::sandbox::Sandbox;
use crate::steering::Steering;

/// How many times Aweigh may end in the same step before the step is given up.
const CRASHES: u32 = 3;

/// What the engine uses of the outside.
#[derive(Clone)]
pub struct Ports {
    /// Repositories.
    pub source: Arc<dyn Source>,
    /// Servers.
    pub hosts: Arc<dyn Hosts>,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// What is known of artifacts.
    pub artifacts: Arc<dyn Artifacts>,
    /// What must not be said.
    pub secrets: Arc<dyn Secrets>,
    /// How far uploads are.
    pub uploads: Uploads,
    /// The random id of this installation.
    pub installation: String,
    /// How people reach Aweigh, without a slash at its end; empty when nobody said.
    pub public_url: String,
    /// How many of the newest artifacts of a project stay beside those that are needed.
    pub keep_artifacts: usize,
    /// How many bytes of the disk stay free of what releases build, for the way back.
    pub disk_reserve: u64,
    /// What is around what users have run on this machine.
    pub sandbox: Arc<Sandbox>,
    /// The data folder: artifacts, work trees, homes and caches live below it.
    pub data: PathBuf,
}

/// One running release.
#[derive(Clone)]
pub struct Run {
    /// What it does.
    pub plan: Plan,
    /// The number of our ownership.
    pub epoch: Epoch,
    /// What it uses.
    pub ports: Ports,
    /// How it speaks.
    pub reporter: Reporter,
    /// The secrets that its programs are given, as they were when this ownership began.
    pub secrets: Arc<KnownSecrets>,
    /// What people want of it.
    pub steering: Steering,
    /// The good releases of the environment when this ownership began, the last activated first.
    pub good: Vec<GoodRelease>,
    /// The steps as they were found when this ownership began.
    pub found: HashMap<String, StepRow>,
    /// The disk of this machine was full while it was built or packed: nothing more is made for it.
    pub ran_out: bool,
}

/// Whether a step has to be done.
pub enum Begun<'r> {
    /// It is proven done; this is what it found out.
    Done(Option<Value>),
    /// Its intent is recorded: act.
    Act(Open<'r>),
}

/// A step whose intent is recorded and whose result is not.
pub struct Open<'r> {
    run: &'r Run,
    /// Its key.
    pub key: String,
    /// Which try this is.
    pub attempt: u32,
    /// An owner before us ended in it: whether it happened is unknown.
    pub unknown: bool,
    /// How many bytes of its log on the server an owner before us recorded, of this same try.
    pub log_read: u64,
    /// What it found out before, if anything.
    pub result: Option<Value>,
}

/// How a step of a hook counts its tries after a crash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tries {
    /// A new try: what it does can be done twice.
    New,
    /// The same try: its run id may have been started already.
    Same,
}

impl Run {
    /// Records the intent of `key`, unless it is proven done.
    pub async fn begin(&self, key: &str) -> Result<Begun<'_>, Halt> {
        self.begin_as(key, None, Tries::New).await
    }

    /// The same for a step that may not be in the plan, and with a choice of how tries are counted.
    pub async fn begin_as(&self, key: &str, added: Option<Step>, tries: Tries) -> Result<Begun<'_>, Halt> {
        let row = self.found.get(key);
        if let Some(row) = row.filter(|row| row.status.is_done() || row.status == StepStatus::Undone) {
            return Ok(Begun::Done(row.result.clone()));
        }
        let unknown = row.is_some_and(|row| row.status == StepStatus::Running);
        let before = row.map_or(0, |row| row.attempt);
        let attempt = if unknown && tries == Tries::Same { before.max(1) } else { before + 1 };
        let mut fact = NodeFact::new(key, StepStatus::Running, attempt);
        fact.added = added;
        self.reporter.node(fact, None).await?;
        let open = Open {
            run: self,
            key: key.to_owned(),
            attempt,
            unknown,
            log_read: row.filter(|row| row.attempt == attempt).map_or(0, |row| row.log_read),
            result: row.and_then(|row| row.result.clone()),
        };
        if row.is_some_and(|row| unknown && row.crashes >= CRASHES) {
            let why =
                Failure::new(format!("controller_restarted: Aweigh ended {CRASHES} times in this step"));
            return Err(open.fail(why).await);
        }
        fault::point(|| key.to_owned(), Side::Intent).await.map_err(injected)?;
        Ok(Begun::Act(open))
    }

    /// Why nothing more is made on this machine, when its disk was full while that was tried.
    pub fn out_of_room(&self) -> Option<Failure> {
        let full = || Failure::new(format!("the disk of {} was full", self.ports.data.display()));
        self.ran_out.then(|| full().hint("free some; what was made for this release is removed"))
    }

    /// The same release with the steps as they are recorded now: what was done since this ownership began is not done
    /// again.
    pub async fn renewed(&self) -> Result<Arc<Self>, JournalError> {
        let rows = self.ports.journal.steps(self.plan.release).await?;
        let found = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
        Ok(Arc::new(Self { found, ..self.clone() }))
    }

    /// Records that `key` is not needed.
    pub async fn skip(&self, key: &str, reason: &str) -> Result<(), JournalError> {
        if self.found.get(key).is_some_and(|row| row.status.is_settled()) {
            return Ok(());
        }
        let mut fact = NodeFact::new(key, StepStatus::Skipped, 0);
        fact.reason = Some(reason.to_owned());
        self.reporter.node(fact, None).await
    }

    /// Whether a step was proven done before this ownership began.
    pub fn was_done(&self, key: &str) -> bool {
        self.found.get(key).is_some_and(|row| row.status.is_done())
    }

    /// Whether a step had begun before this ownership began.
    pub fn had_begun(&self, key: &str) -> bool {
        self.found.get(key).is_some_and(|row| row.status != StepStatus::Pending)
    }

    /// Stops here when somebody asked for it.
    pub fn go_on(&self) -> Result<(), Halt> {
        if self.steering.stopped().is_cancelled() { Err(Halt::Stopped) } else { Ok(()) }
    }

    /// The border between two steps: stops or waits here when somebody asked for it.
    pub fn border(&self) -> Result<(), Halt> {
        self.go_on()?;
        match self.steering.paused_by() {
            Some(by) => Err(Halt::Held(Box::new(Hold { reason: format!("paused by {by}"), node: None }))),
            None => Ok(()),
        }
    }

    /// The folder in which this release is fetched, built and packed.
    pub fn work(&self) -> PathBuf {
        self.ports.data.join("work").join(self.plan.release.to_string())
    }

    /// The home folder that builds and hooks of its project keep on this machine.
    pub fn home(&self) -> PathBuf {
        self.ports.data.join("homes").join(self.plan.project.name.as_str())
    }

    /// What a try of the hook at `key` is started as on its server; the same id never starts twice.
    pub fn run_id(&self, key: &str, attempt: u32) -> String {
        format!("{}/{}-{attempt}", self.plan.release, key.replace('/', "_"))
    }

    /// Who we are to a server's lock.
    pub fn me(&self) -> String {
        format!("{}:{}:{}", self.ports.installation, self.plan.release, self.epoch)
    }
}

impl Open<'_> {
    /// The log of this step's node.
    pub fn log(&self) -> NodeLog {
        self.run.reporter.log(&self.key)
    }

    /// Records that it is tried once more: a try of its own, of which nothing is known and nothing was read.
    pub async fn begin_again(&mut self) -> Result<(), Halt> {
        (self.attempt, self.unknown, self.log_read) = (self.attempt + 1, false, 0);
        Ok(self.run.reporter.node(self.fact(StepStatus::Running), None).await?)
    }

    /// Records more about the step while it runs: what it found out, and what is known of its server.
    pub async fn note(&self, result: Value, server: ServerFact, reason: Option<String>) -> Result<(), Halt> {
        let mut fact = self.fact(StepStatus::Running);
        fact.server = Some(server);
        fact.reason = reason;
        Ok(self.run.reporter.node(fact, Some(result)).await?)
    }

    /// Records that it is done.
    pub async fn ok(self, result: Option<Value>) -> Result<(), Halt> {
        self.settle(StepStatus::Ok, None, result, None).await
    }

    /// Records that it is done, and what is now known of its server.
    pub async fn ok_on(self, result: Option<Value>, server: ServerFact) -> Result<(), Halt> {
        self.settle(StepStatus::Ok, None, result, Some(server)).await
    }

    /// Records that it is done, with something to know.
    pub async fn warn(
        self,
        why: String,
        result: Option<Value>,
        server: Option<ServerFact>,
    ) -> Result<(), Halt> {
        self.settle(StepStatus::Warning, Some(why), result, server).await
    }

    /// Records that it is not needed.
    pub async fn skip(self, why: &str, result: Option<Value>) -> Result<(), Halt> {
        self.settle(StepStatus::Skipped, Some(why.to_owned()), result, None).await
    }

    /// Records that it did not work; the halt to return.
    pub async fn fail(self, failure: Failure) -> Halt {
        self.fail_on(failure, None).await
    }

    /// The same, with what is now known of its server.
    pub async fn fail_on(self, failure: Failure, server: Option<ServerFact>) -> Halt {
        match self.settle(StepStatus::Failed, Some(failure.reason()), None, server).await {
            Ok(()) => Halt::Failed(failure),
            Err(halt) => halt,
        }
    }

    /// Records that it was stopped; the halt to return.
    pub async fn cancelled(self) -> Halt {
        match self.settle(StepStatus::Cancelled, Some("stopped on request".to_owned()), None, None).await {
            Ok(()) => Halt::Stopped,
            Err(halt) => halt,
        }
    }

    /// Records that nobody knows whether it happened; the halt to return.
    pub async fn lost(self, why: String) -> Halt {
        match self.settle(StepStatus::Unknown, Some(why.clone()), None, None).await {
            Ok(()) => Halt::Unknown(why),
            Err(halt) => halt,
        }
    }

    fn fact(&self, status: StepStatus) -> NodeFact {
        NodeFact::new(&self.key, status, self.attempt)
    }

    async fn settle(
        self,
        status: StepStatus,
        reason: Option<String>,
        result: Option<Value>,
        server: Option<ServerFact>,
    ) -> Result<(), Halt> {
        fault::point(|| self.key.clone(), Side::Effect).await.map_err(injected)?;
        let mut fact = self.fact(status);
        fact.reason = reason;
        fact.server = server;
        Ok(self.run.reporter.node(fact, result).await?)
    }
}

/// A fault at a step is one of the database: the owner starts over from what is recorded.
fn injected(_: Injected) -> Halt {
    Halt::Journal(JournalError::Store(INJECTED.to_owned()))
}
