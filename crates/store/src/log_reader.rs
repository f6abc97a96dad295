//! Reads the log of a node or of a release, slice by slice, however long it is.

use std::collections::VecDeque;

use model::{Fact, ReleaseId};

use crate::log_text::{MAX_PIECE, Text, pieces};
use crate::sql::{count, number, sql};
use crate::{Error, LogFilter, Store, Topic};

/// A part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSlice {
    /// The node that wrote it.
    pub node: String,
    /// What it wrote.
    pub text: String,
}

/// Reads a log slice by slice; memory stays small however long the log is.
#[derive(Debug)]
pub struct LogReader {
    store: Store,
    release: ReleaseId,
    node: Option<String>,
    /// The bytes still wanted, counted in what is read: the node's log, or the release's.
    from: u64,
    to: u64,
    /// For the log of a release: the last fact read, where its text ends, and what is not handed out yet.
    after: u64,
    read: u64,
    slices: VecDeque<LogSlice>,
}

impl Store {
    /// How many bytes of a node's log are stored now; 0 for one that wrote nothing.
    pub async fn log_bytes(&self, release: ReleaseId, node: &str) -> Result<u64, Error> {
        let find = "SELECT bytes FROM log_node WHERE release_id = $1 AND node = $2";
        let bytes = number(self.readers(), sql(find, [release.0.into(), node.into()])).await?;
        Ok(bytes.map(count).unwrap_or_default())
    }

    /// The log of one node, or of a whole release in the order it was written; `None` when there is no such
    /// release. Of it come bytes `from..to`, both moved down to the nearest border between characters.
    pub async fn log(
        &self,
        release: ReleaseId,
        node: Option<&str>,
        from: u64,
        to: Option<u64>,
    ) -> Result<Option<LogReader>, Error> {
        let exists =
            number(self.readers(), sql("SELECT COUNT(*) FROM release WHERE id = $1", [release.0.into()]));
        Ok((exists.await? == Some(1)).then(|| LogReader {
            store: self.clone(),
            release,
            node: node.map(str::to_owned),
            from,
            // Offsets are stored with a sign.
            to: to.unwrap_or(u64::MAX).min(i64::MAX.cast_unsigned()),
            after: 0,
            read: 0,
            slices: VecDeque::new(),
        }))
    }
}

impl LogReader {
    /// The next slice; `None` at the end of what was recorded by now.
    pub async fn next(&mut self) -> Result<Option<LogSlice>, Error> {
        match self.node.clone() {
            Some(node) => self.next_of_node(node).await,
            None => self.next_of_release().await,
        }
    }

    async fn next_of_node(&mut self, node: String) -> Result<Option<LogSlice>, Error> {
        if self.from >= self.to {
            return Ok(None);
        }
        let next = self.to.min(self.from.saturating_add(MAX_PIECE));
        let pieces = pieces(self.store.readers(), self.release, &node, self.from, next).await?;
        if pieces.is_empty() {
            return Ok(None);
        }
        let Text { start, text } = Text::unpack(&pieces)?;
        let cut = cut(&text, start, self.from, self.to).to_owned();
        self.from = start + text.len() as u64;
        Ok((!cut.is_empty()).then_some(LogSlice { node, text: cut }))
    }

    async fn next_of_release(&mut self) -> Result<Option<LogSlice>, Error> {
        while self.slices.is_empty() && self.read < self.to {
            let topic = Topic::Release(self.release);
            let batch = self.store.events(&topic, self.after, &LogFilter::All).await?;
            let Some(batch) = batch.filter(|batch| !batch.events.is_empty()) else { return Ok(None) };
            self.after = batch.seq;
            for event in batch.events {
                let Fact::Log(fact) = event.fact else { continue };
                let text = fact.text.unwrap_or_default();
                let cut = cut(&text, self.read, self.from, self.to);
                if !cut.is_empty() {
                    self.slices.push_back(LogSlice { node: fact.node, text: cut.to_owned() });
                }
                self.read += text.len() as u64;
            }
        }
        Ok(self.slices.pop_front())
    }
}

/// The part of `text`, which begins at byte `start`, that lies in `from..to`.
fn cut(text: &str, start: u64, from: u64, to: u64) -> &str {
    let border = |at: u64| {
        let at = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
        text.floor_char_boundary(at)
    };
    text.get(border(from)..border(to)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character_and_neighbours_join() {
        let text = "aäß€😀z";
        let (start, end) = (100, 100 + text.len() as u64);
        for middle in 90..end + 10 {
            let joined = cut(text, start, 0, middle).to_owned() + cut(text, start, middle, u64::MAX);
            assert_eq!(joined, text, "cut at {middle}");
        }
        assert_eq!(cut(text, start, 103, 105), "ß");
        assert_eq!(cut(text, start, end, u64::MAX), "");
    }
}
