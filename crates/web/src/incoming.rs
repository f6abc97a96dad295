//! Large bodies: read piece by piece by somebody who blocks.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::StreamExt;
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::timeout;

/// How long a client may say nothing.
const SILENCE: Duration = Duration::from_mins(1);

/// How many pieces wait for the reader.
const AHEAD: usize = 16;

/// What is read after the reader has had enough, at most so long and so many bytes: many clients write all before they read,
/// and a connection that is closed in the middle loses them the answer.
const LINGER: Duration = Duration::from_secs(10);
const LINGER_BYTES: usize = 256 * 1024 * 1024;

/// A body as a file that blocks its reader. The future brings the pieces; it ends when the body does, or a little after the
/// reader is gone.
pub(crate) fn reader(body: Body) -> (Incoming, impl Future<Output = ()>) {
    let (pieces, incoming) = mpsc::channel(AHEAD);
    let bring = async move {
        let mut body = body.into_data_stream();
        loop {
            let piece = match timeout(SILENCE, body.next()).await {
                Ok(None) => return,
                Ok(Some(Ok(piece))) => Ok(piece),
                Ok(Some(Err(error))) => Err(io::Error::other(error)),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "nothing came for a minute")),
            };
            let failed = piece.is_err();
            if pieces.send(piece).await.is_err() {
                break;
            }
            if failed {
                return;
            }
        }
        let mut left = LINGER_BYTES;
        let rest = async {
            while let Some(Ok(piece)) = body.next().await {
                left = left.saturating_sub(piece.len());
                if left == 0 {
                    return;
                }
            }
        };
        // Whoever is still writing then does not want to hear.
        let _ = timeout(LINGER, rest).await;
    };
    (Incoming { pieces: incoming, piece: Bytes::new() }, bring)
}

/// The reading end. Must be read where blocking is allowed.
pub(crate) struct Incoming {
    pieces: Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Incoming {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let part = self.piece.split_to(into.len().min(self.piece.len()));
        into.iter_mut().zip(&part).for_each(|(to, from)| *to = *from);
        Ok(part.len())
    }
}
