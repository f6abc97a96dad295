//! The line to a server: a connection with a driver on it, made when it is needed and made again when it was cut.

use std::sync::Arc;
use std::time::Duration;

use model::Name;
use tokio_util::task::AbortOnDropHandle;

use super::Lane;
use crate::driver::{Broken, Driver};
use crate::error::Failure;
use crate::fault::{self, INJECTED, Side};
use crate::ports::{Host, HostError, HostTrouble};
use crate::remote::{Answer, Command};

/// How long is waited before each new try of a cut connection.
const AGAIN: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(10)];

/// How many of them a server gets that was not there at first contact.
const SHORT: usize = 2;

/// A connection and a driver on it, in the making.
pub(super) type Ahead = AbortOnDropHandle<Result<(Box<dyn Host>, Driver), Broken>>;

/// What a connection that was not made means; a server that was there before is waited for.
fn refused(error: HostError, is_known: bool) -> Broken {
    match error.kind {
        HostTrouble::Lost => Broken::Lost(error),
        kind if kind.is_unreachable() && is_known => Broken::Lost(error),
        kind if kind.is_brief() => Broken::Away(error),
        _ => Broken::Unfit(error.into()),
    }
}

/// A fault point of a server: a fault here is a cut line.
async fn point(server: &Name, what: &str, side: Side) -> Result<(), Broken> {
    let cut = fault::point(|| format!("{server}/{what}"), side).await;
    cut.map_err(|_| Broken::Lost(HostError::lost(INJECTED)))
}

impl Lane {
    /// Forgets the driver: what is left of its input is not commands.
    pub fn start_anew(&mut self) {
        self.driver = None;
    }

    /// Asks the driver; over a new connection when the line was cut. Every verb may be asked twice.
    pub async fn ask(&mut self, command: &Command) -> Result<Answer, Failure> {
        let mut again = AGAIN.iter();
        loop {
            match self.ask_once(command).await {
                Ok(answer) => return Ok(answer),
                Err(broken) => self.wait_again(broken, &mut again).await?,
            }
        }
    }

    async fn ask_once(&mut self, command: &Command) -> Result<Answer, Broken> {
        self.point(command.verb(), Side::Before).await?;
        if fault::is_asked_twice() {
            self.driver().await?.ask(command).await?;
        }
        let answer = self.driver().await?.ask(command).await?;
        self.point(command.verb(), Side::After).await?;
        Ok(answer)
    }

    async fn ask_both_once(&mut self, command: &Command) -> Result<Answer, Broken> {
        self.point(command.verb(), Side::Before).await?;
        if fault::is_asked_twice() {
            self.driver().await?.ask_both(command, &Command::new("unlock")).await?;
        }
        let (answer, _) = self.driver().await?.ask_both(command, &Command::new("unlock")).await?;
        self.point(command.verb(), Side::After).await?;
        Ok(answer)
    }

    /// A fault point of this server.
    pub(crate) async fn point(&self, what: &str, side: Side) -> Result<(), Broken> {
        point(&self.server.name, what, side).await
    }

    /// The last command of this release here: with it, in the same round trip, the lock is given back.
    pub async fn ask_last(&mut self, command: &Command) -> Result<Answer, Failure> {
        let mut again = AGAIN.iter();
        loop {
            match self.ask_both_once(command).await {
                Ok(answer) => {
                    self.unlocked = true;
                    return Ok(answer);
                }
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
                self.hang_up();
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

    /// Logs in and starts the driver, while something else is done. What goes wrong is told when the driver is needed.
    pub fn connect_ahead(&mut self) {
        if self.host.is_some() || self.left_out {
            return;
        }
        let (hosts, server) = (Arc::clone(&self.run.ports.hosts), self.server.clone());
        let (root, me) = (self.root.clone(), self.next());
        let is_known = self.is_known();
        self.ahead = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            point(&server.name, "connect", Side::Before).await?;
            let host = hosts.connect(&server).await.map_err(|error| refused(error, is_known))?;
            point(&server.name, "connect", Side::After).await?;
            let mut driver = Driver::start(host.as_ref(), &root, &me).await?;
            // What a server that takes nothing says is heard by the first command.
            driver.begin().await.ok();
            Ok((host, driver))
        })));
    }

    /// Whether the server was there in this ownership.
    fn is_known(&self) -> bool {
        !self.facts.root.is_empty()
    }

    /// The driver, over a connection that is made when there is none.
    pub async fn driver(&mut self) -> Result<&mut Driver, Broken> {
        if let Some(ahead) = self.ahead.take()
            && let Ok(made) = ahead.await
        {
            let (host, driver) = made?;
            (self.host, self.driver) = (Some(host), Some(driver));
        }
        if self.driver.is_none() {
            self.connect().await?;
            let me = self.next();
            let driver = match &self.host {
                Some(host) => Driver::start(host.as_ref(), &self.root, &me).await?,
                None => return Err(Broken::Unfit(Failure::new("there is no connection"))),
            };
            self.driver = Some(driver);
        }
        self.driver.as_mut().ok_or_else(|| Broken::Unfit(Failure::new("there is no driver")))
    }

    /// As whom the next driver speaks. What those before it may still be doing, over a line that we know to be cut and the
    /// server does not yet, ends before it changes anything.
    fn next(&mut self) -> String {
        let me = self.run.me();
        let Some(turns) = &mut self.turns else { return me };
        *turns += 1;
        if *turns == 1 { me } else { format!("{me} {}", *turns - 1) }
    }

    async fn connect(&mut self) -> Result<(), Broken> {
        if self.host.is_none() {
            self.point("connect", Side::Before).await?;
            let connected = self.run.ports.hosts.connect(&self.server).await;
            let is_known = self.is_known();
            self.host = Some(connected.map_err(|error| refused(error, is_known))?);
            self.point("connect", Side::After).await?;
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
    ) -> Result<Box<dyn crate::ports::Duplex>, HostError> {
        self.connect().await.map_err(|broken| match broken {
            Broken::Away(error) | Broken::Lost(error) => error,
            Broken::Unfit(failure) => HostError::other(failure.message),
        })?;
        match &self.host {
            Some(connection) => connection.forward(host, port).await,
            None => Err(HostError::lost("there is no connection")),
        }
    }

    /// Gives up a connection over which nothing comes any more; the next word is said over a new one.
    pub fn hang_up(&mut self) {
        self.driver = None;
        if let Some(host) = self.host.take() {
            host.distrust();
        }
    }

    /// Gives the connection back and keeps the lock: the release still holds this server.
    pub fn leave(&mut self) {
        self.ahead = None;
        self.driver = None;
        self.host = None;
    }

    /// Gives the lock and the connection back. What fails here heals by itself: the next release takes
    /// the lock of one that has ended.
    pub async fn close(&mut self) {
        self.unlock().await;
        self.leave();
    }

    pub(super) async fn unlock(&mut self) {
        if let Some(driver) = self.driver.as_mut().filter(|_| !self.unlocked)
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
