//! What the SSH library asks us about: is this the right host, may the server open channels
//! (never), and how did the connection end.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use russh::client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, Names};
use tokio_util::sync::CancellationToken;

use super::algorithms::is_open_to_terrapin;
use super::{Authority, HostKey, certificate};
use crate::{Error, Target};

/// Why the handshake is stopped before authentication.
#[derive(Debug)]
pub(super) enum Halt {
    Library(russh::Error),
    /// We only wanted to see the key.
    Seen(HostKey),
    Unknown(HostKey),
    Changed {
        presented: HostKey,
        pinned: Vec<HostKey>,
    },
    /// A certificate that proves nothing here, and why.
    Certificate(String),
    Terrapin(String),
}

impl From<russh::Error> for Halt {
    fn from(error: russh::Error) -> Halt {
        Halt::Library(error)
    }
}

/// What to do with the host key.
pub(super) enum Policy {
    /// Only what is pinned is good.
    Pinned(Pinned),
    /// Tell the caller and stop.
    Look,
}

/// What is pinned for one server.
pub(super) struct Pinned {
    host: String,
    port: u16,
    keys: Vec<HostKey>,
    authorities: Vec<Authority>,
}

impl Pinned {
    pub(super) fn of(target: &Target) -> Pinned {
        let (keys, authorities) = (target.host_keys.clone(), target.authorities.clone());
        Pinned { host: target.host.clone(), port: target.port, keys, authorities }
    }

    /// Whether what a server presents is good. The server has proven that it holds the key, which for a certificate is
    /// the key in it.
    fn judge(&self, presented: &PublicKeyOrCertificate) -> Result<(), Halt> {
        let key = HostKey::of(&presented.public_key())?;
        if self.keys.contains(&key) {
            return Ok(());
        }
        if let Some(certificate) = presented.certificate() {
            let refusal = certificate::refusal(certificate, &self.authorities, &self.host, self.port);
            return refusal.map_or(Ok(()), |reason| Err(Halt::Certificate(reason)));
        }
        if self.keys.is_empty() {
            return Err(Halt::Unknown(key));
        }
        Err(Halt::Changed { presented: key, pinned: self.keys.clone() })
    }
}

/// Whether a connection lives, and how it came to its end; shared by all who have to say so.
#[derive(Debug)]
pub(super) struct Ending {
    reason: Mutex<Option<String>>,
    reached: CancellationToken,
    cut: CancellationToken,
    begun: Instant,
    /// When something was last heard, in milliseconds since `begun`.
    heard: AtomicU64,
    /// Whether it counts how long an answer takes.
    measures: AtomicBool,
    /// How long that is, in microseconds.
    distance: AtomicU64,
}

impl Default for Ending {
    fn default() -> Ending {
        Ending {
            reason: Mutex::default(),
            reached: CancellationToken::new(),
            cut: CancellationToken::new(),
            begun: Instant::now(),
            heard: AtomicU64::new(0),
            measures: AtomicBool::new(false),
            distance: AtomicU64::new(u64::MAX),
        }
    }
}

impl Ending {
    /// Notes that the server said something.
    pub(super) fn hear(&self) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(now, Ordering::Relaxed);
    }

    /// From here on it counts how long answers take.
    pub(super) fn measure(&self) {
        self.measures.store(true, Ordering::Relaxed);
    }

    /// Notes how long an answer of the server itself took; the shortest stands, since others waited for something else, too.
    /// The handshake of TCP is none: a proxy near by may have answered it.
    pub(super) fn answered_in(&self, time: Duration) {
        if self.measures.load(Ordering::Relaxed) {
            let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            self.distance.fetch_min(micros, Ordering::Relaxed);
        }
    }

    /// How long an answer takes at least; endless where nobody knows, or where it does not count.
    pub(super) fn distance(&self) -> Duration {
        Duration::from_micros(self.distance.load(Ordering::Relaxed))
    }

    /// How long the server has said nothing.
    pub(super) fn silence(&self) -> Duration {
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(heard)
    }

    /// Notes a reason; the first one stands, later ones are its consequences.
    pub(super) fn note(&self, reason: &str) {
        let mut noted = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get_or_insert_with(|| reason.to_owned());
    }

    /// What was noted.
    pub(super) fn reason(&self) -> Option<String> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the connection is over, in words.
    pub(super) fn why(&self) -> String {
        self.reason().unwrap_or_else(|| "the server closed it".to_owned())
    }

    pub(super) fn lost(&self) -> Error {
        Error::Lost { reason: self.why() }
    }

    /// Waits until the connection is over.
    pub(super) async fn reached(&self) {
        self.reached.cancelled().await;
    }

    /// Ends the connection without a word.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }

    /// What [`Ending::cut`] triggers.
    pub(super) fn cut_token(&self) -> CancellationToken {
        self.cut.clone()
    }
}

/// The handler of one connection.
pub(super) struct Guard {
    pub(super) policy: Policy,
    pub(super) ending: Arc<Ending>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.ending.reached.cancel();
    }
}

impl Handler for Guard {
    type Error = Halt;

    async fn check_server_key(&mut self, presented: &PublicKeyOrCertificate) -> Result<bool, Halt> {
        match &self.policy {
            Policy::Look => Err(Halt::Seen(HostKey::of(&presented.public_key())?)),
            Policy::Pinned(pinned) => pinned.judge(presented).map(|()| true),
        }
    }

    async fn kex_done(
        &mut self,
        _secret: Option<&[u8]>,
        names: &Names,
        _session: &mut Session,
    ) -> Result<(), Halt> {
        if is_open_to_terrapin(names) {
            return Err(Halt::Terrapin(names.cipher.as_ref().to_owned()));
        }
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Halt>) -> Result<(), Halt> {
        match reason {
            DisconnectReason::ReceivedDisconnect(message) => {
                self.ending.note(&format!("the server ended it: {}", message.message));
                Ok(())
            }
            DisconnectReason::Error(halt) => {
                self.ending.note(&spoken(&halt));
                Err(halt)
            }
        }
    }

    // The library accepts what a server opens unless it is told otherwise. Nothing is accepted:
    // dropping `reply` refuses.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _connected_address: &str,
        _connected_port: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Halt> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Halt> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Halt> {
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Halt> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _host_to_connect: &str,
        _port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Halt> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Halt> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _channel: Channel<Msg>,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Halt> {
        Ok(())
    }
}

/// The library's errors in our words.
pub(super) fn spoken(halt: &Halt) -> String {
    match halt {
        Halt::Library(russh::Error::KeepaliveTimeout) => "the server gives no sign of life".to_owned(),
        Halt::Library(russh::Error::HUP | russh::Error::Disconnect) => "the server closed it".to_owned(),
        Halt::Library(russh::Error::IO(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the server closed it".to_owned()
        }
        Halt::Library(error) => error.to_string(),
        Halt::Seen(_)
        | Halt::Unknown(_)
        | Halt::Changed { .. }
        | Halt::Certificate(_)
        | Halt::Terrapin(_) => "not trusted".to_owned(),
    }
}
