//! Ad-hoc work: what people do on many servers beside releases. Nothing is locked and nothing is recorded as a release.
//!
//! ```text
//! servers ─▶ [`command`] on each of them, so many at once ─▶ Told, as it happens
//!                 │
//!            script (a constant line) ─▶ heard (up to the mark, masked, whole characters)
//!
//! [`shared`]: what lies in `shared/` of an environment, asked of each server
//!
//! archive ─▶ [`spool`] ─▶ [`carry`] to each of them ─▶ Carried, as it happens          and the other way round
//! ```

pub mod carry;
pub mod command;
mod heard;
mod script;
pub mod shared;
pub mod spool;

pub use carry::{Carried, Load};
pub use command::{Ended, Order, Told, What};
