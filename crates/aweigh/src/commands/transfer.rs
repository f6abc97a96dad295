//! What `put` and `get` show: how far all servers are, and how each ended.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use api::{Done, TransferLine};

use crate::client::Lines;
use crate::render::clean::one_line;
use crate::render::paint::Screen;
use crate::render::words::size as words;
use crate::render::{answers, note, paint, say};

/// How often people are told how far it is.
const OFTEN: Duration = Duration::from_millis(200);

/// How it ended.
#[derive(Debug)]
pub(super) struct Outcome {
    /// On how many servers it went well, and on how many not.
    pub(super) done: Done,
    /// By which name what came can be fetched.
    pub(super) download: Option<String>,
}

/// Shows what comes until the last line.
pub(super) async fn follow(mut lines: Lines, json: bool) -> anyhow::Result<Outcome> {
    let colours = Screen::stdout().colours;
    let mut bar = Bar::new();
    while let Some(line) = lines.next::<TransferLine>().await? {
        if let Some(done) = line.done {
            return Ok(Outcome { done, download: line.download });
        }
        match (&line.server, line.ok) {
            (Some(_), Some(_)) if json => {
                bar.wipe();
                say(&serde_json::to_string(&line)?)?;
            }
            (Some(server), Some(ok)) => {
                bar.wipe();
                let name = paint::Line::default().with(format!("{server}:"), answers::colour(server));
                let name = name.text(usize::MAX, colours);
                if ok {
                    say(&format!("{name} {}", brought(&line)))?;
                } else {
                    note(&format!("{name} {}", trouble(&line)));
                }
            }
            (None, _) => bar.show("brought", line.bytes.unwrap_or_default(), line.total),
            _ => {}
        }
    }
    Err(lines.cut().into())
}

fn brought(line: &TransferLine) -> String {
    let files = match line.files.unwrap_or_default() {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    };
    let resumed = line.resumed.filter(|bytes| *bytes > 0);
    let resumed = resumed.map(|bytes| format!(", of which {} were there already", words(bytes)));
    format!("{files}, {}{}", words(line.bytes.unwrap_or_default()), resumed.unwrap_or_default())
}

fn trouble(line: &TransferLine) -> String {
    let Some(error) = &line.error else { return "failed".to_owned() };
    let hint = error.hint.as_ref().map(|hint| format!("; hint: {}", one_line(hint)));
    one_line(&error.message) + &hint.unwrap_or_default()
}

/// Tells people at a terminal how far something is, on one line that comes and goes.
pub(super) struct Bar {
    told: Option<Instant>,
    is_seen: bool,
}

impl Bar {
    pub(super) fn new() -> Self {
        Self { told: None, is_seen: stderr().is_terminal() }
    }

    pub(super) fn show(&mut self, verb: &str, bytes: u64, total: Option<u64>) {
        if self.is_seen && self.told.is_none_or(|told| told.elapsed() >= OFTEN) {
            self.told = Some(Instant::now());
            let of = total.map(|total| format!(" of {}", words(total))).unwrap_or_default();
            // Nobody has to see it.
            let _ = write!(stderr(), "\r\x1b[K{verb} {}{of}", words(bytes));
        }
    }

    fn wipe(&mut self) {
        if self.told.take().is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
mod tests {
    use api::Trouble;

    use super::*;

    #[test]
    fn an_end_is_one_line() {
        let line = TransferLine { files: Some(1), bytes: Some(2048), ..TransferLine::default() };
        assert_eq!(brought(&line), format!("1 file, {}", words(2048)));
        let line = TransferLine { files: Some(3), resumed: Some(1024), ..line };
        let there = format!("3 files, {}, of which {} were there already", words(2048), words(1024));
        assert_eq!(brought(&line), there);
        let error = Trouble { message: "gone\u{1b}[2J\nand".into(), hint: Some("look".into()) };
        assert_eq!(trouble(&TransferLine { error: Some(error), ..line }), "gone and; hint: look");
    }
}
