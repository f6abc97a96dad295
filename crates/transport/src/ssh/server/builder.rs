//! What an in-process server allows, and to whom.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey, PublicKey, key::safe_rng};
use russh::server::Config;
use russh::{Limits, MethodKind, MethodSet, Preferred, cipher, kex};

use super::Server;
use crate::{Error, HostKey};

/// Describes a [`Server`]. Without a password and without keys nobody gets in.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    settings: Settings,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) questions: Option<Vec<usize>>,
    pub(super) keys: Vec<String>,
    pub(super) home: Option<PathBuf>,
    pub(super) path: Option<String>,
    pub(super) directory: Option<PathBuf>,
    pub(super) sessions: Option<usize>,
    pub(super) quirks: Vec<Quirk>,
    /// The window and the longest packet that it announces.
    pub(super) sizes: Option<(u32, u32)>,
}

impl Builder {
    /// Listens on this port; the default is a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Builder {
        self.settings.port = port;
        self
    }

    /// Lets only this user in; the default is any name.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Builder {
        self.settings.user = Some(name.into());
        self
    }

    /// Lets in whoever knows this password.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Builder {
        self.settings.password = Some(password.into());
        self
    }

    /// Takes the password by `keyboard-interactive` instead, in rounds of so many questions.
    /// `[1, 0]` is what PAM does. The first answer of all must be the password.
    #[must_use]
    pub fn questions(mut self, rounds: impl Into<Vec<usize>>) -> Builder {
        self.settings.questions = Some(rounds.into());
        self
    }

    /// Lets in whoever holds the private half of this key (a line of an `authorized_keys` file).
    #[must_use]
    pub fn authorized_key(mut self, line: impl Into<String>) -> Builder {
        self.settings.keys.push(line.into());
        self
    }

    /// `$HOME` of commands, and where they start unless [`Builder::directory`] says otherwise.
    #[must_use]
    pub fn home(mut self, home: impl Into<PathBuf>) -> Builder {
        self.settings.home = Some(home.into());
        self
    }

    /// `$PATH` of commands; the default is the one of this process.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Builder {
        self.settings.path = Some(path.into());
        self
    }

    /// Where commands start.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Builder {
        self.settings.directory = Some(directory.into());
        self
    }

    /// Refuses more session channels than this on one connection (`MaxSessions`).
    #[must_use]
    pub fn max_sessions(mut self, count: usize) -> Builder {
        self.settings.sessions = Some(count);
        self
    }

    /// Opens session channels but refuses to run anything.
    #[must_use]
    pub fn refuse_commands(mut self) -> Builder {
        self.settings.quirks.push(Quirk::RefusesCommands);
        self
    }

    /// Refuses terminals (`PermitTTY no`).
    #[must_use]
    pub fn refuse_terminals(mut self) -> Builder {
        self.settings.quirks.push(Quirk::RefusesTerminals);
        self
    }

    /// Refuses to forward (`AllowTcpForwarding no`); the default forwards to loopback only.
    #[must_use]
    pub fn refuse_forwarding(mut self) -> Builder {
        self.settings.quirks.push(Quirk::RefusesForwarding);
        self
    }

    /// Offers nothing but ChaCha20-Poly1305 without strict key exchange, as servers from before
    /// the Terrapin attack do.
    #[must_use]
    pub fn no_strict_key_exchange(mut self) -> Builder {
        self.settings.quirks.push(Quirk::Old);
        self
    }

    /// Tries to open channels of every kind to the client when a command starts, as no server should. What comes of it
    /// stands among [`Server::attempts`]: `agent refused`, `x11 refused`, `port refused`, `session refused`.
    #[must_use]
    pub fn intrude(mut self) -> Builder {
        self.settings.quirks.push(Quirk::Intrudes);
        self
    }

    /// Announces this window and this longest packet for each channel, in bytes, whether or not they make sense.
    #[must_use]
    pub fn sizes(mut self, window: u32, packet: u32) -> Builder {
        self.settings.sizes = Some((window, packet));
        self
    }

    /// Starts the server on 127.0.0.1 with a new ed25519 host key.
    pub async fn start(self) -> Result<Server, Error> {
        let failed = |source| Error::Serve { source };
        let other = |error: &dyn std::fmt::Display| failed(std::io::Error::other(error.to_string()));
        let key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).map_err(|error| other(&error))?;
        let host_key = HostKey::of(key.public_key()).map_err(|error| other(&error))?;
        let config = self.settings.config(key);
        Server::start(self.settings, config, host_key).await.map_err(failed)
    }
}

/// What a server does otherwise than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quirk {
    RefusesCommands,
    RefusesTerminals,
    RefusesForwarding,
    /// It knows no strict key exchange.
    Old,
    /// It opens channels to its clients.
    Intrudes,
}

impl Settings {
    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// The methods that are open, whatever was tried before.
    pub(super) fn methods(&self) -> MethodSet {
        let mut methods = MethodSet::empty();
        if !self.keys.is_empty() {
            methods.push(MethodKind::PublicKey);
        }
        if self.password.is_some() {
            let by_questions = self.questions.is_some();
            methods.push(if by_questions { MethodKind::KeyboardInteractive } else { MethodKind::Password });
        }
        methods
    }

    fn config(&self, host_key: PrivateKey) -> Config {
        let preferred = if self.has(Quirk::Old) {
            Preferred {
                kex: Cow::Borrowed(&[kex::CURVE25519]),
                cipher: Cow::Borrowed(&[cipher::CHACHA20_POLY1305]),
                ..Preferred::default()
            }
        } else {
            Preferred::default()
        };
        let usual = Config::default();
        let (window_size, maximum_packet_size) =
            self.sizes.unwrap_or((usual.window_size, usual.maximum_packet_size));
        Config {
            keys: vec![host_key],
            window_size,
            maximum_packet_size,
            preferred,
            methods: self.methods(),
            // Loopback only: there is nobody whose guesses had to be slowed down.
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            inactivity_timeout: None,
            limits: Limits {
                rekey_write_limit: usize::MAX,
                rekey_read_limit: usize::MAX,
                rekey_time_limit: Duration::from_hours(10 * 365 * 24),
            },
            ..usual
        }
    }

    pub(super) fn knows_user(&self, name: &str) -> bool {
        self.user.as_ref().is_none_or(|user| user == name)
    }

    pub(super) fn knows_key(&self, key: &PublicKey) -> bool {
        let known = self.keys.iter().filter_map(|line| PublicKey::from_openssh(line).ok());
        known.into_iter().any(|known| known.key_data() == key.key_data())
    }
}
