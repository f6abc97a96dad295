//! Secrets and answers from a person or a pipe: standard input, never the command line.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use secrecy::SecretString;

/// The most that is read, in bytes.
const LONGEST: u64 = 64 << 10;

/// A secret of one line: asked for on a terminal, where it is not shown while it is typed.
///
/// # Errors
/// Standard input cannot be read.
pub fn secret_line(prompt: &str) -> io::Result<SecretString> {
    if io::stdin().is_terminal() { unseen(prompt) } else { line().map(SecretString::from) }
}

/// A secret that may have many lines: all of standard input, or one line from a terminal.
///
/// # Errors
/// Standard input cannot be read, or is not UTF-8.
pub fn secret_text(prompt: &str) -> io::Result<SecretString> {
    if io::stdin().is_terminal() {
        return unseen(prompt);
    }
    let mut text = String::new();
    io::stdin().lock().take(LONGEST).read_to_string(&mut text)?;
    Ok(text.into())
}

/// Asks a person; anything but `y` or `yes` means no. Without a person to ask there is no answer.
///
/// # Errors
/// The terminal cannot be read.
pub fn confirmed(question: &str) -> io::Result<Option<bool>> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    write!(io::stderr(), "{question} [y/N] ")?;
    let answer = line()?;
    Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
}

fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(LONGEST).read_line(&mut line)?;
    Ok(line)
}

fn unseen(prompt: &str) -> io::Result<SecretString> {
    write!(io::stderr(), "{prompt}: ")?;
    let before = tcgetattr(io::stdin())?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &silent)?;
    let line = line();
    tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &before)?;
    writeln!(io::stderr())?;
    line.map(|line| line.trim_end_matches(['\n', '\r']).into())
}
