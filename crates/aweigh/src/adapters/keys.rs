//! The port `Keys` on `transport`: looks at private keys without using them.

use actions::{KeyTrouble, Keys};
use model::SecretString;

/// Reads every form of key that a login can use.
#[derive(Debug, Clone, Copy)]
pub struct SshKeys;

impl Keys for SshKeys {
    fn fingerprint(
        &self,
        private_key: &SecretString,
        passphrase: Option<&SecretString>,
    ) -> Result<String, KeyTrouble> {
        use transport::Error;
        transport::fingerprint(private_key, passphrase).map_err(|error| match error {
            Error::KeyNeedsPassphrase => KeyTrouble::NeedsPassphrase,
            Error::WrongPassphrase => KeyTrouble::WrongPassphrase,
            other => KeyTrouble::Unreadable(other.to_string()),
        })
    }
}
