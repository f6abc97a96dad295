//! The master key, as it is shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which master key is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MasterKeyView {
    /// The first is 1; each that takes the place of another is one more.
    pub version: u32,
    /// How many secrets are still sealed with the one before. At 0 that one is gone.
    pub left: u64,
    /// Whether Aweigh can replace it: it lies in the data folder, and not in the environment.
    pub replaceable: bool,
}
