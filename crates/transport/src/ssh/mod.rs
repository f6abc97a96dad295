//! One SSH connection: the only code that sees the SSH library.
//!
//! `connect` dials and shakes hands through `wire`, with the algorithms of `algorithms`, patiently by `ramp`;
//! `guard` checks the host key (`host_key`, `authority`, `known_hosts`) before `auth` shows a credential
//! (`private_key`, `short_scalar`, `certificate`); then `channel` carries commands (`exec`, each at one of the `places`), terminals (`shell`)
//! and streams (`forward`), no more at once than `flow` allows. `jump` runs a connection over a stream of another one. `ahead` opens a
//! channel before it is needed, for connections that are kept.

mod ahead;
mod algorithms;
mod auth;
mod authority;
mod certificate;
mod channel;
mod connect;
mod exec;
mod flow;
mod forward;
mod guard;
mod host_key;
mod jump;
mod known_hosts;
mod places;
mod private_key;
mod ramp;
mod scan;
#[cfg(feature = "server")]
pub mod server;
mod shell;
mod short_scalar;
mod signer;
mod wire;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ahead::Ahead;
use jump::{PASSENGERS, Start};
use places::Places;

use russh::Disconnect;
use russh::client::Handle;
use tokio::sync::Semaphore;

pub use authority::Authority;
pub(crate) use channel::{ChannelReader, ChannelWriter};
pub(crate) use exec::Control;
use guard::{Ending, Guard};
pub use host_key::HostKey;
pub(crate) use jump::{Booking, Passage};
pub use private_key::{PublicHalf, fingerprint, generate, public_half};
pub use scan::scan;
pub(crate) use shell::Frame;

use crate::{Error, Target};

/// Commands that run at the same time on one connection. OpenSSH's `MaxSessions` is 10 by
/// default, and a session counts there until its command has ended.
const SESSIONS: usize = 8;

/// How long a server that was silent may take to prove that it is there.
const PROOF: Duration = Duration::from_secs(3);

/// How long a server has to take note of our good-bye.
const FAREWELL: Duration = Duration::from_secs(1);

const CLOSED: &str = "closed by this side";

/// One authenticated SSH connection. Dropping it closes it.
pub struct Connection {
    address: String,
    /// This server and the jump hosts before it, for the messages about what lies behind it.
    way: String,
    handle: Handle<Guard>,
    /// For commands.
    places: Places,
    /// How many connections it carries as a jump host.
    passengers: Arc<Semaphore>,
    /// The jump host that carries it.
    passage: Mutex<Option<Passage>>,
    ending: Arc<Ending>,
    ahead: Ahead,
    distrusted: AtomicBool,
    /// Commands are refused, and SFTP is not.
    has_no_shell: AtomicBool,
}

impl Connection {
    /// Reaches the server, through the jump host where `passage` brings a place on one, checks the host key and
    /// authenticates.
    pub(crate) async fn open(target: &Target, passage: Booking<'_>) -> Result<Connection, Error> {
        if target.auth.is_empty() {
            return Err(Error::NoCredential { user: target.user.clone(), address: target.address() });
        }
        // Texts are checked before the network is touched.
        let credentials = auth::prepare(&target.auth).await?;
        let passage = passage.await.map_err(|source| Error::JumpHost { to: target.address(), source })?;
        let start = Start::of(passage.as_ref());
        let open = || connect::open(start, target, &credentials);
        let line = ramp::patiently(target.timeouts.handshake, open).await?;
        Ok(Connection {
            address: target.address(),
            way: target.way(),
            handle: line.handle,
            places: Places::new(SESSIONS),
            passengers: Arc::new(Semaphore::new(PASSENGERS)),
            passage: Mutex::new(passage),
            ending: line.ending,
            ahead: Ahead::default(),
            distrusted: AtomicBool::new(false),
            has_no_shell: AtomicBool::new(false),
        })
    }

    /// What messages call the server.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Nobody else gets this connection any more. Whoever has it keeps it.
    pub(crate) fn distrust(&self) {
        self.distrusted.store(true, Ordering::Relaxed);
    }

    /// Notes that files go by SFTP here, since no shell takes commands.
    pub(crate) fn note_no_shell(&self) {
        self.has_no_shell.store(true, Ordering::Relaxed);
    }

    /// Whether that was found out.
    pub(crate) fn has_no_shell(&self) -> bool {
        self.has_no_shell.load(Ordering::Relaxed)
    }

    /// Whether it may be given to somebody else.
    pub(crate) fn is_trusted(&self) -> bool {
        !self.is_closed() && !self.distrusted.load(Ordering::Relaxed)
    }

    /// Whether one more user finds room: a driver, and a word beside it.
    pub(crate) fn has_room(&self) -> bool {
        self.ahead.is_there() || self.places.free() >= 2
    }

    /// Whether no command runs on it.
    pub(crate) fn is_idle(&self) -> bool {
        self.places.free() + usize::from(self.ahead.is_there()) == SESSIONS
    }

    /// Whether nothing can be done over this connection any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.places.is_closed() || self.handle.is_closed()
    }

    /// Ends the connection; everything on it ends as [`Error::Lost`].
    pub(crate) async fn close(&self) {
        self.places.close();
        self.ending.note(CLOSED);
        let farewell = async {
            if self.handle.disconnect(Disconnect::ByApplication, "", "").await.is_ok() {
                self.ending.reached().await;
            }
        };
        // A server that does not take it any more is cut off.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
        self.ending.cut();
        let passage = self.passage.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(passage) = passage {
            passage.leave().await;
        }
    }

    /// Why the connection is gone.
    fn lost(&self) -> Error {
        if self.places.is_closed() { Error::Closed } else { self.ending.lost() }
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
