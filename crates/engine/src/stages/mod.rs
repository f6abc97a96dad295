//! The verbs of a release, one per file, each with what it does, how it finds out after a crash whether it was
//! done, and how it is taken back. [`job`] is no verb: it is how all of them run a user's
//! text; [`usage`] is what that may use.

pub mod activate;
pub mod build;
pub mod env_file;
pub mod fetch;
pub mod halt;
pub mod hook;
pub mod job;
pub mod pack;
pub mod prune;
pub mod undo;
pub mod upload;
pub mod usage;
pub mod verify;
