//! One SSH connection: the only code that sees the SSH library.
//!
//! `connect` dials and shakes hands through `wire`, with the algorithms of `algorithms`;
//! `guard` checks the host key (`host_key`, `known_hosts`) before `auth` shows a credential
//! (`private_key`); then `channel` carries commands (`exec`) and streams (`forward`), no more at once than `flow` allows. `ahead` opens a channel before it
//! is needed, for connections that are kept.

mod ahead;
mod algorithms;
mod auth;
mod channel;
mod connect;
mod exec;
mod flow;
mod forward;
mod guard;
mod host_key;
mod known_hosts;
mod private_key;
mod scan;
#[cfg(feature = "server")]
pub mod server;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ahead::Ahead;

use russh::Disconnect;
use russh::client::Handle;
use tokio::sync::Semaphore;

pub(crate) use channel::{ChannelReader, ChannelWriter};
pub(crate) use exec::Control;
use guard::{Ending, Guard};
pub use host_key::HostKey;
pub use private_key::fingerprint;
pub use scan::scan;

use crate::{Error, Target};

/// Commands that run at the same time on one connection. OpenSSH's `MaxSessions` is 10 by
/// default, and a session counts there until its command has ended.
const SESSIONS: usize = 8;

/// How long a server has to take note of our good-bye.
const FAREWELL: Duration = Duration::from_secs(1);

const CLOSED: &str = "closed by this side";

/// One authenticated SSH connection. Dropping it closes it.
pub struct Connection {
    address: String,
    handle: Handle<Guard>,
    sessions: Arc<Semaphore>,
    ending: Arc<Ending>,
    ahead: Ahead,
    distrusted: AtomicBool,
}

impl Connection {
    /// Dials, checks the host key and authenticates.
    pub(crate) async fn open(target: &Target) -> Result<Connection, Error> {
        if target.auth.is_empty() {
            return Err(Error::NoCredential { user: target.user.clone(), address: target.address() });
        }
        // Texts are checked before the network is touched.
        let credentials = auth::prepare(&target.auth).await?;
        let line = connect::open(target, credentials).await?;
        let sessions = Arc::new(Semaphore::new(SESSIONS));
        Ok(Connection {
            address: target.address(),
            handle: line.handle,
            sessions,
            ending: line.ending,
            ahead: Ahead::default(),
            distrusted: AtomicBool::new(false),
        })
    }

    /// Nobody else gets this connection any more. Whoever has it keeps it.
    pub(crate) fn distrust(&self) {
        self.distrusted.store(true, Ordering::Relaxed);
    }

    /// Whether it may be given to somebody else.
    pub(crate) fn is_trusted(&self) -> bool {
        !self.is_closed() && !self.distrusted.load(Ordering::Relaxed)
    }

    /// Whether one more user finds room: a driver, and a word beside it.
    pub(crate) fn has_room(&self) -> bool {
        self.ahead.is_there() || self.sessions.available_permits() >= 2
    }

    /// Whether no command runs on it.
    pub(crate) fn is_idle(&self) -> bool {
        self.sessions.available_permits() + usize::from(self.ahead.is_there()) == SESSIONS
    }

    /// Whether nothing can be done over this connection any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.sessions.is_closed() || self.handle.is_closed()
    }

    /// Ends the connection; everything on it ends as [`Error::Lost`].
    pub(crate) async fn close(&self) {
        self.sessions.close();
        self.ending.note(CLOSED);
        let farewell = async {
            if self.handle.disconnect(Disconnect::ByApplication, "", "").await.is_ok() {
                self.ending.reached().await;
            }
        };
        // A server that does not take it any more is cut off.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
        self.ending.cut();
    }

    /// Why the connection is gone.
    fn lost(&self) -> Error {
        if self.sessions.is_closed() { Error::Closed } else { self.ending.lost() }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Background tasks hold senders to the library's loop, so dropping the handle alone
        // would not end it.
        self.ending.note(CLOSED);
        self.ending.cut();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}
