//! The secrets that a release touches.

use async_trait::async_trait;
use model::Plan;

use super::JournalError;
use crate::given::KnownSecrets;

/// The secrets that programs are given, and whose values must not appear in any log.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Every secret that a release of this plan touches, as it is stored now.
    async fn of(&self, plan: &Plan) -> Result<KnownSecrets, JournalError>;
    /// Records, by their names, that somebody begins to work with them.
    async fn note_use(&self, plan: &Plan, known: &KnownSecrets) -> Result<(), JournalError>;
}
