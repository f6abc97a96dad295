//! Sessions with real machines: OpenSSH on loopback, the in-process server, and this machine.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod afterwards;
mod auth;
mod certificates;
mod exec;
mod faults;
mod forward;
mod host_key;
mod hostile;
mod jump;
mod legacy;
mod pool;
mod ramp;
mod rig;
mod rogue;
mod server;
mod sftp;
mod shell;
mod streams;
mod transfer;
