//! The secrets that a release touches.

use async_trait::async_trait;
use model::Plan;

use super::JournalError;

/// The secrets whose values must not appear in any log.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Every secret that a release of this plan touches.
    async fn of(&self, plan: &Plan) -> Result<Vec<model::SecretString>, JournalError>;
}
