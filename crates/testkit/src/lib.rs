//! Rigs and fakes for tests: a fleet of real sshd, throw-away repositories, scripted servers, counted instructions.

pub mod instructions;
pub mod proxy;
pub mod repo;
pub mod ssh_script;
pub mod sshd;
