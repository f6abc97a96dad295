//! A lane: one server's part of a running release. Keeps the connection, and asks again when it was cut.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::event::ServerFact;
use model::{DeployPath, Name, ReleaseId, ReleaseName, Server, ServerState};

use crate::driver::{Broken, Driver, unfit};
use crate::error::{Failure, Halt};
use crate::ports::{Host, HostTrouble};
use crate::remote::{Answer, Command, status};
use crate::run::Run;

/// How long is waited before each new try of a cut connection.
const AGAIN: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(10)];

/// How many of them a server gets that was not there at first contact.
const SHORT: usize = 2;

/// One server's part of a running release.
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
    /// It is left out of this release.
    pub left_out: bool,
    /// `current` was switched, or may have been.
    pub switched: bool,
    /// Files that must be in `shared/`.
    linked: Vec<String>,
    host: Option<Box<dyn Host>>,
    driver: Option<Driver>,
}

/// What a server says of itself when it is contacted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent thing that a server says")]
pub struct Facts {
    /// The text of the link `current`.
    pub current: Option<String>,
    /// `current` is something else than a link.
    pub current_is_other: bool,
    /// `current` leads to a folder.
    pub current_leads: bool,
    /// The folders in `releases/` that bear a name of ours.
    pub releases: Vec<ReleaseName>,
    /// The release of this plan is complete there.
    pub staged: bool,
    /// And sealed.
    pub sealed: bool,
    /// The release that a rollback brings back is there, as it was sealed.
    pub origin: bool,
    /// Which tools are there.
    pub tools: BTreeSet<String>,
    /// The lock belonged to a release that has ended.
    pub taken_from: Option<String>,
    /// The folder of the environment, resolved.
    pub root: String,
}

