//! Signatures with a private key that is here, where the library asks somebody to sign.

use std::sync::Arc;

use russh::SendError;
use russh::keys::agent::AgentIdentity;
use russh::keys::signature::Signer as _;
use russh::keys::ssh_encoding::Encode;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::ssh_key::{self, Signature};
use russh::keys::{HashAlg, PrivateKey};

/// Signs for a login. RSA keys sign as it was agreed on.
pub(super) struct Signer(pub(super) Arc<PrivateKey>);

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsigned {
    #[error("the connection is gone")]
    Gone,
    #[error("the key does not sign: {0}")]
    Key(ssh_key::Error),
    #[error("the signature cannot be written: {0}")]
    Written(russh::keys::ssh_encoding::Error),
}

impl From<SendError> for Unsigned {
    fn from(_: SendError) -> Unsigned {
        Unsigned::Gone
    }
}

impl russh::Signer for Signer {
    type Error = Unsigned;

    /// Answers what was to be signed, with the signature behind it (RFC 4252 section 7).
    async fn auth_sign(
        &mut self,
        _identity: &AgentIdentity,
        hash: Option<HashAlg>,
        mut text: Vec<u8>,
    ) -> Result<Vec<u8>, Unsigned> {
        let signed: Result<Signature, _> = match self.0.key_data() {
            KeypairData::Rsa(pair) => (pair, hash).try_sign(&text),
            other => other.try_sign(&text),
        };
        let signature = signed.map_err(|error| Unsigned::Key(error.into()))?;
        signature.encode_prefixed(&mut text).map_err(Unsigned::Written)?;
        Ok(text)
    }
}
