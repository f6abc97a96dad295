//! Terminals: programs on servers that somebody types to.

use std::pin::Pin;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use super::HostError;

/// How large a terminal is, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Characters in one line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// The terminal on which a program is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// What it understands, as `TERM` says it.
    pub kind: String,
    /// How large it is.
    pub size: TerminalSize,
}

/// A program on a terminal. Dropping `input` and `output` hangs up.
pub struct Shell {
    /// What is typed.
    pub input: Pin<Box<dyn AsyncWrite + Send + Sync>>,
    /// What the screen shows.
    pub output: Pin<Box<dyn AsyncRead + Send + Sync>>,
    /// Its size.
    pub window: Box<dyn Window>,
    /// Its end: the exit code, or `None` when a signal ended it.
    pub exit: BoxFuture<'static, Result<Option<u32>, HostError>>,
}

/// The size of a terminal that somebody else holds.
#[async_trait]
pub trait Window: Send + Sync {
    /// Tells the program that the size is another one. A terminal that has ended has none.
    async fn resize(&self, size: TerminalSize);
}
