//! The words Aweigh and its driver exchange. Pure: builds commands and reads answers, connects to nothing.
//!
//! Invariant: no text of a user is ever part of a command line. The one command line is constant but for words
//! of `[A-Za-z0-9_./=-]`; every value travels on standard input, one per line.

use std::fmt;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// The constant driver script.
pub const DRIVER: &str =
    concat!(include_str!("scripts/variables.sh"), "\n", include_str!("scripts/driver.sh"));

/// The first 16 digits of the driver's SHA-256, which is part of its file name on servers.
pub static DRIVER_HASH: LazyLock<String> =
    LazyLock::new(|| hex::encode(Sha256::digest(DRIVER)).chars().take(16).collect());

/// What starts the driver, in one line: fish and tcsh treat newlines inside quotes in ways of their own.
static BOOT: LazyLock<String> =
    LazyLock::new(|| include_str!("scripts/boot.sh").trim_end().replace('\n', " "));

/// A value that cannot travel as a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} holds a line break or a NUL, which cannot be sent to a server")]
pub struct Unfit(&'static str);

/// The command line that starts the driver; `nonce` is 16 random hexadecimal digits.
pub fn command_line(nonce: &str) -> String {
    let size = DRIVER.len().to_string();
    ["sh -c '", BOOT.as_str(), "' aweigh ", DRIVER_HASH.as_str(), " ", size.as_str(), " ", nonce].concat()
}

/// One command for the driver.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    bytes: Vec<u8>,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its values may be secrets.
        f.debug_struct("Command").field("verb", &self.verb()).finish_non_exhaustive()
    }
}

impl Command {
    /// A command without values.
    pub fn new(verb: &'static str) -> Self {
        Self { bytes: [verb.as_bytes(), b"\n"].concat() }
    }

    /// Its first line.
    pub fn verb(&self) -> &str {
        let end = self.bytes.iter().position(|byte| *byte == b'\n').unwrap_or(self.bytes.len());
        self.bytes.get(..end).and_then(|verb| std::str::from_utf8(verb).ok()).unwrap_or_default()
    }

    /// Adds one value; `what` names it in the error.
    pub fn value(mut self, what: &'static str, value: &str) -> Result<Self, Unfit> {
        if value.contains(['\n', '\r', '\0']) {
            return Err(Unfit(what));
        }
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(b'\n');
        Ok(self)
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.bytes.extend_from_slice(number.to_string().as_bytes());
        self.bytes.push(b'\n');
        self
    }

    /// Adds a count and that many values.
    pub fn list<'a>(
        self,
        what: &'static str,
        values: impl ExactSizeIterator<Item = &'a str>,
    ) -> Result<Self, Unfit> {
        let counted = self.number(values.len() as u64);
        values.into_iter().try_fold(counted, |command, value| command.value(what, value))
    }

    /// Adds a length and that many bytes, as the last part.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        let mut counted = self.number(text.len() as u64);
        counted.bytes.extend_from_slice(text.as_bytes());
        counted
    }

    /// What is written to the driver.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What a verb answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    fields: Vec<(String, String)>,
    /// How long the fields are together, in bytes.
    length: usize,
    /// What tools said meanwhile, at most [`LONGEST_SAID`] bytes of it.
    pub said: String,
    /// How it ended, one of [`status`].
    pub status: u32,
}

/// The longest answer, in bytes: that of a server with a hundred thousand releases.
pub const LONGEST_ANSWER: usize = 8 << 20;

/// How much of what tools say is kept, in bytes.
pub const LONGEST_SAID: usize = 4096;

