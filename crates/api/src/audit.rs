//! The audit log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// Its number; later ones have larger numbers.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What, a word that stays: `server.put`, `release.create`.
    pub what: String,
    /// To which thing: `server:web-1`, `environment:shop/production`, `installation`.
    pub object: String,
    /// What else there is to say; may be empty.
    pub detail: String,
}
