//! The text of logs: compressed pieces beside the journal, cut out again by byte offsets.
//!
//! Text comes in small chunks, each stored at once with its fact. As soon as a node's loose chunks would pass
//! [`MAX_PIECE`], and again when its log ends, they become one piece, which compresses far better.

use std::collections::HashMap;

use model::ReleaseId;
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::Error;
use crate::sql::{all, count, execute, one, sql};
use crate::writer::Tx;

/// The longest text of one fact, in bytes.
pub(crate) const MAX_FACT: usize = 64 * 1024;

/// The longest piece, in bytes of text: what has to be unpacked to read a part of it.
pub(crate) const MAX_PIECE: u64 = 256 * 1024;

/// Fast and good; higher levels of zstd gain little on logs.
const LEVEL: i32 = 3;

/// The compressed text of one fact.
pub(crate) struct Chunk {
    /// How long the text is.
    pub(crate) bytes: u64,
    packed: Vec<u8>,
}

/// A stored piece of a node's log.
#[derive(FromQueryResult)]
pub(crate) struct Piece {
    start: i64,
    bytes: i64,
    text: Vec<u8>,
}

/// Cuts text into facts and compresses each. No character is split.
pub(crate) fn chunks(text: &str) -> Result<Vec<Chunk>, Error> {
    let mut chunks = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.floor_char_boundary(MAX_FACT));
        chunks.push(Chunk { bytes: now.len() as u64, packed: pack(now.as_bytes())? });
        rest = later;
    }
    Ok(chunks)
}

fn pack(text: &[u8]) -> Result<Vec<u8>, Error> {
    zstd::bulk::compress(text, LEVEL).map_err(|error| Error::unreadable("log text", error))
}

impl Piece {
    fn start(&self) -> u64 {
        count(self.start)
    }

    fn unpack_onto(&self, text: &mut String) -> Result<(), Error> {
        let size = usize::try_from(self.bytes).unwrap_or_default();
        let bytes = zstd::bulk::decompress(&self.text, size);
        let bytes = bytes.map_err(|error| Error::unreadable("log text", error))?;
        let unpacked = std::str::from_utf8(&bytes).map_err(|error| Error::unreadable("log text", error))?;
        text.push_str(unpacked);
        Ok(())
    }
}

/// Several pieces that follow each other, unpacked.
pub(crate) struct Text {
    /// Where in the node's log it begins, in bytes.
    pub(crate) start: u64,
    pub(crate) text: String,
}

impl Text {
    /// Unpacks `pieces`, which are in order and without gaps.
    pub(crate) fn unpack(pieces: &[Piece]) -> Result<Self, Error> {
        let mut text = String::new();
        for piece in pieces {
            piece.unpack_onto(&mut text)?;
        }
        Ok(Self { start: pieces.first().map_or(0, Piece::start), text })
    }

    /// The text from byte `offset` of the node's log, `bytes` long.
    pub(crate) fn slice(&self, offset: u64, bytes: u64) -> Result<&str, Error> {
        let found = || {
            let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
            self.text.get(from..from.checked_add(usize::try_from(bytes).ok()?)?)
        };
        found().ok_or_else(|| Error::unreadable("log text", format!("no {bytes} bytes at {offset}")))
    }
}

/// The pieces that hold bytes `from..to` of a node's log.
pub(crate) async fn pieces(
    db: &impl ConnectionTrait,
    release: ReleaseId,
    node: &str,
    from: u64,
    to: u64,
) -> Result<Vec<Piece>, Error> {
    // No piece is longer than the longest, so the key alone finds the first one that can reach `from`.
    let overlapping = "SELECT start, bytes, text FROM log_chunk \
                       WHERE release_id = $1 AND node = $2 AND start > $3 AND start < $4 \
                       AND start + bytes > $5 ORDER BY start";
    let [from, to, longest] = [from, to, MAX_PIECE].map(u64::cast_signed);
    let values = [release.0.into(), node.into(), (from - longest).into(), to.into(), from.into()];
    all(db, sql(overlapping, values)).await
}

/// How far the log of a node goes, and how far of it is merged.
#[derive(FromQueryResult, Clone, Copy, Default)]
struct Extent {
    bytes: i64,
    merged: i64,
}

