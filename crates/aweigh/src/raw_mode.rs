//! A terminal that passes on every key: nothing is echoed and no key means anything here, until it is put back.

use std::io::{self, Stdin};

use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

/// Standard input as a terminal in raw mode. Dropping it puts the terminal back, in a panic too.
pub(crate) struct RawMode {
    terminal: Stdin,
    before: Termios,
}

impl RawMode {
    /// Puts the terminal on standard input into raw mode.
    ///
    /// # Errors
    /// It is no terminal.
    pub(crate) fn enter() -> io::Result<Self> {
        let terminal = io::stdin();
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(&terminal, SetArg::TCSADRAIN, &raw)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // Where the terminal is gone, nobody sees it any more.
        tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before).ok();
    }
}
