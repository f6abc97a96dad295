//! Where a session goes to, whom it trusts there, and what it may show to be let in.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::{Authority, HostKey};

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
    /// Who may vouch for the server with a certificate, besides the pinned keys.
    pub authorities: Vec<Authority>,
    /// Which key exchange is asked for first.
    pub key_exchange: KeyExchange,
    /// Also agrees to what is not safe any more, where the server knows nothing better: signatures with SHA-1
    /// (`ssh-rsa`), ciphers in CBC mode, key exchange in group 14 with SHA-1, HMAC with SHA-1.
    pub legacy_algorithms: bool,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// The server to go through, which may have one to go through itself; `None` connects from this machine. Each has
    /// its own host keys, user and credentials, and none of them stands in for another's.
    pub jump: Option<Box<Target>>,
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
        /// OpenSSH or PEM text (PKCS#1, PKCS#8, SEC1). The OpenSSH certificate of the user may follow as the last line
        /// (`cat id id-cert.pub`): then it is shown instead of the bare key.
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
    /// `host:port` as messages show it, with the jump hosts on the way.
    pub(crate) fn address(&self) -> String {
        let own = address(&self.host, self.port);
        self.jump.as_ref().map_or_else(|| own.clone(), |jump| behind(&own, &jump.way()))
    }

    /// The addresses of the jump hosts and its own, in the order in which they are reached.
    pub(crate) fn way(&self) -> String {
        let own = address(&self.host, self.port);
        self.jump.as_ref().map_or_else(|| own.clone(), |jump| format!("{}, {own}", jump.way()))
    }

    /// Whether a login at one of the two is a login at the other: the same place with the same credentials and host
    /// keys, on the same way.
    pub(crate) fn is_same_login(&self, other: &Target) -> bool {
        (&self.host, self.port, &self.user) == (&other.host, other.port, &other.user)
            && self.host_keys == other.host_keys
            && self.authorities == other.authorities
            && self.key_exchange == other.key_exchange
            && self.legacy_algorithms == other.legacy_algorithms
            && self.auth.len() == other.auth.len()
            && self.auth.iter().zip(&other.auth).all(|(one, other)| one.is_same(other))
            && match (&self.jump, &other.jump) {
                (None, None) => true,
                (Some(one), Some(other)) => one.is_same_login(other),
                _ => false,
            }
    }
}

impl Auth {
    fn is_same(&self, other: &Auth) -> bool {
        match (self, other) {
            (Auth::Password(one), Auth::Password(other)) => one.expose_secret() == other.expose_secret(),
            (Auth::Key { openssh: one, .. }, Auth::Key { openssh: other, .. }) => {
                one.expose_secret() == other.expose_secret()
            }
            (Auth::Agent { socket: one }, Auth::Agent { socket: other }) => one == other,
            _ => false,
        }
    }
}

/// An address as messages show it where it is reached by this way.
pub(crate) fn behind(address: &str, way: &str) -> String {
    format!("{address} (through {way})")
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

/// A long time as messages show it: `3 days`, `2 hours`, `1 minute`, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
        let (count, unit) = units
            .into_iter()
            .map(|(length, unit)| (seconds / length, unit))
            .find(|(count, _)| *count > 0)
            .unwrap_or((0, "second"));
        write!(out, "{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_time_is_one_number_and_one_word() {
        for (seconds, shown) in
            [(0, "0 seconds"), (1, "1 second"), (119, "1 minute"), (7200, "2 hours"), (300_000, "3 days")]
        {
            assert_eq!(Span(Duration::from_secs(seconds)).to_string(), shown);
        }
    }

    #[test]
    fn an_address_is_readable_for_names_and_for_ipv6() {
        assert_eq!(address("web-1.example.com", 22), "web-1.example.com:22");
        assert_eq!(address("fe80::1", 2222), "[fe80::1]:2222");
    }

    #[test]
    fn messages_name_the_hops_in_the_order_of_the_way() {
        let target = |host: &str, jump: Option<Target>| Target {
            host: host.to_owned(),
            port: 22,
            user: "deploy".to_owned(),
            auth: Vec::new(),
            host_keys: Vec::new(),
            authorities: Vec::new(),
            key_exchange: KeyExchange::default(),
            legacy_algorithms: false,
            timeouts: Timeouts::default(),
            jump: jump.map(Box::new),
        };
        let outer = target("outer", None);
        assert_eq!(outer.address(), "outer:22");
        let inner = target("inner", Some(outer));
        assert_eq!(inner.address(), "inner:22 (through outer:22)");
        let web = target("web-1", Some(inner.clone()));
        assert_eq!(web.address(), "web-1:22 (through outer:22, inner:22)");
        assert!(web.is_same_login(&web.clone()));
        assert!(
            !web.is_same_login(&target("web-1", None))
                && !web.is_same_login(&target("web-1", inner.jump.map(|jump| *jump)))
        );
    }

    #[test]
    fn debug_output_of_a_credential_hides_the_secret() {
        let password = Auth::Password("hunter2".into());
        let key = Auth::Key { openssh: "KEYTEXT".into(), passphrase: Some("hunter2".into()) };
        let shown = format!("{password:?} {key:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("KEYTEXT"), "{shown}");
        testkit::has_none!(SecretString: fmt::Display, serde::Serialize);
        testkit::has_none!(Auth: fmt::Display, serde::Serialize);
        testkit::has_none!(Target: fmt::Display, serde::Serialize);
    }
}
