//! How to act on a machine: this one, or another one over SSH.
//!
//! ```text
//! Target ──connect──▶ Session ──exec────▶ Process { stdin, stdout, stderr } ──wait──▶ Exit
//! (this machine) ───▶         ──shell───▶ Shell { input, output } ──wait──▶ Exit
//!                             ──forward─▶ Stream
//!                             ──put, get─▶ files and folders
//! ```
//!
//! A [`Session`] is a cheap handle; [`Session::local`] and [`Session::connect`] give the same
//! behaviour for this machine and for a server. A command that fails is a result (an [`Exit`]),
//! never an [`Error`]: an error means that the outcome is not known, and says which thing failed
//! and, by [`Error::hint`], what to do next.
//!
//! Files and folders go through commands; where a server refuses these and has SFTP, through that.
//!
//! A [`Pool`] gives sessions over connections that are kept and shared.
//!
//! The modules, in reading order: `target` (where to, with which credentials), `session`, `pool`,
//! `process`, `shell` and `stream` (what a user holds), `transfer` (files and folders), `local` and `pty`, `ssh` (the only
//! code that sees the SSH library), `spool` (output that nobody reads yet), `error`.
//!
//! `examples/session.rs` shows a session from its beginning to its end.

mod error;
mod local;
mod pool;
mod process;
mod pty;
mod session;
mod shell;
mod spool;
mod ssh;
mod stream;
mod target;
mod transfer;

pub use error::Error;
pub use pool::Pool;
pub use process::{Exit, OUTPUT_LIMIT, Output, OutputReader, Process, Running, Signal, Stdin};
pub use session::Session;
pub use shell::{Shell, Size, Terminal, Window};
#[cfg(feature = "server")]
pub use ssh::server;
pub use ssh::{Authority, Connection, HostKey, PublicHalf, fingerprint, generate, public_half, scan};
pub use stream::Stream;
pub use target::{Auth, KeyExchange, Span, Target, Timeouts};
pub use transfer::{Get, Progress, Put, Source, Summed, Transferred, pack, pack_one, unpack, unpack_one};
