//! What a running release says. Nothing is said before it is recorded, and nothing is recorded unmasked.

use std::sync::Arc;
use std::time::Duration;

use model::{Epoch, NodeFact, ReleaseId, Status};
use tokio::time::Instant;

use crate::characters::begun;
use crate::error::Hold;
use crate::fault::{self, INJECTED, Side};
use crate::masker::{Held, Masker};
use crate::ports::{Entry, Journal, JournalError};

/// How long text waits for more before it is recorded.
const PATIENCE: Duration = Duration::from_millis(50);

/// How much text is recorded at once, in bytes.
const PIECE: usize = 64 * 1024;

/// How much of a node's log is kept from its beginning, in bytes.
pub const LOG_HEAD: u64 = 16 * 1024 * 1024;

/// How much of it is kept from its end when it is longer, in bytes.
pub const LOG_TAIL: usize = 256 * 1024;

/// Speaks for one release. Cheap to clone.
#[derive(Clone)]
pub struct Reporter {
    journal: Arc<dyn Journal>,
    release: ReleaseId,
    epoch: Epoch,
    masker: Arc<Masker>,
}

impl Reporter {
    /// Speaks for `release` as its owner number `epoch`.
    pub fn new(journal: Arc<dyn Journal>, release: ReleaseId, epoch: Epoch, masker: Masker) -> Self {
        Self { journal, release, epoch, masker: Arc::new(masker) }
    }

    /// Records facts of nodes together, in order.
    pub async fn nodes(&self, facts: Vec<(NodeFact, Option<serde_json::Value>)>) -> Result<(), JournalError> {
        if facts.is_empty() {
            return Ok(());
        }
        let entries = facts
            .into_iter()
            .map(|(mut fact, result)| {
                fact.reason = fact.reason.map(|reason| self.masker.text(&reason));
                Entry::Node { fact: Box::new(fact), result }
            })
            .collect();
        self.record(entries).await
    }

    /// Records the fact of one node.
    pub async fn node(&self, fact: NodeFact, result: Option<serde_json::Value>) -> Result<(), JournalError> {
        self.nodes(vec![(fact, result)]).await
    }

    /// Records the release's new status.
    pub async fn release(&self, status: Status, reason: Option<String>) -> Result<(), JournalError> {
        let reason = reason.map(|reason| self.masker.text(&reason));
        self.record(vec![Entry::Release { status, reason }]).await
    }

    /// Records that the release waits for a person, and at which node, together.
    pub async fn hold(&self, hold: Hold) -> Result<(), JournalError> {
        let mut entries = Vec::new();
        if let Some((mut fact, result)) = hold.node {
            fact.reason = fact.reason.map(|reason| self.masker.text(&reason));
            entries.push(Entry::Node { fact: Box::new(fact), result: Some(result) });
        }
        let reason = Some(self.masker.text(&hold.reason));
        entries.push(Entry::Release { status: Status::Paused, reason });
        self.record(entries).await
    }

    /// Records which artifact the release brings.
    pub async fn artifact(&self, hash: &str) -> Result<(), JournalError> {
        self.record(vec![Entry::Artifact { hash: hash.to_owned() }]).await
    }

    /// The log of one node.
    pub fn log(&self, node: impl Into<String>) -> NodeLog {
        NodeLog {
            reporter: self.clone(),
            node: node.into(),
            held: Held::default(),
            waiting: Vec::new(),
            since: None,
            kept: 0,
            read: 0,
            tail: std::collections::VecDeque::new(),
            dropped: 0,
            said: false,
        }
    }

    async fn record(&self, entries: Vec<Entry>) -> Result<(), JournalError> {
        let name = if cfg!(debug_assertions) { entries.first().map(what) } else { None }.unwrap_or_default();
        let injected = |_| JournalError::Store(INJECTED.to_owned());
        fault::point(|| format!("record/{name}"), Side::Before).await.map_err(injected)?;
        self.journal.record(self.release, self.epoch, entries).await?;
        fault::point(|| format!("record/{name}"), Side::After).await.map_err(injected)
    }
}

/// What a transaction is about, as its fault points are called.
fn what(entry: &Entry) -> String {
    match entry {
        Entry::Node { fact, .. } => format!("{}={}", fact.key, fact.status.word()),
        Entry::Log { node, .. } | Entry::LogRead { node, .. } => format!("{node}#log"),
        Entry::Dropped { node, .. } | Entry::LogEnd { node } => format!("{node}#end"),
        Entry::Release { status, .. } => format!("release={}", status.word()),
        Entry::Artifact { .. } => "artifact".to_owned(),
        Entry::Retried { server } => format!("{server}/retried"),
    }
}

