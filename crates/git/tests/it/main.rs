//! The git crate against real git, real ssh and a real HTTP server: everything is on this machine and thrown away.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod access_http;
mod access_ssh;
mod answers;
mod attacks;
mod content;
mod default_branch;
mod export;
mod faults;
mod fetch;
mod http_server;
mod listing;
mod resolve;
mod rig;
mod tidy;
