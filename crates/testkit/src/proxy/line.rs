//! How long and how wide a line is, and one direction of it: what goes in at one end, and when it comes out at the other.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::clock;

/// How much is read at once, in bytes.
const PIECE: u64 = 64 * 1024;

/// What a line without a rate carries in a second and has under way at least, in bytes: nobody here is faster.
const FAST: u64 = 512 * 1024 * 1024;
const ROOMY: u64 = 4 * 1024 * 1024;

/// What waits in front of a line with a rate, in bytes: what it carries in a tenth of a second, within these.
const QUEUE: std::ops::RangeInclusive<u64> = 64 * 1024..=256 * 1024;

/// What is read at once and is not longer is a word, in bytes; what is longer is a stream.
const WORD: usize = 4096;

/// A line; the default is loopback itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// How long every byte takes in each direction.
    pub delay: Duration,
    /// How many bytes a second each direction of each connection carries; none or zero is no limit.
    pub rate: Option<u64>,
}

impl Line {
    /// One direction of one connection.
    pub(super) fn direction(self) -> (Entrance, Exit) {
        let (put, get) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(usize::try_from(self.room()).unwrap_or(Semaphore::MAX_PERMITS)));
        (Entrance { line: self, room, put }, Exit(get))
    }

    fn limit(self) -> Option<u64> {
        self.rate.filter(|rate| *rate > 0)
    }

    /// How many bytes are on their way before the sender has to wait.
    fn room(self) -> u64 {
        let on_the_way = |rate: u64| {
            let bytes = u128::from(rate) * self.delay.as_nanos() / 1_000_000_000;
            u64::try_from(bytes).unwrap_or(u64::MAX)
        };
        match self.limit() {
            None => on_the_way(FAST).max(ROOMY),
            Some(rate) => on_the_way(rate).saturating_add((rate / 10).clamp(*QUEUE.start(), *QUEUE.end())),
        }
    }

    /// How many bytes are sent one behind the other as if they were one: few where they take their time.
    fn piece(self) -> usize {
        let bytes = self.limit().map_or(PIECE, |rate| (rate / 200).clamp(1024, PIECE / 4));
        usize::try_from(bytes).unwrap_or(1024)
    }

    /// How long so many bytes need to get onto the line.
    fn width(self, bytes: usize) -> Duration {
        let nanos = |rate| u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(1_000_000_000) / rate;
        Duration::from_nanos(self.limit().map_or(0, nanos))
    }
}

/// Bytes under way, and the place that they take; the last ones are none.
struct Piece {
    due: Instant,
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// The end where bytes go in.
pub(super) struct Entrance {
    line: Line,
    room: Arc<Semaphore>,
    put: mpsc::UnboundedSender<Piece>,
}

impl Entrance {
    /// Takes in what comes, up to its end; where there is no room, it comes later. Tells `seen` how many bytes came.
    pub(super) async fn take_in(self, mut from: OwnedReadHalf, seen: impl Fn(usize)) -> io::Result<()> {
        let mut free_at = Instant::now();
        let mut buffer = vec![0; self.line.piece()];
        loop {
            let count = from.read(&mut buffer).await?;
            let bytes = buffer.get(..count).unwrap_or_default().to_vec();
            if count > 0 {
                seen(count);
            }
            // A sender without TCP_NODELAY waits with its next word until this one is acknowledged.
            if count <= WORD {
                from.as_ref().set_quickack(true).ok();
            }
            let Some(room) = self.room(count).await else { return Ok(()) };
            free_at = free_at.max(Instant::now()) + self.line.width(count);
            let piece = Piece { due: free_at + self.line.delay, bytes, _room: room };
            if self.put.send(piece).is_err() || count == 0 {
                return Ok(());
            }
        }
    }

    async fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).ok()?;
        Arc::clone(&self.room).acquire_many_owned(bytes).await.ok()
    }
}

/// The end where they come out.
pub(super) struct Exit(mpsc::UnboundedReceiver<Piece>);

impl Exit {
    /// Lets everything out when it is due, and the end behind it. Tells `seen` how many bytes come out, before they do.
    pub(super) async fn let_out(mut self, mut to: OwnedWriteHalf, seen: impl Fn(usize)) -> io::Result<()> {
        while let Some(piece) = self.0.recv().await {
            clock::until(piece.due).await;
            if !piece.bytes.is_empty() {
                seen(piece.bytes.len());
            }
            to.write_all(&piece.bytes).await?;
        }
        to.shutdown().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(millis: u64, rate: Option<u64>) -> Line {
        Line { delay: Duration::from_millis(millis), rate }
    }

    #[test]
    fn a_long_line_holds_more_and_a_narrow_one_holds_little() {
        assert_eq!(line(0, None).room(), ROOMY);
        assert_eq!(line(25, None).room(), FAST / 40);
        assert_eq!(line(25, Some(1_000_000)).room(), 25_000 + 100_000);
        assert_eq!(line(0, Some(10_000)).room(), 64 * 1024);
        assert_eq!(line(0, Some(1_000_000_000)).room(), 256 * 1024);
    }

    #[test]
    fn bytes_take_the_time_that_the_rate_says() {
        assert_eq!(line(0, None).width(1 << 20), Duration::ZERO);
        assert_eq!(line(0, Some(0)).width(1 << 20), Duration::ZERO);
        assert_eq!(line(0, Some(1_000_000)).width(5000), Duration::from_millis(5));
        for rate in [None, Some(0), Some(1), Some(1_000_000), Some(u64::MAX)] {
            let line = line(0, rate);
            assert!(line.piece() > 0 && line.piece() as u64 <= line.room(), "{rate:?}");
        }
    }
}
