//! Rigs and fakes for tests: a fleet of real sshd, throw-away repositories, scripted servers, other tools that
//! release code, counted instructions.

pub mod instructions;
pub mod proxy;
pub mod repo;
pub mod ssh_script;
pub mod sshd;
pub mod tools;
