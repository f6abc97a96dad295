//! One output of a command: what stands between the marks, without secrets, in whole characters.

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::characters::Characters;
use crate::masker::{Held, Masker};

/// How much is read at once, in bytes.
const CHUNK: usize = 32 * 1024;

/// The longest line that the script says itself, in bytes.
const LONGEST: usize = 4096;

/// How the script ended, as one of its outputs tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The command ended with this status.
    Status(i32),
    /// It was not run, and why.
    Bad(String),
}

/// What is heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A piece of what the command wrote.
    Text(String),
    /// Nothing more comes.
    Over(Option<End>),
}

/// A part of an output.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Bytes that the command, or the login before it, wrote.
    Text(Vec<u8>),
    /// What the script itself said behind a mark.
    Word(String),
}

/// Tells text and marks apart, however they are cut. Holds back no more than may be the beginning of a mark.
#[derive(Debug)]
struct Marked {
    mark: Vec<u8>,
    bytes: Vec<u8>,
}

impl Marked {
    fn next(&mut self) -> Option<Part> {
        let Some(at) = self.bytes.windows(self.mark.len()).position(|window| window == self.mark) else {
            let may_begin = (1..self.mark.len().min(self.bytes.len() + 1))
                .rev()
                .find(|n| self.bytes.ends_with(self.mark.get(..*n).unwrap_or_default()));
            let rest = self.bytes.split_off(self.bytes.len() - may_begin.unwrap_or(0));
            let text = std::mem::replace(&mut self.bytes, rest);
            return (!text.is_empty()).then_some(Part::Text(text));
        };
        if at > 0 {
            let rest = self.bytes.split_off(at);
            return Some(Part::Text(std::mem::replace(&mut self.bytes, rest)));
        }
        let line = self.bytes.get(self.mark.len()..).unwrap_or_default();
        let length =
            line.iter().position(|byte| *byte == b'\n').or((line.len() > LONGEST).then_some(LONGEST))?;
        let word = String::from_utf8_lossy(line.get(..length).unwrap_or_default()).trim_end().to_owned();
        self.bytes.drain(..=self.mark.len() + length);
        Some(Part::Word(word))
    }
}

/// What was heard of one output so far. Reading can be given up at any await and taken up again.
pub(super) struct Hears<'m> {
    marked: Marked,
    masker: &'m Masker,
    held: Held,
    characters: Characters,
    has_begun: bool,
    /// Nothing more is read; how it ended is told behind its last text.
    is_over: bool,
    end: Option<End>,
    chunk: Vec<u8>,
}

impl<'m> Hears<'m> {
    /// Hears what stands behind the marks of `nonce`.
    pub(super) fn new(nonce: &str, masker: &'m Masker) -> Self {
        let marked = Marked { mark: format!("@{nonce} ").into_bytes(), bytes: Vec::new() };
        let (held, characters) = (Held::default(), Characters::default());
        Self {
            marked,
            masker,
            held,
            characters,
            has_begun: false,
            is_over: false,
            end: None,
            chunk: vec![0; CHUNK],
        }
    }

    /// The next piece of its text, or how it ended; `None` where the output ends before the command says how.
    pub(super) async fn next(&mut self, output: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Heard> {
        loop {
            while !self.is_over
                && let Some(part) = self.marked.next()
            {
                let (text, end) = self.take(part);
                (self.is_over, self.end) = (end.is_some(), end);
                if !text.is_empty() {
                    return Ok(Heard::Text(text));
                }
            }
            if self.is_over {
                return Ok(Heard::Over(self.end.take()));
            }
            let read = output.read(&mut self.chunk).await?;
            self.marked.bytes.extend_from_slice(self.chunk.get(..read).unwrap_or_default());
            if read == 0 {
                self.is_over = true;
                let rest = std::mem::take(&mut self.marked.bytes);
                let text = if self.has_begun { self.rest(&rest) } else { String::new() };
                if !text.is_empty() {
                    return Ok(Heard::Text(text));
                }
            }
        }
    }

    fn take(&mut self, part: Part) -> (String, Option<End>) {
        match part {
            // What a login prints is no answer.
            Part::Text(_) if !self.has_begun => (String::new(), None),
            Part::Text(bytes) => (self.text(&bytes), None),
            Part::Word(word) => match word.split_once(' ') {
                Some(("end", status)) => (self.rest(b""), Some(End::Status(status.parse().unwrap_or(-1)))),
                Some(("bad", why)) => (String::new(), Some(End::Bad(why.to_owned()))),
                _ => {
                    self.has_begun = true;
                    (String::new(), None)
                }
            },
        }
    }

    fn text(&mut self, bytes: &[u8]) -> String {
        let masked = self.masker.mask(&mut self.held, bytes);
        without_nul(&self.characters.push(&masked))
    }

    /// The last text, with all that was held back.
    fn rest(&mut self, bytes: &[u8]) -> String {
        let text = self.text(bytes);
        let held = self.masker.end(&mut self.held);
        text + &without_nul(&self.characters.push(&held)) + &without_nul(&self.characters.end())
    }
}

/// What no JSON of ours may hold shows as such.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of `said` when it arrives in pieces of `size` bytes, and how it ends.
    async fn heard(said: &[u8], size: usize) -> (String, Option<End>) {
        let masker = Masker::new(&["hunter2hunter".to_owned().into()]);
        let mut hears = Hears::new("abc", &masker);
        let pieces =
            said.chunks(size).map(|piece| Ok::<_, std::io::Error>(std::io::Cursor::new(piece.to_vec())));
        let mut output = tokio_util::io::StreamReader::new(futures::stream::iter(pieces));
        let mut told = String::new();
        loop {
            match hears.next(&mut output).await.unwrap() {
                Heard::Text(text) => told.push_str(&text),
                Heard::Over(end) => return (told, end),
            }
        }
    }

    #[tokio::test]
    async fn text_between_the_marks_is_told_however_it_is_cut() {
        let said =
            "motd @abd begin\n@abc begin\none @ab\n@abd end 1\nhunter2hunter é✓@abc end 3\nlater".as_bytes();
        for size in 1..said.len() {
            let (text, end) = heard(said, size).await;
            assert_eq!(text, "one @ab\n@abd end 1\n[secret] é✓", "in pieces of {size}");
            assert_eq!(end, Some(End::Status(3)));
        }
    }

    #[tokio::test]
    async fn what_ends_before_its_mark_has_no_end() {
        let (text, end) = heard(b"@abc begin\nhalf \xf0\x9f @abc end", 7).await;
        assert_eq!((text.as_str(), end), ("half \u{fffd} @abc end", None));
        assert_eq!(heard(b"never begun", 4).await, (String::new(), None));
        let (text, end) = heard(b"noise@abc bad no release\n", 5).await;
        assert_eq!((text.as_str(), end), ("", Some(End::Bad("no release".to_owned()))));
    }

    #[tokio::test]
    async fn a_line_of_the_script_that_does_not_end_holds_no_memory() {
        let said = [b"@abc begin\n@abc ".to_vec(), vec![b'x'; 4 * CHUNK]].concat();
        let (text, end) = heard(&said, CHUNK).await;
        assert!(text.len() > 3 * CHUNK && end.is_none());
    }
}
