//! An error of the command line itself, with what to do next.

use std::fmt;

/// A sentence for people and what to do next; made where a command refuses something before it asks anyone.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Advised {
    what: String,
    hint: String,
}

impl Advised {
    /// `what` is wrong; `hint` says what to do.
    pub fn new(what: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self { what: what.to_string(), hint: hint.to_string() }
    }

    /// What to do next.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}
