//! Proofs: what a caller has shown of themselves, and whom that lets in. Asked again at any time, so that whoever
//! lost the right to be here is out at once, on open connections too.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::{Actions, Actor, Error};

/// How much older the note of a session's last use may get before it is renewed.
const NOTE: Duration = Duration::from_mins(5);

/// What a caller has shown of themselves. Secrets are known by their SHA-256 only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// They came through a door that only the administrator can open, such as the Unix socket.
    Door(Actor),
    /// An API token, by its digest.
    Token(Arc<str>),
    /// A session, by its digest.
    Session(Arc<str>),
}

impl Proof {
    /// The proof of an API token.
    pub fn token(secret: &str) -> Self {
        Self::Token(digest(secret).into())
    }

    /// The proof of a session.
    pub fn session(secret: &str) -> Self {
        Self::Session(digest(secret).into())
    }
}

impl Actions {
    /// Whom `proof` lets in now; `None` when it is unknown, has ended or was taken back.
    pub async fn whois(&self, proof: &Proof) -> Result<Option<Actor>, Error> {
        Ok(match proof {
            Proof::Door(actor) => Some(actor.clone()),
            Proof::Token(digest) => {
                let found = self.store().token(digest).await?;
                found.map(|record| Actor { name: record.user.to_string(), administrator: record.admin })
            }
            Proof::Session(digest) => {
                let found = self.store().session(digest).await?;
                found.map(|session| Actor { name: session.user.to_string(), administrator: session.admin })
            }
        })
    }

    /// The same for somebody who does something now: a session in use lives on.
    pub async fn let_in(&self, proof: &Proof) -> Result<Option<Actor>, Error> {
        if let Proof::Session(digest) = proof
            && let Some(session) = self.store().session(digest).await?
            && session.seen_at + NOTE < Timestamp::now()
        {
            self.store().touch_session(digest).await?;
        }
        self.whois(proof).await
    }

    /// Changes whenever somebody may have lost the right to be here: whoever waits asks [`whois`](Self::whois) again.
    pub fn access_changes(&self) -> watch::Receiver<u64> {
        self.access.subscribe()
    }

    /// Wakes everybody who waits with a proof.
    pub(crate) fn access_changed(&self) {
        self.access.send_modify(|times| *times += 1);
    }
}

/// SHA-256 of a token, session or code, as it is stored: 64 hexadecimal digits. Only it is looked up, so that
/// neither time nor database tells the secret.
pub fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// A new secret of 256 random bits.
pub(crate) fn new_secret() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// What a token or session is called where it is shown: the beginning of its digest, which tells nothing of it.
pub(crate) fn id(digest: &str) -> String {
    digest.chars().take(16).collect()
}
