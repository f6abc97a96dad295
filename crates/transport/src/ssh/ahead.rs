//! A channel that is opened before it is needed. Until a command is on it, OpenSSH starts no process for it; it saves
//! the next command a round trip.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::exec::Open;
use super::{Connection, PROOF};

/// The channel that is open ahead, on a connection that wants one.
#[derive(Default)]
pub(super) struct Ahead(Mutex<State>);

#[derive(Default)]
struct State {
    is_wanted: bool,
    is_opening: bool,
    open: Option<Open>,
}

impl Ahead {
    /// The channel, for a command.
    pub(super) fn take(&self) -> Option<Open> {
        self.state(|state| state.open.take())
    }

    /// Whether one is open.
    pub(super) fn is_there(&self) -> bool {
        self.state(|state| state.open.is_some())
    }

    fn state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Connection {
    /// From now on a channel is kept open ahead whenever a command has ended and no other runs.
    pub(crate) fn keep_ahead(&self) {
        self.ahead.state(|state| state.is_wanted = true);
    }

    /// Opens a channel ahead where one is wanted and there is none.
    pub(crate) async fn open_ahead(&self) {
        // Where commands run, the places that a server allows are theirs.
        if !self.is_idle() || !self.is_trusted() {
            return;
        }
        let begins = self.ahead.state(|state| {
            let begins = state.is_wanted && !state.is_opening && state.open.is_none();
            state.is_opening |= begins;
            begins
        });
        if !begins {
            return;
        }
        // A server that refuses may allow few sessions. Then the next command opens its own.
        let opened = match self.places.take_now() {
            Some(place) => self.open_channel(place).await.ok(),
            None => None,
        };
        self.ahead.state(|state| state.is_opening = false);
        if let Some(open) = opened {
            self.keep(open).await;
        }
    }

    /// Keeps a channel, or closes it where there is one already.
    async fn keep(&self, open: Open) {
        let mut open = Some(open);
        self.ahead.state(|state| {
            if state.open.is_none() {
                state.open = open.take();
            }
        });
        if let Some(open) = open {
            open.close().await;
        }
    }

    /// Whether the server is there: by what was heard of it not long ago, or by a channel that it opens now.
    pub(crate) async fn answers(&self, silence: Duration) -> bool {
        if self.ending.silence() <= silence {
            return true;
        }
        let Some(place) = self.places.take_now() else { return false };
        match timeout(PROOF, self.open_channel(place)).await {
            Ok(Ok(open)) => {
                self.keep(open).await;
                true
            }
            _ => false,
        }
    }
}
