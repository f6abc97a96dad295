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
    patient_reader(body, SILENCE, LINGER)
}

fn patient_reader(body: Body, silence: Duration, linger: Duration) -> (Incoming, impl Future<Output = ()>) {
    let (pieces, incoming) = mpsc::channel(AHEAD);
    let bring = async move {
        let mut body = body.into_data_stream();
        loop {
            let next = tokio::select! {
                () = pieces.closed() => break,
                next = timeout(silence, body.next()) => next,
            };
            let piece = match next {
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
        let _ = timeout(linger, rest).await;
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
        into.get_mut(..part.len()).unwrap_or_default().copy_from_slice(&part);
        Ok(part.len())
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn body(pieces: Vec<io::Result<Bytes>>) -> Body {
        Body::from_stream(stream::iter(pieces))
    }

    /// Reads to the end on a thread that may block.
    async fn read(mut incoming: Incoming) -> io::Result<Vec<u8>> {
        let reading = tokio::task::spawn_blocking(move || {
            let mut read = Vec::new();
            incoming.read_to_end(&mut read).map(|_| read)
        });
        reading.await.unwrap()
    }

    #[tokio::test]
    async fn all_pieces_come_in_order_and_a_line_that_is_cut_is_an_error() {
        let pieces: Vec<Bytes> = (0..100_u8).map(|n| Bytes::from(vec![n; 1000])).collect();
        let (incoming, bring) = reader(body(pieces.iter().cloned().map(Ok).collect()));
        let (read_all, ()) = tokio::join!(read(incoming), bring);
        assert_eq!(read_all.unwrap(), pieces.concat());
        let cut = vec![Ok(Bytes::from_static(b"begun")), Err(io::Error::other("cut"))];
        let (incoming, bring) = reader(body(cut));
        let (read_all, ()) = tokio::join!(read(incoming), bring);
        assert!(read_all.unwrap_err().to_string().contains("cut"));
    }

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_hours(1);

    fn silent() -> Body {
        Body::from_stream(stream::pending::<io::Result<Bytes>>())
    }

    #[tokio::test]
    async fn a_silent_client_is_given_up() {
        let (mut incoming, bring) = patient_reader(silent(), SHORT, LONG);
        bring.await;
        let said = incoming.pieces.recv().await.unwrap().unwrap_err();
        assert_eq!(said.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_had_enough_is_held_neither_by_silence_nor_by_an_endless_body() {
        let (incoming, bring) = patient_reader(silent(), LONG, SHORT);
        drop(incoming);
        bring.await;
        let piece = || Ok::<_, io::Error>(Bytes::from(vec![0; 1 << 20]));
        let (incoming, bring) = patient_reader(Body::from_stream(stream::repeat_with(piece)), LONG, LONG);
        drop(incoming);
        bring.await;
    }
}
