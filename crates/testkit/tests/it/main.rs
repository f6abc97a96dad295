//! What the rigs themselves promise.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod proxy;