/// The logs of one release while its owner writes them. Closing it stores how far they go, in the same
/// transaction.
pub(crate) struct Logs {
    release: ReleaseId,
    extents: HashMap<String, Extent>,
}

impl Logs {
    pub(crate) fn new(release: ReleaseId) -> Self {
        Self { release, extents: HashMap::new() }
    }

    /// How long a node's log is by now.
    pub(crate) async fn end(&self, tx: &Tx, node: &str) -> Result<u64, Error> {
        Ok(count(self.extent(tx, node).await?.bytes))
    }

    /// Stores a chunk at the end of a node's log; answers where it begins.
    pub(crate) async fn append(&mut self, tx: &Tx, node: &str, chunk: Chunk) -> Result<u64, Error> {
        let Extent { bytes: start, merged } = self.extent(tx, node).await?;
        if count(start - merged) + chunk.bytes > MAX_PIECE {
            self.merge(tx, node).await?;
        }
        self.insert(tx, node, start, chunk.bytes, chunk.packed).await?;
        let merged = self.extents.get(node).map_or(merged, |extent| extent.merged);
        let bytes = start + chunk.bytes.cast_signed();
        self.extents.insert(node.to_owned(), Extent { bytes, merged });
        Ok(count(start))
    }

    /// Makes one piece of a node's loose chunks.
    pub(crate) async fn merge(&mut self, tx: &Tx, node: &str) -> Result<(), Error> {
        let Extent { bytes: end, merged } = self.extent(tx, node).await?;
        let loose = "SELECT start, bytes, text FROM log_chunk \
                     WHERE release_id = $1 AND node = $2 AND start >= $3 ORDER BY start";
        let key = [self.release.0.into(), node.into(), merged.into()];
        let loose: Vec<Piece> = all(tx.db(), sql(loose, key.clone())).await?;
        if loose.len() > 1 {
            let packing = tokio::task::spawn_blocking(move || pack(Text::unpack(&loose)?.text.as_bytes()));
            let packed = packing.await.map_err(|error| Error::unreadable("log text", error))??;
            let delete = "DELETE FROM log_chunk WHERE release_id = $1 AND node = $2 AND start >= $3";
            execute(tx.db(), sql(delete, key)).await?;
            self.insert(tx, node, merged, count(end - merged), packed).await?;
        }
        self.extents.insert(node.to_owned(), Extent { bytes: end, merged: end });
        Ok(())
    }

    /// Stores how far the logs go.
    pub(crate) async fn close(self, tx: &Tx) -> Result<(), Error> {
        for (node, Extent { bytes, merged }) in self.extents {
            let set = "INSERT INTO log_node (release_id, node, bytes, merged) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (release_id, node) \
                       DO UPDATE SET bytes = excluded.bytes, merged = excluded.merged";
            let values = [self.release.0.into(), node.into(), bytes.into(), merged.into()];
            execute(tx.db(), sql(set, values)).await?;
        }
        Ok(())
    }

    async fn extent(&self, tx: &Tx, node: &str) -> Result<Extent, Error> {
        if let Some(extent) = self.extents.get(node) {
            return Ok(*extent);
        }
        let extent = "SELECT bytes, merged FROM log_node WHERE release_id = $1 AND node = $2";
        Ok(one(tx.db(), sql(extent, [self.release.0.into(), node.into()])).await?.unwrap_or_default())
    }

    async fn insert(
        &self,
        tx: &Tx,
        node: &str,
        start: i64,
        bytes: u64,
        packed: Vec<u8>,
    ) -> Result<(), Error> {
        let insert =
            "INSERT INTO log_chunk (release_id, node, start, bytes, text) VALUES ($1, $2, $3, $4, $5)";
        let values =
            [self.release.0.into(), node.into(), start.into(), bytes.cast_signed().into(), packed.into()];
        execute(tx.db(), sql(insert, values)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_becomes_facts_without_a_split_character() {
        let text = "€".repeat(MAX_FACT);
        let mut joined = String::new();
        for chunk in chunks(&text).unwrap() {
            assert!(chunk.bytes <= MAX_FACT as u64);
            let bytes = chunk.bytes.cast_signed();
            Piece { start: 0, bytes, text: chunk.packed }.unpack_onto(&mut joined).unwrap();
        }
        assert!(joined == text);
        assert!(chunks("").unwrap().is_empty());
    }
}
