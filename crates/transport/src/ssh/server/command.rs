//! A command of the in-process server, from its start to the end of its channel.

use std::pin::pin;

use russh::server::{Handle, Msg};
use russh::{Channel, ChannelId, Sig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::intake;
use crate::process::Running;
use crate::{Exit, OutputReader, Signal, Stdin};

/// Bytes per message; larger ones have been lost around a change of keys.
const PIECE: usize = 32 * 1024;
/// Extended data of this type is standard error (RFC 4254 section 5.2).
const STDERR: u32 = 1;

/// What runs: a command, or a program on a terminal, which prints its errors there too.
pub(super) struct Work {
    pub(super) stdin: Stdin,
    pub(super) stdout: OutputReader,
    pub(super) stderr: Option<OutputReader>,
    pub(super) running: Running,
}

/// A command that has been started.
pub(super) struct Run {
    pub(super) work: Work,
    pub(super) channel: Channel<Msg>,
    pub(super) handle: Handle,
    pub(super) signals: mpsc::Receiver<Signal>,
}

impl Run {
    /// Pumps until the command has ended and all its output is sent. When the client closes the
    /// channel the streams are closed and the command goes on, as with OpenSSH, and a terminal
    /// hangs up; when the server stops the command is killed.
    pub(super) async fn until_it_ends(self, stop: CancellationToken) {
        let Run { work, channel, handle, mut signals } = self;
        let Work { mut stdin, stdout, stderr, mut running } = work;
        let id = channel.id();
        let (receiver, sender) = channel.split();
        let (mut input, client_left) = intake::take_in(receiver);
        let feed = async move {
            // The command may end before it has read everything; its exit tells the rest.
            let _ = tokio::io::copy(&mut input, &mut stdin).await;
            drop(stdin);
            std::future::pending::<()>().await;
        };
        let talk = async {
            let errors = async {
                if let Some(stderr) = stderr {
                    send(stderr, sender.make_writer_ext(Some(STDERR))).await;
                }
            };
            let outputs = async { tokio::join!(send(stdout, sender.make_writer()), errors) };
            tokio::join!(outputs, report(&mut running, &mut signals, &handle, id));
            // Only now, in this order: all data is on its way, and the status has been told.
            // These fail when the connection is gone, and with it whoever would want to know.
            let _ = handle.eof(id).await;
            let _ = handle.close(id).await;
        };
        tokio::select! {
            () = talk => return,
            () = feed => {}
            () = client_left.cancelled() => {}
            () = stop.cancelled() => {}
        }
        tokio::select! {
            _ = running.wait() => {}
            () = stop.cancelled() => {
                let _ = running.signal(Signal::Kill).await;
                let _ = running.wait().await;
            }
        }
    }
}

/// Passes signals on until the command has ended, then tells how.
async fn report(running: &mut Running, signals: &mut mpsc::Receiver<Signal>, handle: &Handle, id: ChannelId) {
    let ended = loop {
        tokio::select! {
            ended = running.wait() => break ended,
            Some(signal) = signals.recv() => {
                let _ = running.signal(signal).await;
            }
        }
    };
    let Ok(Exit { code, signal }) = ended else { return };
    let _ = match (code, signal) {
        (Some(code), _) => handle.exit_status_request(id, code).await,
        (None, Some(name)) => {
            handle.exit_signal_request(id, named(&name), false, String::new(), String::new()).await
        }
        (None, None) => Ok(()),
    };
}

/// Copies in pieces that fit into one message, as the client's window allows.
async fn send(mut from: impl AsyncRead + Unpin, to: impl AsyncWrite) {
    let mut to = pin!(to);
    let mut piece = vec![0; PIECE];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        let Some(bytes) = piece.get(..count) else { return };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

fn named(signal: &str) -> Sig {
    match signal {
        "ABRT" => Sig::ABRT,
        "ALRM" => Sig::ALRM,
        "FPE" => Sig::FPE,
        "HUP" => Sig::HUP,
        "ILL" => Sig::ILL,
        "INT" => Sig::INT,
        "KILL" => Sig::KILL,
        "PIPE" => Sig::PIPE,
        "QUIT" => Sig::QUIT,
        "SEGV" => Sig::SEGV,
        "TERM" => Sig::TERM,
        "USR1" => Sig::USR1,
        other => Sig::Custom(other.to_owned()),
    }
}
