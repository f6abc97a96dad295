//! From a host name to an authenticated connection, with a clear reason for each way to fail.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{Config, Handle, connect_stream};
use russh::{AlgorithmKind, Limits, Preferred, SshId};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::DropGuard;

use super::algorithms;
use super::auth::{Credential, Login};
use super::guard::{Ending, Guard, Halt, Pinned, Policy, spoken};
use super::jump::Start;
use super::wire::{FirstWords, Socket, Wire};
use crate::target::address;
use crate::{Error, Target, Timeouts};

/// The library would start a new key exchange by itself after 1 GiB or an hour, and then end
/// connections with several busy downloads. Servers rekey soon enough.
const NEVER: Limits = Limits {
    rekey_write_limit: usize::MAX,
    rekey_read_limit: usize::MAX,
    rekey_time_limit: Duration::from_hours(10 * 365 * 24),
};

/// How [`Error::Algorithms`] calls the kinds of host keys.
pub(super) const HOST_KEY: &str = "host key";

/// Opens the TCP connection. All addresses of the name are tried, in order, within one limit.
pub(super) async fn dial(host: &str, port: u16, timeouts: &Timeouts) -> Result<TcpStream, Error> {
    let deadline = Instant::now() + timeouts.connect;
    let late = || Error::ConnectTimeout { address: address(host, port), after: timeouts.connect };
    let addresses: Vec<SocketAddr> = match timeout_at(deadline, lookup_host((host, port))).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(source)) => return Err(Error::Resolve { host: host.to_owned(), source }),
        Err(_) => return Err(late()),
    };
    let mut failure = None;
    let mut untried = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for candidate in addresses {
        // An address that swallows packets must leave time for the next one.
        let share = deadline.saturating_duration_since(Instant::now()) / untried.max(1);
        untried = untried.saturating_sub(1);
        match timeout(share, TcpStream::connect(candidate)).await {
            Ok(Ok(socket)) => {
                if let Err(error) = socket.set_nodelay(true).and_then(|()| socket.set_quickack(true)) {
                    tracing::debug!(%error, "TCP_NODELAY or TCP_QUICKACK cannot be set");
                }
                return Ok(socket);
            }
            Ok(Err(error)) => failure = Some(error),
            Err(_) => {}
        }
    }
    Err(match failure {
        None => late(),
        Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Error::Refused { address: address(host, port) }
        }
        Some(error) if error.kind() == io::ErrorKind::TimedOut => late(),
        Some(source) => Error::Unreachable { address: address(host, port), source },
    })
}

/// A handshake under way: what is needed to tell afterwards why it failed. Dropping it cuts the
/// connection, so that giving up leaves no task behind.
pub(super) struct Handshake {
    address: String,
    timeouts: Timeouts,
    first_words: Arc<FirstWords>,
    ending: Arc<Ending>,
    cut: DropGuard,
}

/// An authenticated connection.
pub(super) struct Line {
    pub(super) handle: Handle<Guard>,
    pub(super) ending: Arc<Ending>,
}

/// Reaches the server, shakes hands and logs in.
pub(super) async fn open(
    start: Start<'_>,
    target: &Target,
    credentials: &[Credential],
) -> Result<Line, Error> {
    let socket = start.reach(&target.host, target.port, &target.timeouts).await?;
    let handshake = Handshake::new(target.address(), target.timeouts);
    let whole = async {
        let preferred = algorithms::offer_to(target);
        let shaken = handshake.shake(socket, Policy::Pinned(Pinned::of(target)), preferred).await;
        let mut handle = shaken.map_err(|halt| handshake.explain(halt))?;
        if handshake.first_words.is_openssh() {
            handshake.ending.measure();
        }
        let login = Login {
            user: &target.user,
            address: &handshake.address,
            ending: &handshake.ending,
            legacy_algorithms: target.legacy_algorithms,
        };
        login.run(&mut handle, credentials).await?;
        Ok(handle)
    };
    let handle = timeout(target.timeouts.handshake, whole).await.map_err(|_| handshake.late())??;
    handshake.cut.disarm();
    Ok(Line { handle, ending: handshake.ending })
}

impl Handshake {
    pub(super) fn new(address: String, timeouts: Timeouts) -> Handshake {
        let ending = Arc::new(Ending::default());
        let cut = ending.cut_token().drop_guard();
        Handshake { address, timeouts, first_words: Arc::default(), ending, cut }
    }

    /// Banners, key exchange and the host key. Sends nothing secret.
    pub(super) async fn shake(
        &self,
        socket: Socket,
        policy: Policy,
        preferred: Preferred,
    ) -> Result<Handle<Guard>, Halt> {
        let words = Arc::clone(&self.first_words);
        let wire = Wire::new(socket, words, Arc::clone(&self.ending), self.timeouts.silence());
        let config = Config {
            client_id: SshId::Standard(concat!("SSH-2.0-Aweigh_", env!("CARGO_PKG_VERSION")).into()),
            limits: NEVER,
            preferred,
            keepalive_interval: Some(self.timeouts.keepalive),
            keepalive_max: usize::try_from(self.timeouts.keepalive_limit).unwrap_or(usize::MAX),
            ..Config::default()
        };
        let guard = Guard { policy, ending: Arc::clone(&self.ending) };
        connect_stream(Arc::new(config), wire, guard).await
    }

    /// Why the time was not enough.
    pub(super) fn late(&self) -> Error {
        let (address, after) = (self.address.clone(), self.timeouts.handshake);
        if self.first_words.is_empty() {
            Error::Silent { address, after }
        } else {
            Error::HandshakeTimeout { address, after }
        }
    }

    /// Why the handshake stopped.
    pub(super) fn explain(&self, halt: Halt) -> Error {
        let address = self.address.clone();
        let text = || self.first_words.unlike_ssh().or_else(|| self.ending.reason());
        match halt {
            Halt::Unknown(presented) | Halt::Seen(presented) => Error::HostKeyUnknown { address, presented },
            Halt::Changed { presented, pinned } => Error::HostKeyChanged { address, presented, pinned },
            Halt::Certificate(reason) => Error::HostCertificate { address, reason },
            Halt::Terrapin(cipher) => Error::Terrapin { address, cipher },
            Halt::Library(russh::Error::NoCommonAlgo { kind, theirs, .. }) => {
                Error::Algorithms { address, kind: kind_name(&kind), offered: theirs }
            }
            Halt::Library(russh::Error::Version) => Error::NotSsh { address, text: text() },
            Halt::Library(error) if is_hang_up(&error) && !self.first_words.is_ssh() => {
                Error::TurnedAway { address, text: text(), tries: 1 }
            }
            Halt::Library(error) if is_hang_up(&error) => Error::HungUp { address, text: text() },
            other @ Halt::Library(_) => Error::Handshake { address, reason: spoken(&other) },
        }
    }
}

fn is_hang_up(error: &russh::Error) -> bool {
    match error {
        russh::Error::HUP | russh::Error::Disconnect => true,
        russh::Error::IO(error) => matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
        ),
        _ => false,
    }
}

fn kind_name(kind: &AlgorithmKind) -> &'static str {
    match kind {
        AlgorithmKind::Kex => "key exchange",
        AlgorithmKind::Key => HOST_KEY,
        AlgorithmKind::Cipher => "cipher",
        AlgorithmKind::Compression => "compression",
        AlgorithmKind::Mac => "MAC",
    }
}
