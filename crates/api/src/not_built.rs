//! Keys that are known by name and whose feature is not built yet: refused, never ignored.

use serde::de::{Deserializer, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::FieldErrors;

/// The place of a value that nothing reads yet. Whatever is written there is refused by the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NotBuilt;

impl<'de> Deserialize<'de> for NotBuilt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl FieldErrors {
    /// Refuses each of `keys` that was written.
    pub fn not_built(&mut self, keys: &[(&str, Option<NotBuilt>)]) {
        for (key, written) in keys {
            self.add_if(written.is_some(), *key, "is not built yet; leave it out");
        }
    }
}