/// How verbs end.
pub mod status {
    /// Done.
    pub const DONE: u32 = 0;
    /// Neither curl nor wget is there.
    pub const NO_HTTP: u32 = 69;
    /// A tool failed.
    pub const TOOL: u32 = 70;
    /// A linked file is not there.
    pub const MISSING: u32 = 71;
    /// The lock names somebody else.
    pub const LOCKED: u32 = 75;
    /// The release is not complete.
    pub const INCOMPLETE: u32 = 76;
    /// The release was changed after it was sealed.
    pub const TOUCHED: u32 = 77;
    /// `current` is not what it was at first contact.
    pub const DRIFT: u32 = 78;
    /// `current` is not a link.
    pub const NOT_A_LINK: u32 = 79;
    /// The run was never started.
    pub const NO_RUN: u32 = 80;
    /// A file of that name is there, and is not ours.
    pub const EXISTS: u32 = 81;
}

impl Answer {
    /// The first value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Every value of `key`.
    pub fn all<'a, 'k: 'a>(&'a self, key: &'k str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether it is longer than any answer; the rest of it is not kept.
    pub fn is_too_long(&self) -> bool {
        self.length > LONGEST_ANSWER
    }

    /// Takes in one line; true when it was the last.
    pub fn line(&mut self, nonce: &str, line: &str) -> bool {
        let Some(answer) = line.strip_prefix('@').and_then(|rest| rest.strip_prefix(nonce)) else {
            let room = LONGEST_SAID.saturating_sub(self.said.len());
            self.said.extend(line.chars().chain(['\n']).take(room));
            return false;
        };
        let answer = answer.strip_prefix(' ').unwrap_or(answer);
        let (key, value) = answer.split_once(' ').unwrap_or((answer, ""));
        if key == "end" {
            self.status = value.parse().unwrap_or(status::TOOL);
            return true;
        }
        // What it costs to keep one, too.
        self.length += key.len() + value.len() + size_of::<(String, String)>();
        if !self.is_too_long() {
            self.fields.push((key.to_owned(), value.to_owned()));
        }
        false
    }

    /// The last line that was said, for an error where a login shell may have said something before.
    pub fn last_said(&self) -> &str {
        self.said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason was given").trim()
    }

    /// The first line that tools said while a verb ran: what follows a first complaint follows from it.
    pub fn first_said(&self) -> &str {
        self.said.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason was given").trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_constant_and_plain() {
        let line = command_line("00112233aabbccdd");
        let (boot, words) = line.strip_prefix("sh -c '").unwrap().split_once('\'').unwrap();
        assert!(!boot.contains(['\'', '!', '\\', '\n']), "fish and tcsh quote these differently: {boot}");
        assert!(
            words.bytes().all(|b| b == b' ' || b.is_ascii_alphanumeric() || b"_./=-".contains(&b)),
            "{words}"
        );
    }

    /// Its clock may be years off: times are compared with what was sent, never with now.
    #[test]
    fn a_server_is_not_asked_what_time_it_is() {
        for words in [DRIVER, BOOT.as_str()] {
            let mut words = words.split(|char: char| !char.is_ascii_alphanumeric() && char != '-');
            assert!(!words.any(|word| ["date", "-nt", "-ot", "-newer", "-mtime", "touch"].contains(&word)));
        }
    }

    #[test]
    fn values_are_lines_and_cannot_break_out() {
        let command = Command::new("activate").value("folder", "x").unwrap().value("before", "").unwrap();
        assert_eq!(command.as_bytes(), b"activate\nx\n\n");
        assert!(Command::new("hook").value("run", "a\nkill").is_err());
        let list = Command::new("prune").list("release", ["a", "b"].into_iter()).unwrap();
        assert_eq!(list.as_bytes(), b"prune\n2\na\nb\n");
    }

    #[test]
    fn only_lines_with_the_nonce_are_answers() {
        let mut answer = Answer::default();
        assert!(!answer.line("n", "Welcome to web-1! @n current releases/evil"));
        assert!(!answer.line("n", "@x current releases/evil"));
        assert!(!answer.line("n", "@n current releases/a b"));
        assert!(answer.line("n", "@n end 78"));
        assert_eq!((answer.get("current"), answer.status), (Some("releases/a b"), status::DRIFT));
        assert_eq!(answer.last_said(), "@x current releases/evil");
    }
}
