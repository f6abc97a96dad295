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
    text_within(io::stdin().lock(), LONGEST).map(SecretString::from).map_err(|error| of_input(&error))
}

/// All that is read from `from`.
///
/// # Errors
/// It cannot be read, is not UTF-8, or is longer than `most` bytes: a part of a text is another text.
pub fn text_within(from: impl Read, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    if from.take(most.saturating_add(1)).read_to_end(&mut bytes)? as u64 > most {
        return Err(too_long(most));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not a text in UTF-8"))
}

fn of_input(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot use standard input: {error}"))
}

fn too_long(most: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} KiB", most >> 10))
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
    let read = io::stdin().lock().take(LONGEST + 1).read_line(&mut line)?;
    if read as u64 > LONGEST { Err(of_input(&too_long(LONGEST))) } else { Ok(line) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_a_whole_or_not_at_all() {
        let read = |text: &[u8]| text_within(text, 4).map_err(|error| error.to_string());
        assert_eq!(read(b"").as_deref(), Ok(""));
        assert_eq!(read(b"four").as_deref(), Ok("four"));
        assert_eq!(read(b"fives"), Err("it is larger than 0 KiB".to_owned()));
        // Cut there it would be no text.
        assert_eq!(read("abc\u{e9}".as_bytes()), Err("it is larger than 0 KiB".to_owned()));
        assert_eq!(read(b"\xff"), Err("it is not a text in UTF-8".to_owned()));
    }
}
