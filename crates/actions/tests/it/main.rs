//! Actions on a real store, with a repository and servers that the tests rig.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit;
mod fakes;
mod releases;
mod rights;
mod servers;
mod watch;
