//! Where a session goes to, whom it trusts there, and what it may show to be let in.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::HostKey;

/// One server as [`Session::connect`](crate::Session::connect) needs it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name or address; looked up when the connection is made.
    pub host: String,
    /// TCP port of the SSH server.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// Credentials, tried in this order. A server that wants two factors gets both.
    pub auth: Vec<Auth>,
    /// The pinned host keys. With none, every connection ends with
    /// [`Error::HostKeyUnknown`](crate::Error::HostKeyUnknown), which carries the key to pin.
    pub host_keys: Vec<HostKey>,
    /// Which key exchange is asked for first.
    pub key_exchange: KeyExchange,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

/// Which key exchange is asked for first; the server takes the first one that it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyExchange {
    /// X25519 (RFC 8731): a quarter of a millisecond.
    #[default]
    Fast,
    /// X25519 with ML-KEM-768, which a quantum computer does not break either; slower, and known to OpenSSH since 9.9.
    PostQuantum,
}

/// One way to be let in. `Debug` never shows a secret.
#[derive(Clone, Debug)]
pub enum Auth {
    /// A password, by the `password` method, or as the one answer to `keyboard-interactive`.
    Password(SecretString),
    /// A private key as text.
    Key {
        /// OpenSSH or PEM text (PKCS#1, PKCS#8, SEC1).
        openssh: SecretString,
        /// What decrypts the text; ignored when the text is not encrypted.
        passphrase: Option<SecretString>,
    },
    /// A running SSH agent; each of its keys is offered, at most six.
    Agent {
        /// The agent's socket; `None` means the one named by `SSH_AUTH_SOCK`.
        socket: Option<PathBuf>,
    },
}

/// How long a session waits. There is no total time limit while bytes move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the name and the TCP connection.
    pub connect: Duration,
    /// For the SSH banner, the key exchange and authentication together.
    pub handshake: Duration,
    /// Silence after which the server is asked for a sign of life.
    pub keepalive: Duration,
    /// Unanswered questions after which the connection counts as lost.
    pub keepalive_limit: u32,
}

impl Timeouts {
    /// The longest silence of a connection that is not lost.
    pub fn silence(&self) -> Duration {
        self.keepalive.saturating_mul(self.keepalive_limit.saturating_add(1))
    }
}

impl Default for Timeouts {
    /// 10 s to connect, 20 s for the handshake, a keepalive every 15 s, lost after 3 of them.
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(20),
            keepalive: Duration::from_secs(15),
            keepalive_limit: 3,
        }
    }
}

impl Target {
    /// `host:port` as messages show it.
    pub(crate) fn address(&self) -> String {
        address(&self.host, self.port)
    }
}

/// `host:port`, with brackets around an IPv6 address.
pub(crate) fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// A duration as messages show it: `20 s`, or `500 ms` below one second.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_secs(1) {
            write!(out, "{} ms", self.0.as_millis())
        } else {
            write!(out, "{} s", self.0.as_secs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_readable_for_names_and_for_ipv6() {
        assert_eq!(address("web-1.example.com", 22), "web-1.example.com:22");
        assert_eq!(address("fe80::1", 2222), "[fe80::1]:2222");
    }

    #[test]
    fn debug_output_of_a_credential_hides_the_secret() {
        let password = Auth::Password("hunter2".into());
        let key = Auth::Key { openssh: "KEYTEXT".into(), passphrase: Some("hunter2".into()) };
        let shown = format!("{password:?} {key:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("KEYTEXT"), "{shown}");
    }
}
