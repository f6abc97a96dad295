//! The whole of HTTP over a loopback listener, on a real store.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod adhoc;
mod checks;
mod definitions;
mod events;
#[path = "../../../actions/tests/it/fakes/mod.rs"]
#[expect(dead_code, reason = "the rig of the actions, of which not everything is needed here")]
mod fakes;
mod fleet;
mod git;
mod guard;
mod openapi;
mod people;
mod push;
mod releases;
mod rig;
mod shells;
mod viewers;
