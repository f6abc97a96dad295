//! `put`: a file or a folder to many servers at once. It goes to Aweigh once, as a tar stream.

use std::fs;
use std::io::{self, Write};

use futures::stream;
use reqwest::Body;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::transfer::{Bar, Outcome, follow};
use crate::advice::Advised;
use crate::cli::PutArgs;
use crate::client::{Ask, Client};
use crate::exit::Ending;

/// How much is sent at once, in bytes, and how many of these pieces wait for the line.
const PIECE: usize = 256 * 1024;
const AHEAD: usize = 4;

pub(super) async fn run(client: &Client, args: PutArgs) -> anyhow::Result<Ending> {
    let from = args.from.clone();
    let found = fs::metadata(&from).map_err(|error| {
        Advised::new(
            format!("cannot read {}: {error}", from.display()),
            "name a file or a folder of this machine",
        )
    })?;
    let total = found.is_file().then_some(found.len());
    let (send, pieces) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut into = Pieces { send, piece: Vec::with_capacity(PIECE) };
        let mut bar = Bar::new();
        let mut sent = 0;
        let packed = transport::pack_one(&from, &mut into, &mut |bytes| {
            sent += bytes;
            bar.show("sent to Aweigh:", sent, total);
        });
        if let Err(error) = packed {
            into.send.blocking_send(Err(io::Error::other(error))).ok();
        }
    });
    let ask = Ask::at(&["put"])
        .with("servers", &args.servers)
        .with("to", &args.to)
        .maybe("replace", args.replace.then_some(1))
        .maybe("limit", args.moving.limit);
    let lines = client.upload_lines(&ask, body(pieces)).await?;
    let Outcome { done, .. } = follow(lines, args.moving.json).await?;
    Ok(if done.failed == 0 { Ending::Done } else { Ending::ServerFailed })
}

fn body(pieces: Receiver<io::Result<Vec<u8>>>) -> Body {
    Body::wrap_stream(stream::unfold(pieces, |mut pieces| async move {
        pieces.recv().await.map(|piece| (piece, pieces))
    }))
}

/// Writes into a body that is under way.
struct Pieces {
    send: Sender<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.send.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
