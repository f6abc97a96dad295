//! Tokens: from what a caller carries to who they are. The one action without an actor, since it finds one.

use sha2::{Digest, Sha256};

use crate::{Actions, Actor, Error};

impl Actions {
    /// Whom `token` lets in. Only its hash is looked up, so that neither time nor database tells it.
    pub async fn actor(&self, token: &str) -> Result<Option<Actor>, Error> {
        let found = self.store().token(&digest(token)).await?;
        Ok(found.map(|record| Actor { name: record.user.to_string(), administrator: record.admin }))
    }
}

/// SHA-256 of a token, as it is stored.
pub fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
