//! A channel that is opened before it is needed. Until a command is on it, OpenSSH starts no process for it; it saves
//! the next command a round trip.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::Connection;
use super::exec::Open;

/// How long a server that was silent may take to prove that it is there.
const PROOF: Duration = Duration::from_secs(3);

/// The channel that is open ahead, on a connection that wants one.
#[derive(Default)]
pub(super) struct Ahead(Mutex<State>);

#[derive(Default)]
struct State {
    is_wanted: bool,
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
    /// From now on a channel is kept open ahead whenever no command runs.
    pub(crate) async fn keep_ahead(&self) {
        self.ahead.state(|state| state.is_wanted = true);
        self.open_ahead().await;
    }

    /// Opens a channel ahead where one is wanted and there is none.
    pub(super) async fn open_ahead(&self) {
        let is_wanted = self.ahead.state(|state| state.is_wanted && state.open.is_none());
        // Where commands run, the places that a server allows are theirs.
        if !is_wanted || !self.is_idle() || !self.is_trusted() {
            return;
        }
        // A server that refuses may allow few sessions. Then the next command opens its own.
        let Ok(permit) = Arc::clone(&self.sessions).try_acquire_owned() else { return };
        if let Ok(open) = self.open_channel(permit).await {
            self.ahead.state(|state| state.open = Some(open));
        }
    }

    /// Whether the server is there: by what was heard of it not long ago, or by a channel that it opens now.
    pub(crate) async fn answers(&self, silence: Duration) -> bool {
        if self.ending.silence() <= silence {
            return true;
        }
        let Ok(permit) = Arc::clone(&self.sessions).try_acquire_owned() else { return false };
        match timeout(PROOF, self.open_channel(permit)).await {
            Ok(Ok(open)) => {
                self.ahead.state(|state| state.open = Some(open));
                true
            }
            _ => false,
        }
    }
}
