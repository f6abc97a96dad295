//! A file that many lanes send at once: what one of them reads, the others take from memory.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;

/// How much is read at once, in bytes.
pub const PIECE: u64 = 128 * 1024;

/// How many pieces are remembered: lanes start together, and go on at nearly the same pace.
const REMEMBERED: usize = 32;

/// An open file that does not change any more. Clones share it.
#[derive(Debug, Clone)]
pub struct Body(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Arc<File>,
    bytes: u64,
    /// The pieces that were read last, by their place in the file.
    recent: Mutex<VecDeque<(u64, Bytes)>>,
}

impl Body {
    /// Opens the file. Blocking.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let (path, file) = (path.to_owned(), Arc::new(file));
        Ok(Self(Arc::new(Inner { path, file, bytes, recent: Mutex::default() })))
    }

    /// How long it is, in bytes.
    pub fn bytes(&self) -> u64 {
        self.0.bytes
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The piece at byte `at`; shorter than [`PIECE`] only at the end, where it is empty.
    pub async fn piece(&self, at: u64) -> std::io::Result<Bytes> {
        let length = usize::try_from(self.0.bytes.saturating_sub(at).min(PIECE)).unwrap_or(0);
        // Held while it is read, on purpose: whoever wants the same piece waits for it.
        let mut recent = self.0.recent.lock().await;
        if let Some((_, piece)) = recent.iter().find(|(place, _)| *place == at) {
            return Ok(piece.clone());
        }
        let file = Arc::clone(&self.0.file);
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; length];
            file.read_exact_at(&mut piece, at)?;
            Ok::<_, std::io::Error>(Bytes::from(piece))
        });
        let piece = read.await.map_err(std::io::Error::other)??;
        if recent.len() >= REMEMBERED {
            recent.pop_front();
        }
        recent.push_back((at, piece.clone()));
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_are_the_file_whoever_read_them_before() {
        let bytes: Vec<u8> = (0..PIECE * 40 + 17).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let body = Body::open(file.path()).unwrap();
        // The second one is far behind: what it wants is forgotten already.
        for _ in 0..2 {
            let mut read = Vec::new();
            loop {
                let piece = body.piece(read.len() as u64).await.unwrap();
                if piece.is_empty() {
                    break;
                }
                read.extend_from_slice(&piece);
            }
            assert_eq!(read, bytes);
        }
        assert_eq!(body.0.recent.lock().await.len(), REMEMBERED);
        // What was read once is not read again.
        std::fs::write(file.path(), []).unwrap();
        let last = PIECE * 40;
        assert_eq!(body.piece(last).await.unwrap().len(), 17);
        assert!(body.piece(0).await.is_err(), "a file that became shorter is told");
    }
}
