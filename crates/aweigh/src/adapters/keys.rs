//! The port `Keys` on `transport`: looks at private keys without using them.

use actions::{KeyTrouble, Keys, PublicHalf};
use model::SecretString;

/// Reads every form of key that a login can use.
#[derive(Debug, Clone, Copy)]
pub struct SshKeys;

impl Keys for SshKeys {
    fn public_half(
        &self,
        private_key: &SecretString,
        passphrase: Option<&SecretString>,
    ) -> Result<PublicHalf, KeyTrouble> {
        transport::public_half(private_key, passphrase).map(half).map_err(trouble)
    }

    fn generate(&self, comment: &str) -> Result<(SecretString, PublicHalf), KeyTrouble> {
        transport::generate(comment).map(|(text, public)| (text, half(public))).map_err(trouble)
    }
}

fn half(half: transport::PublicHalf) -> PublicHalf {
    PublicHalf { fingerprint: half.fingerprint, line: half.line }
}

fn trouble(error: transport::Error) -> KeyTrouble {
    use transport::Error;
    match error {
        Error::KeyNeedsPassphrase => KeyTrouble::NeedsPassphrase,
        Error::WrongPassphrase => KeyTrouble::WrongPassphrase,
        other => KeyTrouble::Unreadable(other.to_string()),
    }
}
