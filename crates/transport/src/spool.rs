//! Output that nobody has read yet: a little in memory, the rest in an unlinked temporary file.
//!
//! The SSH connection stalls for *all* channels when one of them is not drained, so output is
//! always taken at once. What its reader is too slow for waits here, bounded twice.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes of one stream that are kept in memory.
const MEMORY: usize = 512 * 1024;
/// Bytes of one stream that are kept on disk.
const DISK: u64 = 256 * 1024 * 1024;
/// Bytes that one look into the file brings back.
const CHUNK: u64 = 256 * 1024;

/// A pipe of one stream with the usual bounds.
pub(crate) fn spool() -> (Writer, Reader) {
    spool_of(MEMORY, DISK)
}

fn spool_of(memory: usize, disk: u64) -> (Writer, Reader) {
    let shared = Arc::new(Mutex::new(State::default()));
    let writer = Writer { shared: Arc::clone(&shared), memory, disk, file: None };
    (writer, Reader { shared, disk, fetch: None })
}

/// The filling end. Never waits for the reader, only for the disk.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Mutex<State>>,
    memory: usize,
    disk: u64,
    file: Option<Arc<File>>,
}

/// The emptying end. Dropping it makes the writer throw away what comes.
#[derive(Debug)]
pub(crate) struct Reader {
    shared: Arc<Mutex<State>>,
    disk: u64,
    fetch: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

/// Invariant: bytes in memory are older than bytes in the file.
#[derive(Debug, Default)]
struct State {
    memory: VecDeque<u8>,
    file: Option<Arc<File>>,
    /// How much was ever read from and written to the file. It is used as a ring, so a reader
    /// that stays a little behind for hours does not fill the disk.
    file_read: u64,
    file_written: u64,
    /// A write to the file is under way.
    writing: bool,
    end: Option<Result<(), (io::ErrorKind, String)>>,
    reader_is_gone: bool,
    waker: Option<Waker>,
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn file_is_empty(&self) -> bool {
        self.file_read == self.file_written && !self.writing
    }
}

/// A panic while the lock is held cannot leave the state half changed, so poison means nothing.
fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    /// Adds bytes. An error means that they do not fit on the disk, or not into the bound.
    pub(crate) async fn push(&mut self, bytes: Bytes) -> io::Result<()> {
        let at = {
            let mut state = lock(&self.shared);
            if state.reader_is_gone {
                return Ok(());
            }
            if state.file_is_empty() && state.memory.len().saturating_add(bytes.len()) <= self.memory {
                state.memory.extend(&bytes);
                state.wake();
                return Ok(());
            }
            let waiting = state.file_written.saturating_sub(state.file_read);
            if waiting.saturating_add(length(&bytes)) > self.disk {
                let text = format!("more than {} MiB were waiting for a reader", self.disk / 1024 / 1024);
                return Err(io::Error::new(io::ErrorKind::StorageFull, text));
            }
            state.writing = true;
            state.file_written
        };
        let written = self.write_at(bytes.clone(), at).await;
        let mut state = lock(&self.shared);
        state.writing = false;
        written?;
        state.file_written = at.saturating_add(length(&bytes));
        state.wake();
        Ok(())
    }

    async fn write_at(&mut self, bytes: Bytes, at: u64) -> io::Result<()> {
        let (open, ring) = (self.file.clone(), self.disk);
        let file = spawn_blocking(move || {
            let file = match open {
                Some(file) => file,
                None => Arc::new(tempfile::tempfile()?),
            };
            let offset = at % ring;
            let until_wrap = usize::try_from(ring - offset).unwrap_or(usize::MAX).min(bytes.len());
            let (first, rest) = bytes.split_at(until_wrap);
            file.write_all_at(first, offset)?;
            file.write_all_at(rest, 0)?;
            io::Result::Ok(file)
        })
        .await
        .map_err(io::Error::other)??;
        lock(&self.shared).file = Some(Arc::clone(&file));
        self.file = Some(file);
        Ok(())
    }

