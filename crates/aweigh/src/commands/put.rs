//! `put`: a file or a folder to many servers at once. It goes to Aweigh once, as a tar stream.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use futures::stream;
use reqwest::Body;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::transfer::{Bar, Outcome, follow};
use crate::advice::Advised;
use crate::cli::{MovingArgs, PutArgs};
use crate::client::{Ask, Client};
use crate::exit::Ending;

/// How much is sent at once, in bytes, and how many of these pieces wait for the line.
const PIECE: usize = 256 * 1024;
const AHEAD: usize = 4;

pub(super) async fn run(client: &Client, args: PutArgs) -> anyhow::Result<Ending> {
    let ask = Ask::at(&["put"])
        .with("servers", &args.servers)
        .with("to", &args.to)
        .maybe("replace", args.replace.then_some(1))
        .maybe("limit", args.moving.limit);
    send(client, &ask, args.from, args.moving).await
}

/// Sends a file or a folder of this machine to where `ask` leads, and shows how it goes on.
pub(super) async fn send(
    client: &Client,
    ask: &Ask<'_>,
    from: PathBuf,
    moving: MovingArgs,
) -> anyhow::Result<Ending> {
    let found = fs::metadata(&from).map_err(|error| {
        Advised::new(
            format!("cannot read {}: {error}", from.display()),
            "name a file or a folder of this machine",
        )
    })?;
    let total = found.is_file().then_some(found.len());
    let (send, pieces) = mpsc::channel(AHEAD);
    let packing = tokio::task::spawn_blocking(move || {
        let mut into = Pieces { send, piece: Vec::with_capacity(PIECE) };
        let mut bar = Bar::new();
        let mut sent = 0;
        let packed = transport::pack_one(&from, &mut into, &mut |bytes| {
            sent += bytes;
            bar.show("sent to Aweigh:", sent, total);
        });
        // A body that ends early must not look whole.
        if packed.is_err() {
            into.send.blocking_send(Err(io::ErrorKind::Interrupted.into())).ok();
        }
        packed
    });
    let lines = match client.upload_lines(ask, body(pieces)).await {
        Ok(lines) => lines,
        // What cannot be read here is the reason, and not the connection.
        Err(refusal) => match packing.await? {
            Err(error @ transport::Error::LocalFile { .. }) => {
                return Err(Advised::new(&error, error.hint()).into());
            }
            _ => return Err(refusal.into()),
        },
    };
    let Outcome { done, .. } = follow(lines, moving.json).await?;
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
