//! Long answers: line by line, as things happen, one JSON object on each (`application/x-ndjson`); and bytes that somebody
//! writes who blocks.

use std::io::{self, Write};

use actions::Proof;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::AppState;
use crate::push::Reader;

/// One JSON value in each line.
pub(crate) const LINES: &str = "application/x-ndjson";

/// `lines` as an answer. It stops in the middle, without its last line, when Aweigh stops and when the right to be here is
/// taken back. Whoever goes away drops `lines`.
pub(crate) fn lines<T: Serialize>(
    state: AppState,
    proof: Proof,
    lines: impl Stream<Item = T> + Send + 'static,
) -> Response {
    let over = async move {
        tokio::select! {
            () = state.closing.cancelled() => {}
            () = Reader::revoked(&state, &proof) => {}
        }
    };
    let text = lines.map(|line| {
        let mut line = serde_json::to_vec(&line)?;
        line.push(b'\n');
        Ok::<_, serde_json::Error>(Bytes::from(line))
    });
    let body = Body::from_stream(text.take_until(Box::pin(over)));
    ([(CONTENT_TYPE, LINES)], body).into_response()
}

/// How much is written at once, in bytes, and how many of these pieces wait for whoever reads them.
const PIECE: usize = 64 * 1024;
const AHEAD: usize = 16;

/// A body, and what writes it. A writer that is dropped before it was flushed leaves a body that breaks off: nobody takes that
/// for the whole.
pub(crate) fn writer() -> (Outgoing, Body) {
    let (pieces, rest) = mpsc::channel(AHEAD);
    let body = stream::unfold(Some(rest), |rest: Option<Receiver<Option<Bytes>>>| async move {
        let mut rest = rest?;
        match rest.recv().await {
            Some(Some(piece)) => Some((Ok(piece), Some(rest))),
            Some(None) => None,
            None => Some((Err(io::Error::from(io::ErrorKind::UnexpectedEof)), None)),
        }
    });
    (Outgoing { pieces, piece: Vec::with_capacity(PIECE) }, Body::from_stream(body))
}

/// The writing end. Must be written where blocking is allowed, and flushed at its end alone.
pub(crate) struct Outgoing {
    /// Pieces, and nothing behind the last one.
    pieces: Sender<Option<Bytes>>,
    piece: Vec<u8>,
}

impl Outgoing {
    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.pieces.blocking_send(Some(piece.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()?;
        self.pieces.blocking_send(None).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(write: impl FnOnce(&mut Outgoing) -> io::Result<()> + Send + 'static) -> Option<Vec<u8>> {
        let (mut into, body) = writer();
        let writing = tokio::task::spawn_blocking(move || write(&mut into));
        let read = axum::body::to_bytes(body, usize::MAX).await;
        writing.await.unwrap().ok();
        read.ok().map(|bytes| bytes.to_vec())
    }

    #[tokio::test]
    async fn what_was_written_to_its_end_comes_whole_and_the_rest_breaks_off() {
        let text: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let whole = text.clone();
        let come = read(move |into| into.write_all(&whole).and_then(|()| into.flush())).await;
        assert!(come == Some(text));
        assert_eq!(read(|into| into.write_all(b"half")).await, None);
        assert_eq!(read(|_| Err(io::ErrorKind::Other.into())).await, None);
    }
}
