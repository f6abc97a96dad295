//! A session: the handle through which commands run on one machine.

use std::sync::Arc;

use crate::ssh::{Connection, Passage};
use crate::{Error, HostKey, Process, Stream, Target, Timeouts, local};

/// A handle to this machine or to a server. Clones are cheap and share one connection, which is
/// closed when the last clone is dropped; processes that still run then end as
/// [`Error::Lost`], and may go on running on the server.
#[derive(Clone, Debug)]
pub enum Session {
    /// This machine; commands run as children of this process.
    Local,
    /// A server, over one SSH connection.
    Ssh(Arc<Connection>),
}

impl Session {
    /// A session with this machine: `sh -c COMMAND`, each in a process group of its own.
    pub fn local() -> Session {
        Session::Local
    }

    /// Connects to a server over SSH, through its jump hosts where it has some. The host key is checked before
    /// anything secret is sent. Dropping the future gives up at once and leaves nothing behind.
    pub async fn connect(target: &Target) -> Result<Session, Error> {
        Ok(Session::Ssh(Arc::new(Connection::open(target, Passage::alone(target)).await?)))
    }

    /// Starts `command` (for the login shell of the user; `sh` on this machine).
    ///
    /// At most eight commands run at the same time on one connection (OpenSSH allows ten by
    /// default); the next call waits until one of them ends. Dropping the future closes what it
    /// has opened. A server that refuses to run it says so only in [`Process::wait`].
    pub async fn exec(&self, command: &str) -> Result<Process, Error> {
        match self {
            Session::Local => local::exec(command, &local::Surroundings::default()),
            Session::Ssh(connection) => connection.exec(command).await,
        }
    }

    /// Opens a TCP stream from that machine to `host`:`port`, as seen from there
    /// (`direct-tcpip`, RFC 4254 section 7.2), so `127.0.0.1` is the server itself.
    pub async fn forward(&self, host: &str, port: u16) -> Result<Stream, Error> {
        match self {
            Session::Local => local::forward(host, port).await,
            Session::Ssh(connection) => connection.forward(host, port).await,
        }
    }

    /// Asks the server at `host`:`port`, as seen from that machine, for its host keys: [`scan`](crate::scan) through a
    /// jump host.
    pub async fn scan(&self, host: &str, port: u16, timeouts: Timeouts) -> Result<Vec<HostKey>, Error> {
        match self {
            Session::Local => crate::scan(host, port, timeouts).await,
            Session::Ssh(connection) => connection.scan(host, port, timeouts).await,
        }
    }

    /// Says good-bye and closes the connection for all clones, and those to jump hosts that carry nothing else. A
    /// local session has none.
    pub async fn close(&self) {
        if let Session::Ssh(connection) = self {
            connection.close().await;
        }
    }

    /// It did not do what it should: whoever asks a [`Pool`](crate::Pool) next gets another connection. Others who
    /// share this one keep it.
    pub fn distrust(&self) {
        if let Session::Ssh(connection) = self {
            connection.distrust();
        }
    }

    /// Whether the connection is known to be gone. A local session never is.
    pub fn is_closed(&self) -> bool {
        match self {
            Session::Local => false,
            Session::Ssh(connection) => connection.is_closed(),
        }
    }
}
