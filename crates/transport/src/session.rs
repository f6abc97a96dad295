//! A session: the handle through which commands run on one machine.

use std::path::PathBuf;
use std::sync::Arc;

use crate::ssh::{Connection, Passage};
use crate::{Error, Get, HostKey, Process, Put, Shell, Source, Stream, Target, Terminal, Timeouts, local};

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

    /// Starts the login shell of the user on a terminal, or `command` by that shell. It counts as one of the eight
    /// commands; [`Error::TerminalRefused`] when the server gives no terminals. Dropping the future closes what it has
    /// opened.
    ///
    /// On this machine it finds what a login finds, and nothing of this process's environment but `PATH` and `LANG`.
    pub async fn shell(&self, terminal: &Terminal, command: Option<&str>) -> Result<Shell, Error> {
        match self {
            Session::Local => local::shell(terminal, command, &local::Surroundings::of_login()),
            Session::Ssh(connection) => connection.shell(terminal, command).await,
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

    /// Brings a file, a folder or bytes to `to` on that machine: `session.put("dist", "/srv/app").await?`. `to` is the
    /// name of the result itself, not of a folder to put it into; a relative one begins at the home folder, and `~/` is
    /// understood.
    ///
    /// It is written under the name `.NAME.part` beside its place, compared by SHA-256, and renamed. So nobody ever
    /// sees a part of a file; a folder that was there is replaced, for which it is away for the time of two renames.
    /// A file that was cut off goes on where it stopped when the same call is made again; a folder begins anew.
    /// Permissions are kept (`rwxrwxrwx`), owners are not; links in a folder stay links.
    ///
    /// It goes through a command there. A server that refuses commands and has SFTP gets it by that, under the same
    /// names, with two differences: sizes are compared and not a SHA-256, and what was cut off begins anew. Without the
    /// extension `posix-rename@openssh.com` a file that was there is away for the time of two renames, too.
    pub fn put(&self, from: impl Into<Source>, to: impl Into<String>) -> Put<'_> {
        Put::new(self, from.into(), to.into())
    }

    /// Brings a file or a folder of that machine to `to` on this one, in the same way as [`Session::put`]. Whatever
    /// names the other machine sends, nothing is written outside `to` and `.NAME.part` beside it. Links in a folder are
    /// made as they are: look at them before you follow them.
    pub fn get(&self, from: impl Into<String>, to: impl Into<PathBuf>) -> Get<'_> {
        Get::new(self, from.into(), to.into())
    }

    /// Asks the server at `host`:`port`, as seen from that machine, for its host keys: [`scan`](crate::scan) through a
    /// jump host.
    pub async fn scan(
        &self,
        host: &str,
        port: u16,
        legacy_algorithms: bool,
        timeouts: Timeouts,
    ) -> Result<Vec<HostKey>, Error> {
        match self {
            Session::Local => crate::scan(host, port, legacy_algorithms, timeouts).await,
            Session::Ssh(connection) => connection.scan(host, port, legacy_algorithms, timeouts).await,
        }
    }

    /// Starts SFTP on a server. This machine has none, and needs none.
    pub(crate) async fn sftp(&self) -> Option<Result<Process, Error>> {
        match self {
            Session::Local => None,
            Session::Ssh(connection) => Some(connection.sftp().await),
        }
    }

    /// Notes that files go by SFTP, since no shell takes commands there.
    pub(crate) fn note_no_shell(&self) {
        if let Session::Ssh(connection) = self {
            connection.note_no_shell();
        }
    }

    /// Whether that was found out over this connection.
    pub(crate) fn has_no_shell(&self) -> bool {
        match self {
            Session::Local => false,
            Session::Ssh(connection) => connection.has_no_shell(),
        }
    }

    /// What messages call that machine.
    pub(crate) fn place(&self) -> String {
        match self {
            Session::Local => "this machine".to_owned(),
            Session::Ssh(connection) => connection.address().to_owned(),
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
