//! The git crate against real git, real ssh and a real HTTP server: everything is on this machine and thrown away.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod access_http;
mod access_ssh;
mod answers;
mod archive;
mod attacks;
mod attacks_hosts;
mod attacks_submodules;
mod attacks_trees;
mod checkout;
mod content;
mod default_branch;
mod diff;
mod export;
mod faults;
mod fetch;
mod http_server;
mod lfs;
mod lfs_http;
mod lfs_server;
mod listing;
mod proxy;
mod resolve;
mod rig;
mod shallow;
mod submodules;
mod tidy;
mod ways;