/// Collects what one node writes: masks it, records it in pieces, and keeps a beginning and an end of what is
/// too long.
pub struct NodeLog {
    reporter: Reporter,
    node: String,
    held: Held,
    waiting: Vec<u8>,
    since: Option<Instant>,
    kept: u64,
    /// Bytes taken in, before masking, in this try.
    read: u64,
    tail: std::collections::VecDeque<u8>,
    dropped: u64,
    said: bool,
}

impl NodeLog {
    /// Goes on behind what an owner before us recorded of this try, `from` bytes of it.
    pub fn go_on_from(&mut self, from: u64) {
        self.read = from;
        self.kept = from.min(LOG_HEAD);
    }

    /// Takes in bytes; they are recorded by the next [`flush`](Self::flush).
    pub fn push(&mut self, bytes: &[u8]) {
        self.read += bytes.len() as u64;
        let masked = self.reporter.masker.mask(&mut self.held, bytes);
        self.take(&masked);
    }

    /// Takes in one line of our own.
    pub fn line(&mut self, text: &str) {
        self.push(text.as_bytes());
        self.push(b"\n");
    }

    fn take(&mut self, masked: &[u8]) {
        if masked.is_empty() {
            return;
        }
        let room = usize::try_from(LOG_HEAD.saturating_sub(self.kept)).unwrap_or(usize::MAX);
        let (head, rest) = masked.split_at(masked.len().min(room));
        self.kept += head.len() as u64;
        self.waiting.extend_from_slice(head);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(LOG_TAIL);
        self.tail.drain(..over);
        self.dropped += over as u64;
        self.since = self.since.or_else(|| Some(Instant::now()));
    }

    /// When what waits has to be recorded; `None` while nothing waits.
    pub fn due(&self) -> Option<Instant> {
        let full = self.waiting.len() >= PIECE;
        self.since
            .filter(|_| !self.waiting.is_empty())
            .map(|since| if full { since } else { since + PATIENCE })
    }

    /// Records what waits, all but the beginning of a character that is not complete yet.
    pub async fn flush(&mut self) -> Result<(), JournalError> {
        let whole = self.waiting.len() - begun(&self.waiting);
        let rest = self.waiting.split_off(whole);
        let bytes = std::mem::replace(&mut self.waiting, rest);
        self.since = None;
        self.record(&bytes).await
    }

    async fn record(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.said = true;
        // NUL is the one character that databases and terminals agree to dislike.
        let text = String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}");
        let mut entries = Vec::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let mut cut = rest.len().min(PIECE);
            while !rest.is_char_boundary(cut) {
                cut -= 1;
            }
            let (piece, more) = rest.split_at(cut);
            entries.push(Entry::Log { node: self.node.clone(), text: piece.to_owned() });
            rest = more;
        }
        // What is held back, and the beginning of a character, is read again by whoever comes after us.
        let back = self.held.len() + self.waiting.len();
        let bytes = self.read.saturating_sub(back as u64);
        entries.push(Entry::LogRead { node: self.node.clone(), bytes });
        self.reporter.record(entries).await
    }

    /// Records everything that is left, and that no more follows in this try.
    pub async fn end(mut self) -> Result<(), JournalError> {
        let rest = self.reporter.masker.end(&mut self.held);
        self.take(&rest);
        let waiting = std::mem::take(&mut self.waiting);
        self.record(&waiting).await?;
        if self.dropped > 0 {
            let dropped = Entry::Dropped { node: self.node.clone(), bytes: self.dropped };
            self.reporter.record(vec![dropped]).await?;
        }
        let tail: Vec<u8> = std::mem::take(&mut self.tail).into();
        self.record(&tail).await?;
        if self.said {
            self.reporter.record(vec![Entry::LogEnd { node: self.node.clone() }]).await
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_character_waits_for_its_end_whatever_stands_before() {
        for (bytes, waits) in [
            (&b""[..], 0),
            (b"abc", 0),
            (b"abc\xe2\x82", 2),
            ("abc\u{20ac}".as_bytes(), 0),
            (b"caf\xe9\n\xe2\x82", 2),
            (b"caf\xe9", 1),
            (b"caf\xe9\n", 0),
            (b"\xff\xfe", 0),
            (b"\xf0\x9f\x98", 3),
        ] {
            assert_eq!(begun(bytes), waits, "{bytes:?}");
        }
    }
}
