//! Recordings of shells, in the format asciicast v2 (docs.asciinema.org/manual/asciicast/v2): a line of JSON that tells
//! what it is, then one for each thing that happened. What was typed is not among them: it holds passwords.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::characters::Characters;
use crate::masker::{Held, Masker};
use crate::ports::TerminalSize;

/// What a recording says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How large the terminal is at first.
    pub size: TerminalSize,
    /// Whether there is one; else lines end as in a file.
    pub is_terminal: bool,
    /// When it began.
    pub at: Timestamp,
    /// What is shown above it.
    pub title: String,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// How many bytes.
    pub bytes: u64,
    /// Whether there was more than may be.
    pub truncated: bool,
}

/// What stands where a recording is cut off.
const CUT: &str = "\r\n[the recording ends here: it is as long as one may be]\r\n";

/// Writes one recording. Secrets are masked before anything is written.
pub struct Recorder<W> {
    out: W,
    masker: Masker,
    held: Held,
    characters: Characters,
    is_terminal: bool,
    most: u64,
    written: Written,
}

/// The file of the recording with this number, in the data folder `data`.
pub fn path(data: &Path, id: i64) -> PathBuf {
    folder(data).join(format!("{id}.cast"))
}

/// Where recordings are, in the data folder `data`.
pub fn folder(data: &Path) -> PathBuf {
    data.join("recordings")
}

impl<W: Write> Recorder<W> {
    /// Begins a recording of at most `most` bytes; what is more is left out, and said so.
    pub fn new(out: W, head: &Head, masker: Masker, most: u64) -> io::Result<Self> {
        let (held, characters, written) = (Held::default(), Characters::default(), Written::default());
        let mut recorder =
            Self { out, masker, held, characters, is_terminal: head.is_terminal, most, written };
        let line = json!({
            "version": 2,
            "width": head.size.columns,
            "height": head.size.rows,
            "timestamp": head.at.as_second(),
            "title": head.title,
        });
        recorder.line(&line.to_string())?;
        Ok(recorder)
    }

    /// What the screen showed, so long after the beginning.
    pub fn shown(&mut self, at: Duration, bytes: &[u8]) -> io::Result<()> {
        if self.written.truncated {
            return Ok(());
        }
        let masked = self.masker.mask(&mut self.held, bytes);
        self.write(at, &masked)
    }

    /// The terminal has another size.
    pub fn resized(&mut self, at: Duration, size: TerminalSize) -> io::Result<()> {
        self.event(at, "r", &format!("{}x{}", size.columns, size.rows))
    }

    /// How long it is so far.
    pub fn bytes(&self) -> u64 {
        self.written.bytes
    }

    /// Brings everything so far to where it is kept.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes what was held back.
    pub fn finish(mut self, at: Duration) -> io::Result<Written> {
        let held = self.masker.end(&mut self.held);
        self.write(at, &held)?;
        let rest = self.characters.end();
        self.event(at, "o", &rest)?;
        self.flush()?;
        Ok(self.written)
    }

    fn write(&mut self, at: Duration, bytes: &[u8]) -> io::Result<()> {
        let text = self.characters.push(bytes);
        // A screen begins a line where the one above ended, unless it is told to go back.
        let text = if self.is_terminal { text } else { text.replace('\n', "\r\n") };
        self.event(at, "o", &text)
    }

    fn event(&mut self, at: Duration, kind: &str, text: &str) -> io::Result<()> {
        if text.is_empty() || self.written.truncated {
            return Ok(());
        }
        let told = json!([seconds(at), kind, text]).to_string();
        let room = self.most.saturating_sub(self.written.bytes);
        if told.len() as u64 >= room {
            self.written.truncated = true;
            return self.line(&json!([seconds(at), "o", CUT]).to_string());
        }
        self.line(&told)
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")?;
        self.written.bytes += line.len() as u64 + 1;
        Ok(())
    }
}

/// Seconds with the precision that players use.
#[expect(clippy::cast_precision_loss, reason = "microseconds of centuries fit")]
fn seconds(at: Duration) -> f64 {
    at.as_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const SIZE: TerminalSize = TerminalSize { columns: 80, rows: 24 };

    fn recorder(out: &mut Vec<u8>, is_terminal: bool, most: u64) -> Recorder<&mut Vec<u8>> {
        let head = Head { size: SIZE, is_terminal, at: Timestamp::UNIX_EPOCH, title: "web-1".into() };
        Recorder::new(out, &head, Masker::new(&["hunter2hunter".to_owned().into()]), most).unwrap()
    }

    /// Every line, read as JSON.
    fn lines(out: &[u8]) -> Vec<Value> {
        std::str::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What a player shows.
    fn played(out: &[u8]) -> String {
        lines(out)[1..].iter().filter(|line| line[1] == "o").map(|line| line[2].as_str().unwrap()).collect()
    }

    #[test]
    fn it_is_what_players_read() {
        let mut out = Vec::new();
        let mut recorder = recorder(&mut out, true, 10_000);
        recorder.shown(Duration::from_millis(1500), b"$ \"a\"\r\n").unwrap();
        recorder.resized(Duration::from_secs(2), TerminalSize { columns: 100, rows: 50 }).unwrap();
        let written = recorder.finish(Duration::from_secs(3)).unwrap();
        let head = json!({"version": 2, "width": 80, "height": 24, "timestamp": 0, "title": "web-1"});
        let all = vec![head, json!([1.5, "o", "$ \"a\"\r\n"]), json!([2.0, "r", "100x50"])];
        assert_eq!(lines(&out), all);
        assert_eq!(written, Written { bytes: out.len() as u64, truncated: false });
    }

    #[test]
    fn secrets_are_masked_and_characters_kept_wherever_the_stream_is_cut() {
        let text = "ä hunter2hunter €\u{1f600} hunter".as_bytes();
        for cut in 0..text.len() {
            let mut out = Vec::new();
            let mut recorder = recorder(&mut out, true, 10_000);
            recorder.shown(Duration::ZERO, &text[..cut]).unwrap();
            recorder.shown(Duration::ZERO, &text[cut..]).unwrap();
            recorder.finish(Duration::ZERO).unwrap();
            assert_eq!(played(&out), "ä [secret] €\u{1f600} hunter", "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_text_is_shown_as_such_and_holds_nothing_back() {
        let mut out = Vec::new();
        let mut recorder = recorder(&mut out, false, 10_000);
        recorder.shown(Duration::ZERO, b"a\xffb\n\xe2\x82").unwrap();
        recorder.finish(Duration::ZERO).unwrap();
        assert_eq!(played(&out), "a\u{fffd}b\r\n\u{fffd}");
    }

    #[test]
    fn it_never_gets_longer_than_it_may_by_more_than_a_word() {
        let mut out = Vec::new();
        let mut recorder = recorder(&mut out, true, 2000);
        for _ in 0..100 {
            recorder.shown(Duration::ZERO, &[b'x'; 100]).unwrap();
        }
        let written = recorder.finish(Duration::ZERO).unwrap();
        assert!(written.truncated && written.bytes == out.len() as u64 && out.len() < 2200, "{written:?}");
        assert!(played(&out).contains("the recording ends here"));
    }
}
