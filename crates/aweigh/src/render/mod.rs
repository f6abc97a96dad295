//! What people see: in reading order [`paint`] (lines and the screen), [`words`] (symbols, times), [`clean`] (text
//! from elsewhere made safe), [`table`] (listings), [`answers`] (what many servers said), [`tail`] (the end of a log), [`tree`] (a release as a picture), [`lines`] (the same where
//! there is no terminal), [`live`] (the picture kept up to date) and [`ending`] (what the servers run now).

pub mod answers;
pub mod clean;
pub mod ending;
pub mod lines;
pub mod live;
pub mod paint;
#[cfg(test)]
pub(crate) mod sample;
pub mod table;
pub mod tail;
pub mod tree;
pub mod words;

use std::io::{self, Write};

/// Prints a line to standard output.
///
/// # Errors
/// Standard output is closed, full or broken; a closed one is no failure, see [`crate::exit`].
pub fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// Prints text to standard output as it is.
///
/// # Errors
/// As [`say`].
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a note to standard error, where it does not disturb what a script reads. Nobody has to read it, so it
/// cannot fail.
pub fn note(line: &str) {
    writeln!(io::stderr(), "{line}").unwrap_or_default();
}
