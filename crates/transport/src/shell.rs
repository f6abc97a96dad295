//! A program on a terminal: what somebody types goes in, what the screen shows comes out.

use crate::process::{Control, Running};
use crate::{Error, Exit, OutputReader, Stdin, pty, ssh};

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in one line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// The terminal on which a program is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// What it understands, as programs read it from `TERM`, such as `xterm-256color`.
    pub kind: String,
    /// How large it is.
    pub size: Size,
}

/// A program that runs on a terminal: a login shell, or one command.
///
/// Dropping `input` and `output` hangs up: the program gets `HUP`, and so does what it started and did not detach.
#[derive(Debug)]
pub struct Shell {
    /// What is typed. Ctrl-C is the byte 3, and the end of file is Ctrl-D, the byte 4: a terminal has no other.
    pub input: Stdin,
    /// What the screen shows, output and errors in one. Output of a server that is not read is kept, at most 256 MiB of
    /// it; a program on this machine waits.
    pub output: OutputReader,
    pub(crate) window: Window,
    pub(crate) control: Control,
}

impl Shell {
    /// Tells the program that the terminal has another size. Nothing happens when it has ended.
    pub async fn resize(&self, size: Size) -> Result<(), Error> {
        self.window.resize(size).await
    }

    /// Waits until the program has ended. May be called again; a dropped future loses nothing. [`Error::Lost`] when
    /// the connection went first.
    pub async fn wait(&mut self) -> Result<Exit, Error> {
        self.control.wait().await
    }

    /// Takes the shell apart, so that typing, the screen, its size and the end can be in different hands.
    pub fn into_parts(self) -> (Stdin, OutputReader, Window, Running) {
        (self.input, self.output, self.window, Running::new(self.control))
    }
}

/// The size of a terminal. Does not keep it open.
#[derive(Clone, Debug)]
pub struct Window(pub(crate) Frame);

#[derive(Clone, Debug)]
pub(crate) enum Frame {
    Local(pty::Frame),
    Ssh(ssh::Frame),
}

impl Window {
    /// The same as [`Shell::resize`].
    pub async fn resize(&self, size: Size) -> Result<(), Error> {
        match &self.0 {
            Frame::Local(frame) => frame.resize(size),
            Frame::Ssh(frame) => frame.resize(size).await,
        }
    }
}
