//! The servers: connections, and commands that run over them.

use std::path::Path;
use std::pin::Pin;

use async_trait::async_trait;
use futures::future::BoxFuture;
use model::{SecretString, Server, SshAddress};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Parcel, Shell, Terminal};

/// Opens connections to servers.
#[async_trait]
pub trait Hosts: Send + Sync {
    /// Connects and logs in, through the servers on the way. The host key is checked before any credential is sent,
    /// at each of them.
    async fn connect(&self, server: &Server) -> Result<Box<dyn Host>, HostError>;
    /// The same over a connection that nobody else uses, now or later.
    async fn connect_alone(&self, server: &Server) -> Result<Box<dyn Host>, HostError>;
    /// The same with a private key in the place of the server's credential; who is on the way is logged in to as ever.
    async fn connect_with(&self, server: &Server, key: &SecretString) -> Result<Box<dyn Host>, HostError>;
    /// The host keys that a machine presents, without logging in there.
    async fn scan(&self, address: &SshAddress) -> Result<Vec<ScannedKey>, HostError>;
}

/// A host key as presented by a machine nobody trusts yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedKey {
    /// `ssh-ed25519 AAAA…`, as it is pinned.
    pub key: String,
    /// `SHA256:…`, as `ssh-keygen -lf` prints it.
    pub fingerprint: String,
}

/// A connection to one server, on which commands run and ports are reached. Others may share it; dropping gives it back.
#[async_trait]
pub trait Host: Send + Sync {
    /// Starts one command line. Dropping the channel does not stop the command.
    async fn exec(&self, command: &str) -> Result<Channel, HostError>;
    /// Starts the login shell on a terminal, or a command by that shell.
    async fn shell(&self, terminal: &Terminal, command: Option<&str>) -> Result<Shell, HostError>;
    /// A byte stream to a TCP port as seen from the server.
    async fn forward(&self, host: &str, port: u16) -> Result<Box<dyn Duplex>, HostError>;
    /// Brings a file or a folder to `to` on the server: whole, with the SHA-256 that it has here and its permissions, or not
    /// at all. A file that was cut off goes on where it stopped when the same is asked again; a folder begins anew, and takes
    /// the place of what is there only when it `replaces`. Tells how many bytes of files are there.
    async fn put(
        &self,
        parcel: &Parcel,
        to: &str,
        replaces: bool,
        tell: TellBytes,
    ) -> Result<Brought, HostError>;
    /// Brings a file or a folder of the server to `to` on this machine, in the same way. Whatever names the server sends,
    /// nothing is written outside `to` and a temporary name beside it. When this is given up, `tell` is dropped as soon as
    /// nothing is written any more.
    async fn get(&self, from: &str, to: &Path, tell: TellBytes) -> Result<Brought, HostError>;
    /// It did not do what it should: whoever connects next gets another one.
    fn distrust(&self);
}

/// Told how many bytes of files are there, and of how many where that is known.
pub type TellBytes = Box<dyn FnMut(u64, Option<u64>) + Send>;

/// What was brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Brought {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of these, bytes that an earlier try had brought.
    pub resumed: u64,
}

/// A two-way byte stream.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A running command.
pub struct Channel {
    /// Its standard input; shutting it down is its end of file.
    pub stdin: Pin<Box<dyn AsyncWrite + Send + Sync>>,
    /// Its standard output.
    pub stdout: Pin<Box<dyn AsyncRead + Send + Sync>>,
    /// Its standard error.
    pub stderr: Pin<Box<dyn AsyncRead + Send + Sync>>,
    /// Its end: the exit code, or `None` when a signal ended it.
    pub exit: BoxFuture<'static, Result<Option<u32>, HostError>>,
}

/// Why a server did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct HostError {
    /// What kind of trouble it is.
    pub kind: HostTrouble,
    /// What happened to what, as a lower-case fragment without secrets.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl HostError {
    /// The connection ended.
    pub fn lost(message: impl Into<String>) -> Self {
        Self { kind: HostTrouble::Lost, message: message.into(), hint: None }
    }

    /// Trouble that is none of the connection.
    pub fn other(message: impl Into<String>) -> Self {
        Self { kind: HostTrouble::Other, message: message.into(), hint: None }
    }

    /// The same, with what to do next.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Kinds of trouble with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostTrouble {
    /// What is stored to log in with cannot be used: it is gone, of another kind, or cannot be read.
    Credential,
    /// The servers to go through do not lead there.
    NoWay,
    /// Its name has no address here.
    Unresolved,
    /// No connection: network, silent.
    Unreachable,
    /// It refuses connections: it may be there again in a moment.
    Away,
    /// It took the connection and hung up: it may be there again in a moment.
    HungUp,
    /// It took the connection, and no SSH session comes of it.
    NoHandshake,
    /// The host key is unknown or another one than pinned.
    HostKey,
    /// The login was refused.
    Denied,
    /// The connection broke in the middle.
    Lost,
    /// The server refused a forwarded port.
    ForwardRefused,
    /// Anything else.
    Other,
}

impl HostTrouble {
    /// Whether nobody could be reached who would let us in or not.
    pub fn is_unreachable(self) -> bool {
        self.is_brief() || matches!(self, Self::Unresolved | Self::Unreachable | Self::NoHandshake)
    }

    /// Whether it may be over in a moment without anybody changing anything.
    pub fn is_brief(self) -> bool {
        matches!(self, Self::Away | Self::HungUp)
    }
}
