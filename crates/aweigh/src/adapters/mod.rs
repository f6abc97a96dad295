//! The engine's ports, put on `transport`, `git` and `store`. Nothing is decided here: each method says the
//! same thing in another room's words.

mod git_hosts;
mod hosts;
mod keys;
mod memory;
mod parcels;
mod repositories;
mod source;

pub use hosts::SshHosts;
pub use keys::SshKeys;
pub use memory::Memory;
pub use parcels::Archives;
pub use source::GitSource;