impl Facts {
    fn read(answer: &Answer) -> Self {
        let yes = |key| answer.get(key) == Some("yes");
        Self {
            current: answer.get("current").map(str::to_owned),
            current_is_other: answer.get("kind") == Some("other"),
            current_leads: yes("target"),
            // Whatever else lies there is not ours to touch, or to believe.
            releases: answer.all("release").filter_map(|name| name.parse().ok()).collect(),
            staged: yes("staged"),
            sealed: yes("sealed"),
            origin: yes("origin"),
            tools: answer.all("tool").map(str::to_owned).collect(),
            taken_from: answer.get("lock").filter(|lock| lock.contains(':')).map(str::to_owned),
            root: answer.get("root").unwrap_or_default().to_owned(),
        }
    }
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
        let server = Server { name, address: model::Address::Local, labels: model::Labels::new() };
        Ok(Self::bare(run, server, root))
    }

    fn bare(run: Arc<Run>, server: Server, root: DeployPath) -> Self {
        Self {
            linked: Vec::new(),
            run,
            server,
            root,
            facts: Facts::default(),
            before: String::new(),
            left_out: false,
            switched: false,
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

    /// A fact about this lane's server.
    pub fn known(&self, state: ServerState) -> ServerFact {
        ServerFact { name: self.server.name.clone(), before: None, now: None, state: Some(state) }
    }

    /// The folder of the release that this one brings, in `releases/`.
    pub fn folder(&self) -> &ReleaseName {
        self.run.plan.origin.as_ref().map_or(&self.run.plan.name, |origin| &origin.name)
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
        let known = self.run.good.iter().find(|good| good.name.as_str() == previous);
        known.map(|good| good.commit.to_string()).unwrap_or_default()
    }

    /// Takes up what the upload step found out before a restart.
    pub fn recall(&mut self, result: Option<&serde_json::Value>) {
        let said = |key| result.and_then(|result| result.get(key));
        said("before").and_then(serde_json::Value::as_str).unwrap_or_default().clone_into(&mut self.before);
        self.left_out = said("left_out").is_some();
    }

    /// Forgets the driver: what is left of its input is not commands.
    pub fn start_anew(&mut self) {
        self.driver = None;
    }

    /// First contact, unless this ownership had it already.
    pub async fn contact(&mut self) -> Result<(), Failure> {
        if self.facts.root.is_empty() { self.acquire().await } else { Ok(()) }
    }

    /// Connects, takes the lock and reads what is true there. A lock of a release that has ended is taken over.
    pub async fn acquire(&mut self) -> Result<(), Failure> {
        let plan = &self.run.plan;
        let origin = plan.origin.as_ref().map_or("", |origin| origin.name.as_str()).to_owned();
        let folder = self.folder().as_str().to_owned();
        let linked = self.linked.clone();
        let mut ended = String::new();
        loop {
            let build = || {
                let command = Command::new("acquire").value("ended", &ended)?;
                let command = command.value("folder", &folder)?.value("origin", &origin)?;
                command.list("linked file", linked.iter().map(String::as_str))
            };
            let command = build().map_err(|error| Failure::new(error.to_string()))?;
            let answer = self.ask(&command).await?;
            match answer.status {
                status::DONE => {
                    self.facts = Facts::read(&answer);
                    return Ok(());
                }
                status::LOCKED if ended.is_empty() => {
                    ended = self.ended_holder(answer.get("holder").unwrap_or_default()).await?;
                }
                status::MISSING => {
                    let missing: Vec<&str> = answer.all("missing").collect();
                    let message =
                        format!("linked file {} is not in {}/shared", missing.join(", "), self.root);
                    let hint = format!(
                        "put it there first, for example: scp {} server:{}/shared/",
                        missing.join(" "),
                        self.root
                    );
                    self.unlock().await;
                    return Err(Failure::new(message).hint(hint));
                }
                _ => return Err(self.refused(&answer, "take the lock")),
            }
        }
    }

    /// The number in a lock that may be taken over; a failure that names the holder otherwise.
    async fn ended_holder(&self, holder: &str) -> Result<String, Failure> {
        let mut parts = holder.split(':');
        let (installation, release) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let number: Option<i64> = release.parse().ok();
        if installation == self.run.ports.installation
            && let Some(number) = number
        {
            let ended = self.run.ports.journal.has_ended(ReleaseId(number)).await;
            if ended.map_err(|error| Failure::new(error.to_string()))? {
                return Ok(release.to_owned());
            }
            return Err(Failure::new(format!(
                "{} is locked by release {number}, which has not ended",
                self.root
            ))
            .hint(format!("wait for it, or stop it: aweigh cancel {number}")));
        }
        let who = if installation.is_empty() {
            "something else".to_owned()
        } else {
            format!("another Aweigh ({installation})")
        };
        Err(Failure::new(format!("{} is locked by {who}", self.root))
            .hint(format!("if that one is gone for good, remove {}/.aweigh/lock on the server", self.root)))
    }

    /// Asks the driver; over a new connection when the line was cut. Every verb may be asked twice.
    pub async fn ask(&mut self, command: &Command) -> Result<Answer, Failure> {
        let mut again = AGAIN.iter();
        loop {
            let asked = match self.driver().await {
                Ok(driver) => driver.ask(command).await,
                Err(broken) => Err(broken),
            };
            match asked {
                Ok(answer) => return Ok(answer),
                Err(broken) => self.wait_again(broken, &mut again).await?,
            }
        }
    }

    /// After a cut line: waits for the next try, or gives up.
    pub async fn wait_again(
        &mut self,
        broken: Broken,
        again: &mut std::slice::Iter<'_, Duration>,
    ) -> Result<(), Failure> {
        self.driver = None;
        let short = again.len() > AGAIN.len() - SHORT;
        match (broken, again.next()) {
            (Broken::Away(error), Some(pause)) if short => {
                tracing::info!(server = %self.server.name, %error, "trying again");
                tokio::time::sleep(*pause).await;
                Ok(())
            }
            (Broken::Lost(error), Some(pause)) => {
                if let Some(host) = self.host.take() {
                    host.close().await;
                }
                tracing::info!(server = %self.server.name, %error, "connecting again");
                tokio::time::sleep(*pause).await;
                Ok(())
            }
            (broken, _) => Err(broken.into_failure()),
        }
    }

    /// The tries of a cut line that a caller of [`wait_again`](Self::wait_again) has.
    pub fn tries() -> std::slice::Iter<'static, Duration> {
        AGAIN.iter()
    }

    /// The driver, over a connection that is made when there is none.
    pub async fn driver(&mut self) -> Result<&mut Driver, Broken> {
        if self.driver.is_none() {
            self.connect().await?;
            let driver = match &self.host {
                Some(host) => Driver::start(host.as_ref(), &self.root, &self.run.me()).await?,
                None => return Err(Broken::Unfit(Failure::new("there is no connection"))),
            };
            self.driver = Some(driver);
        }
        self.driver.as_mut().ok_or_else(|| Broken::Unfit(Failure::new("there is no driver")))
    }

    async fn connect(&mut self) -> Result<(), Broken> {
        if self.host.is_none() {
            let connected = self.run.ports.hosts.connect(&self.server).await;
            self.host = Some(connected.map_err(|error| match error.kind {
                HostTrouble::Lost => Broken::Lost(error),
                // It was there before, so it is waited for.
                HostTrouble::Away | HostTrouble::Unreachable if !self.facts.root.is_empty() => {
                    Broken::Lost(error)
                }
                HostTrouble::Away => Broken::Away(error),
                _ => Broken::Unfit(error.into()),
            })?);
        }
        Ok(())
    }

    /// A second driver on the same connection, for a word while the first one follows a hook.
    pub async fn second_driver(&self) -> Result<Driver, Broken> {
        match &self.host {
            Some(host) => Driver::start(host.as_ref(), &self.root, &self.run.me()).await,
            None => Err(Broken::Unfit(Failure::new("there is no connection"))),
        }
    }

    /// A byte stream to a port as seen from the server.
    pub async fn forward(
        &mut self,
        host: &str,
        port: u16,
    ) -> Result<Box<dyn crate::ports::Duplex>, crate::ports::HostError> {
        let lost = || crate::ports::HostError {
            kind: HostTrouble::Lost,
            message: "there is no connection".to_owned(),
            hint: None,
        };
        self.connect().await.map_err(|_| lost())?;
        match &self.host {
            Some(connection) => connection.forward(host, port).await,
            None => Err(lost()),
        }
    }

    /// The sentence for a verb that was refused.
    pub fn refused(&self, answer: &Answer, verb: &str) -> Failure {
        let root = &self.root;
        let now = answer.get("now").filter(|now| !now.is_empty()).unwrap_or("nothing");
        match answer.status {
            status::LOCKED => Failure::new(format!(
                "could not {verb}: the lock in {root} is not ours any more (it names {})",
                answer.get("holder").filter(|h| !h.is_empty()).unwrap_or("nobody")
            )),
            status::INCOMPLETE => Failure::new(format!(
                "could not {verb}: the release in {root} is not complete ({})",
                answer.first_said()
            )),
            status::TOUCHED => Failure::new(format!(
                "could not {verb}: {root}/releases/{} was changed after it was staged",
                self.folder()
            ))
            .hint("release again; it is staged anew"),
            status::DRIFT => Failure::new(format!(
                "drift: {root}/current points to {now}, which is not what this release found"
            ))
            .hint("somebody else switched it; look at the server, then release again"),
            status::NOT_A_LINK => {
                Failure::new(format!("{root}/current is a real file or folder, not a link"))
                    .hint("move it away by hand, for example: mv current current.old")
            }
            status::MISSING => {
                let missing: Vec<&str> = answer.all("missing").collect();
                Failure::new(format!("linked file {} is not in {root}/shared", missing.join(", ")))
                    .hint("put it there, then release again")
            }
            _ => Failure::new(format!("could not {verb} in {root}: {}", answer.first_said())),
        }
    }

    /// Closes the connection and keeps the lock: the release still holds this server.
    pub async fn leave(&mut self) {
        self.driver = None;
        if let Some(host) = self.host.take() {
            host.close().await;
        }
    }

    /// Gives the lock back and closes the connection. What fails here heals by itself: the next release takes
    /// the lock of one that has ended.
    pub async fn close(&mut self) {
        self.unlock().await;
        self.leave().await;
    }

    async fn unlock(&mut self) {
        if let Some(driver) = &mut self.driver
            && let Err(broken) = driver.ask(&Command::new("unlock")).await
        {
            tracing::debug!(server = %self.server.name, ?broken, "the lock stays until the next release");
        }
    }

    /// Whether the connection is open.
    pub fn is_open(&self) -> bool {
        self.driver.is_some()
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
