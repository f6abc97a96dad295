//! Rigs and fakes for tests: a fleet of real sshd, throw-away repositories, scripted servers, other tools that
//! release code, counted instructions, and what a type must never be able to do.

pub mod instructions;
mod never;
pub mod nobody;
pub mod proxy;
pub mod repo;
pub mod ssh_script;
pub mod sshd;
pub mod tools;
