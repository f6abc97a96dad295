//! Commands: a session channel each, with its exit and signals.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use russh::client::Msg;
use russh::{Channel, ChannelWriteHalf, Sig};
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use super::Connection;
use super::channel::{self, Fate, Parts, Pump, Share};
use super::guard::Ending;
use super::places::Place;
use crate::{Error, Exit, Process, Signal, Terminal};

/// How long is waited before a server that refused a channel is asked again, at first and at most.
const AGAIN: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(200)];

/// A channel without a command, and its place among those that a server allows.
pub(super) struct Open {
    channel: Channel<Msg>,
    place: Place,
}

impl Open {
    /// Gives it back; dropping it would leave it open on the server.
    pub(super) async fn close(self) {
        // A connection that is gone has closed it.
        drop(self.channel.close().await);
        self.place.leave();
    }
}

/// What is to run on a channel.
pub(super) enum Order {
    Command(String),
    /// A service of the server by its name, such as `sftp` (RFC 4254 section 6.5).
    Subsystem(&'static str),
    /// On a terminal: a command, or the login shell.
    Terminal(Terminal, Option<String>),
}

impl Connection {
    /// Starts a command.
    pub(crate) async fn exec(self: &Arc<Self>, command: &str) -> Result<Process, Error> {
        self.process(Order::Command(command.to_owned())).await
    }

    /// Starts SFTP.
    pub(crate) async fn sftp(self: &Arc<Self>) -> Result<Process, Error> {
        self.process(Order::Subsystem("sftp")).await
    }

    async fn process(self: &Arc<Self>, order: Order) -> Result<Process, Error> {
        let parts = self.run(order).await?;
        let control = self.control(parts.fate, parts.sender, Some(parts.share));
        Ok(Process::of_channel(parts.writer, parts.stdout, parts.stderr, control))
    }

    /// Opens a channel and starts what is ordered on it.
    pub(super) async fn run(self: &Arc<Self>, order: Order) -> Result<Parts, Error> {
        let opened = self.ahead.take();
        let place = match opened {
            Some(_) => None,
            None => Some(self.places.take().await.ok_or(Error::Closed)?),
        };
        let (tell, told) = oneshot::channel();
        let connection = Arc::clone(self);
        // A task of its own, so that a caller who gives up in between leaves no channel behind.
        tokio::spawn(async move {
            let started = match (opened, place) {
                (Some(open), _) => connection.start(open, &order).await,
                (None, Some(place)) => match connection.open_patiently(place).await {
                    Ok(open) => connection.start(open, &order).await,
                    Err(error) => Err(error),
                },
                (None, None) => Err(Error::Closed),
            };
            let kept = Arc::downgrade(&connection);
            drop(connection);
            match started {
                Err(error) => drop(tell.send(Err(error))),
                Ok((parts, pump)) => {
                    // A process that nobody takes is dropped here, and its channel closed below.
                    drop(tell.send(Ok(parts)));
                    pump.run().await;
                    if let Some(connection) = kept.upgrade() {
                        connection.open_ahead().await;
                    }
                }
            }
        });
        told.await.unwrap_or_else(|_| Err(self.lost()))
    }

    /// Opens a channel; no command is on it yet.
    pub(super) async fn open_channel(&self, place: Place) -> Result<Open, Error> {
        Ok(Open { channel: self.ask_for_channel().await?, place })
    }

    /// The same. A server that refuses may still count a command that is over, so it is asked again for a moment.
    async fn open_patiently(&self, place: Place) -> Result<Open, Error> {
        let [mut pause, longest] = AGAIN;
        loop {
            match self.ask_for_channel().await {
                Err(Error::SessionRefused { .. }) if self.places.are_being_left() => sleep(pause).await,
                asked => return Ok(Open { channel: asked?, place }),
            }
            pause = longest.min(pause * 2);
        }
    }

    async fn ask_for_channel(&self) -> Result<Channel<Msg>, Error> {
        let asked = Instant::now();
        let channel = self.handle.channel_open_session().await.map_err(|error| match error {
            russh::Error::ChannelOpenFailure(_) => Error::SessionRefused { address: self.address.clone() },
            _ => self.lost(),
        })?;
        self.ending.answered_in(asked.elapsed());
        Ok(channel)
    }

    async fn start(&self, mut open: Open, order: &Order) -> Result<(Parts, Pump), Error> {
        if let Order::Terminal(terminal, _) = order
            && let Err(error) = self.ask_for_terminal(&mut open.channel, terminal).await
        {
            open.close().await;
            return Err(error);
        }
        let Open { channel, place } = open;
        // The answer is not waited for: that saves a round trip, and a refusal is the fate of the
        // command like any other.
        let asked = match order {
            Order::Command(command) | Order::Terminal(_, Some(command)) => {
                channel.exec(true, command.as_str()).await
            }
            Order::Subsystem(name) => channel.request_subsystem(true, *name).await,
            Order::Terminal(_, None) => channel.request_shell(true).await,
        };
        asked.map_err(|_| self.lost())?;
        Ok(channel::split(channel, Arc::clone(&self.ending), Some(place)))
    }

    /// The end of what runs on a channel. With a `share` it keeps the channel open, too.
    pub(super) fn control(
        &self,
        fate: watch::Receiver<Option<Fate>>,
        sender: Arc<ChannelWriteHalf<Msg>>,
        share: Option<Share>,
    ) -> Control {
        let ending = Arc::clone(&self.ending);
        Control { address: self.address.clone(), fate, sender, ending, _share: share }
    }
}

/// The end of a command, and signals to it.
pub(crate) struct Control {
    address: String,
    fate: watch::Receiver<Option<Fate>>,
    sender: Arc<ChannelWriteHalf<Msg>>,
    ending: Arc<Ending>,
    _share: Option<Share>,
}

impl Control {
    pub(crate) async fn wait(&mut self) -> Result<Exit, Error> {
        let known = match self.fate.wait_for(Option::is_some).await {
            Ok(known) => known.clone(),
            Err(_) => None,
        };
        match known {
            Some(Fate::Exited(exit)) => Ok(exit),
            Some(Fate::Refused) => Err(Error::ExecRefused { address: self.address.clone() }),
            Some(Fate::Unread(reason)) => Err(Error::Unread { reason }),
            Some(Fate::Untold) => {
                Err(Error::Lost { reason: "the server closed the channel without an exit status".to_owned() })
            }
            Some(Fate::Lost) | None => Err(self.ending.lost()),
        }
    }

    pub(crate) async fn signal(&self, signal: Signal) -> Result<(), Error> {
        if self.fate.borrow().is_some() {
            return Ok(());
        }
        let signal = match signal {
            Signal::Hangup => Sig::HUP,
            Signal::Interrupt => Sig::INT,
            Signal::Terminate => Sig::TERM,
            Signal::Kill => Sig::KILL,
        };
        self.sender.signal(signal).await.map_err(|_| self.ending.lost())
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Control").field("fate", &self.fate).finish_non_exhaustive()
    }
}
