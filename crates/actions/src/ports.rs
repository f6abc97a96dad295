//! What actions need besides the ports of the engine: reading keys and reading `aweigh.toml`.

use model::{Build, Name, SecretString, Settings};

use crate::Wrong;

/// Reads private keys without using them.
pub trait Keys: Send + Sync {
    /// `SHA256:…` of the public half of `private_key`, which `passphrase` opens where it is encrypted.
    ///
    /// May take a noticeable time (key derivation); called on a thread that may block.
    fn fingerprint(
        &self,
        private_key: &SecretString,
        passphrase: Option<&SecretString>,
    ) -> Result<String, KeyTrouble>;
}

/// Why a private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyTrouble {
    /// It is encrypted, and no passphrase was given.
    NeedsPassphrase,
    /// The passphrase does not open it.
    WrongPassphrase,
    /// It cannot be read; a fragment that says why, without any part of the key.
    Unreadable(String),
}

/// What `aweigh.toml` of a commit says for one environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepositorySays {
    /// How the commit is built; the defaults of Aweigh where the file is silent.
    pub build: Build,
    /// The environment's settings over the file's defaults.
    pub settings: Settings,
}

/// Reads the text of `aweigh.toml` for the environment, or tells every key that is wrong.
pub type RepositoryFileReader = fn(&str, &Name) -> Result<RepositorySays, Vec<Wrong>>;
