//! Actors: who asks.

use std::fmt;

use store::Deed;

use crate::{Object, audit};

/// Somebody who has proven who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account's name, as it is written beside what they do.
    pub name: String,
    /// Whether the account may do everything.
    pub administrator: bool,
}

impl Actor {
    /// The administrator called `name`.
    pub fn administrator(name: impl Into<String>) -> Self {
        Self { name: name.into(), administrator: true }
    }

    /// What the audit log is told of what they do.
    pub(crate) fn deed(&self, what: &'static str, object: &Object<'_>, detail: &str) -> Deed {
        audit::deed(&self.name, what, object, detail)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
