//! Lists: a page of things, and where the next one begins.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The things.
    pub items: Vec<T>,
    /// The value of `before` for the next page; `null` on the last one.
    pub next: Option<i64>,
}

impl<T> Page<T> {
    /// A list that is complete.
    pub fn all(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