    /// Ends the stream: well, or with the error that its reader gets after the last byte.
    /// Only the first end counts.
    pub(crate) fn finish(&mut self, end: Result<(), (io::ErrorKind, String)>) {
        let mut state = lock(&self.shared);
        state.end.get_or_insert(end);
        state.wake();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish(Err((io::ErrorKind::ConnectionAborted, "the stream was given up".to_owned())));
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(fetch) = &mut self.fetch {
                let bytes = ready!(Pin::new(fetch).poll(cx)).map_err(io::Error::other)??;
                self.fetch = None;
                let mut state = lock(&self.shared);
                state.memory.extend(&bytes);
                state.file_read = state.file_read.saturating_add(length(&bytes));
                if state.file_is_empty() {
                    state.file_read = 0;
                    state.file_written = 0;
                }
            }
            let fetch = {
                let mut state = lock(&self.shared);
                if !state.memory.is_empty() {
                    let count = into.remaining().min(state.memory.len());
                    take(&mut state.memory, count, into);
                    return Poll::Ready(Ok(()));
                }
                match (&state.file, state.file_written.saturating_sub(state.file_read)) {
                    (Some(file), waiting @ 1..) => {
                        let (file, at, ring) = (Arc::clone(file), state.file_read, self.disk);
                        spawn_blocking(move || fetch(&file, at, waiting.min(CHUNK), ring))
                    }
                    _ => match &state.end {
                        Some(Ok(())) => return Poll::Ready(Ok(())),
                        Some(Err((kind, text))) => {
                            return Poll::Ready(Err(io::Error::new(*kind, text.clone())));
                        }
                        None => {
                            state.waker = Some(cx.waker().clone());
                            return Poll::Pending;
                        }
                    },
                }
            };
            self.fetch = Some(fetch);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = lock(&self.shared);
        state.reader_is_gone = true;
        state.memory = VecDeque::new();
    }
}

/// Moves the first `count` bytes out of the queue.
fn take(queue: &mut VecDeque<u8>, count: usize, into: &mut ReadBuf<'_>) {
    let (first, second) = queue.as_slices();
    let first = first.get(..count).unwrap_or(first);
    into.put_slice(first);
    let rest = count.saturating_sub(first.len());
    into.put_slice(second.get(..rest).unwrap_or(second));
    queue.drain(..count);
}

/// Reads `count` bytes that begin `at` bytes into the ring's history.
fn fetch(file: &File, at: u64, count: u64, ring: u64) -> io::Result<Vec<u8>> {
    let offset = at % ring;
    let until_wrap = (ring - offset).min(count);
    let mut bytes = vec![0; usize::try_from(until_wrap).unwrap_or(0)];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    fn numbers(from: u32, count: u32) -> Bytes {
        (from..from + count).flat_map(u32::to_be_bytes).collect::<Vec<_>>().into()
    }

    fn waiting(writer: &Writer) -> u64 {
        let state = lock(&writer.shared);
        state.file_written - state.file_read
    }

    #[tokio::test]
    async fn order_is_kept_across_memory_file_and_the_ring_s_end() {
        let (mut writer, mut reader) = spool_of(64, 1024);
        let mut got = Vec::new();
        let mut next = 0;
        // The reader stays behind all the time, so the file wraps several times.
        for _ in 0..50 {
            for _ in 0..2 {
                writer.push(numbers(next, 25)).await.unwrap();
                next += 25;
            }
            let mut bytes = [0; 180];
            let count = reader.read(&mut bytes).await.unwrap();
            got.extend_from_slice(&bytes[..count]);
            while waiting(&writer) > 700 {
                let count = reader.read(&mut bytes).await.unwrap();
                got.extend_from_slice(&bytes[..count]);
            }
        }
        writer.finish(Ok(()));
        reader.read_to_end(&mut got).await.unwrap();
        assert!(got == numbers(0, next), "{} of {} bytes", got.len(), next * 4);
    }

    #[tokio::test]
    async fn memory_stays_within_its_bound_when_nobody_reads() {
        let (mut writer, _reader) = spool_of(1000, 1_000_000);
        for _ in 0..500 {
            writer.push(numbers(0, 100)).await.unwrap();
        }
        assert!(lock(&writer.shared).memory.len() <= 1000);
        assert_eq!(lock(&writer.shared).file_written, 500 * 400 - 800);
    }

    #[tokio::test]
    async fn a_full_spool_is_an_error_and_what_it_holds_can_still_be_read() {
        let (mut writer, mut reader) = spool_of(100, 400);
        writer.push(numbers(0, 25)).await.unwrap();
        writer.push(numbers(25, 100)).await.unwrap();
        let refused = writer.push(numbers(125, 1)).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        writer.finish(Err((refused.kind(), refused.to_string())));

        let mut got = Vec::new();
        let end = reader.read_to_end(&mut got).await.unwrap_err();
        assert_eq!(got, numbers(0, 125));
        assert_eq!(end.kind(), io::ErrorKind::StorageFull);
    }

    #[tokio::test]
    async fn a_writer_that_is_dropped_is_not_an_end_of_file() {
        let (mut writer, mut reader) = spool();
        writer.push(Bytes::from_static(b"half")).await.unwrap();
        drop(writer);
        let mut got = String::new();
        let end = reader.read_to_string(&mut got).await.unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn nothing_is_kept_for_a_reader_that_has_gone() {
        let (mut writer, reader) = spool_of(10, 10);
        drop(reader);
        for _ in 0..100 {
            writer.push(numbers(0, 100)).await.unwrap();
        }
        assert!(lock(&writer.shared).memory.is_empty());
    }
}
