//! The real binary, a real git repository, real OpenSSH servers on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod adhoc;
mod adopt;
mod artifacts;
mod bad_input;
mod bad_servers;
mod batches;
mod broken_release;
mod canary;
mod checker;
mod checks;
mod crash;
mod demo;
mod drift;
mod env_file;
mod exit_codes;
mod faults;
mod full_disk;
mod git;
mod golden;
mod groups;
mod hooks;
mod import;
mod jumps;
mod keys;
mod locks;
mod logins;
mod passwords;
mod push;
mod queue;
mod release;
mod rig;
mod rollback;
mod round_trips;
mod sandbox;
mod shared;
mod shells;
mod steering;
mod templates;
mod tidy;
mod transfers;
mod urgent;
mod variables;
mod whole;
