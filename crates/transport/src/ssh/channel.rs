//! One SSH channel: a task drains it all the time, its users read and write at their own pace.
//!
//! ```text
//! server ─▶ Pump ─▶ spool ─▶ ChannelReader          ChannelWriter ─▶ (the server's window) ─▶ server
//! ```
//!
//! The pump must never wait for anything but the disk: the library's loop waits for it, and
//! everything else waits for that loop. So whatever it has to send is sent by tasks of their own.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

use super::flow::Flow;
use super::guard::Ending;
use super::places::Place;
use crate::{Exit, spool};

/// Extended data of this type is standard error (RFC 4254 section 5.2).
const STDERR: u32 = 1;

/// What became of the command on a channel.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    Exited(Exit),
    /// It was never started.
    Refused,
    /// The server closed the channel without a word about it.
    Untold,
    /// The connection is gone, and nobody knows.
    Lost,
    /// Its output did not fit anywhere.
    Unread(String),
}

/// Held by every part that a user may keep; the channel is closed when the last one is dropped.
pub(super) type Share = Arc<DropGuard>;

/// All of one channel that a user may hold.
pub(super) struct Parts {
    pub(super) writer: ChannelWriter,
    pub(super) stdout: ChannelReader,
    pub(super) stderr: ChannelReader,
    pub(super) sender: Arc<ChannelWriteHalf<Msg>>,
    pub(super) fate: watch::Receiver<Option<Fate>>,
    pub(super) share: Share,
}

/// Takes apart a channel that is open.
pub(super) fn split(channel: Channel<Msg>, ending: Arc<Ending>, place: Option<Place>) -> (Parts, Pump) {
    let flow = Flow::new(ending.distance());
    let (receiver, sender) = channel.split();
    let sender = Arc::new(sender);
    let (stdout_in, stdout) = spool::spool();
    let (stderr_in, stderr) = spool::spool();
    let (fate_in, fate) = watch::channel(None);
    let (abandoned, eof, over) =
        (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    let share = Arc::new(abandoned.clone().drop_guard());
    let writer = ChannelWriter {
        inner: Box::pin(sender.make_writer()),
        flow: Arc::clone(&flow),
        patience: None,
        over: Box::pin(over.clone().cancelled_owned()),
        state: WriterState::Open,
        eof: Some(eof.clone().drop_guard()),
        _share: Arc::clone(&share),
    };
    let pump = Pump {
        receiver,
        sender: Arc::clone(&sender),
        stdout: stdout_in,
        stderr: stderr_in,
        fate: fate_in,
        ending,
        flow,
        abandoned,
        eof,
        _over: over.drop_guard(),
        place,
        has_ended: false,
    };
    let parts = Parts {
        writer,
        stdout: ChannelReader { spool: stdout, _share: Arc::clone(&share) },
        stderr: ChannelReader { spool: stderr, _share: Arc::clone(&share) },
        sender,
        fate,
        share,
    };
    (parts, pump)
}

/// The draining end of a channel.
pub(super) struct Pump {
    receiver: ChannelReadHalf,
    sender: Arc<ChannelWriteHalf<Msg>>,
    stdout: spool::Writer,
    stderr: spool::Writer,
    fate: watch::Sender<Option<Fate>>,
    ending: Arc<Ending>,
    flow: Arc<Flow>,
    abandoned: CancellationToken,
    eof: CancellationToken,
    _over: DropGuard,
    place: Option<Place>,
    /// Whether the server has said that nothing more comes.
    has_ended: bool,
}

impl Pump {
    /// Drains until the channel is closed from one of the two sides, and gives its place back.
    pub(super) async fn run(mut self) {
        let place = self.place.take();
        self.drain().await;
        if let Some(place) = place {
            place.leave();
        }
    }

    async fn drain(mut self) {
        let mut is_eof_sent = false;
        loop {
            tokio::select! {
                message = self.receiver.wait() => match message {
                    Some(ChannelMsg::Close) => return self.end(),
                    // The only request that asks for an answer is the one to start the command.
                    Some(ChannelMsg::Failure) => return self.refuse(),
                    None => return self.end_lost(),
                    Some(message) => if let Err(error) = self.take(message).await {
                        return self.overflow(&error);
                    },
                },
                () = self.eof.cancelled(), if !is_eof_sent => {
                    is_eof_sent = true;
                    let sender = Arc::clone(&self.sender);
                    tokio::spawn(async move { sender.eof().await });
                }
                () = self.abandoned.cancelled() => return self.close(),
            }
        }
    }

    async fn take(&mut self, message: ChannelMsg) -> io::Result<()> {
        match message {
            // Nothing comes behind the end (RFC 4254 section 5.3).
            ChannelMsg::Data { .. } | ChannelMsg::ExtendedData { .. } if self.has_ended => Ok(()),
            ChannelMsg::Data { data } => self.stdout.push(data).await,
            ChannelMsg::ExtendedData { data, ext: STDERR } => self.stderr.push(data).await,
            ChannelMsg::WindowAdjusted { new_size } => {
                self.flow.opened(new_size);
                Ok(())
            }
            ChannelMsg::Eof => {
                self.has_ended = true;
                self.finish(Ok(()));
                Ok(())
            }
            ChannelMsg::ExitStatus { exit_status } => {
                self.decide(Fate::Exited(Exit { code: Some(exit_status), signal: None }));
                Ok(())
            }
            ChannelMsg::ExitSignal { signal_name, .. } => {
                self.decide(Fate::Exited(Exit { code: None, signal: Some(signal_text(&signal_name)) }));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self, end: Result<(), (io::ErrorKind, String)>) {
        self.stdout.finish(end.clone());
        self.stderr.finish(end);
    }

    /// The first fate counts.
    fn decide(&self, fate: Fate) {
        self.fate.send_if_modified(|known| {
            let is_news = known.is_none();
            known.get_or_insert(fate);
            is_news
        });
    }

    /// The server closed the channel in good order; without an exit status nothing is known.
    fn end(mut self) {
        self.finish(Ok(()));
        self.decide(Fate::Untold);
    }

    fn refuse(mut self) {
        self.finish(Ok(()));
        self.decide(Fate::Refused);
        self.close();
    }

    fn end_lost(mut self) {
        self.finish(Err((io::ErrorKind::ConnectionReset, self.ending.lost().to_string())));
        self.decide(Fate::Lost);
    }

    fn overflow(mut self, error: &io::Error) {
        self.finish(Err((error.kind(), error.to_string())));
        self.decide(Fate::Unread(error.to_string()));
        self.close();
    }

    fn close(self) {
        let sender = Arc::clone(&self.sender);
        tokio::spawn(async move { sender.close().await });
    }
}

fn signal_text(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => name.clone(),
        known => format!("{known:?}"),
    }
}

/// What the server sent on one channel and one of its streams.
pub(crate) struct ChannelReader {
    spool: spool::Reader,
    _share: Share,
}

impl fmt::Debug for ChannelReader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ChannelReader").finish_non_exhaustive()
    }
}

impl AsyncRead for ChannelReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.spool).poll_read(cx, into)
    }
}

/// What goes to the server on one channel; waits while the server's window is full.
pub(crate) struct ChannelWriter {
    inner: Pin<Box<dyn AsyncWrite + Send + Sync>>,
    flow: Arc<Flow>,
    patience: Option<Pin<Box<Sleep>>>,
    /// The channel is closed. Without this a write would wait for ever for a window that
    /// nobody opens any more.
    over: Pin<Box<WaitForCancellationFutureOwned>>,
    state: WriterState,
    /// Dropping it makes the pump send the end of file.
    eof: Option<DropGuard>,
    _share: Share,
}

#[derive(Debug, PartialEq, Eq)]
enum WriterState {
    Open,
    Shut,
}

impl fmt::Debug for ChannelWriter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ChannelWriter").field("state", &self.state).finish_non_exhaustive()
    }
}

impl ChannelWriter {
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.over.as_mut().poll(cx).is_ready()
    }
}

impl AsyncWrite for ChannelWriter {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.state == WriterState::Shut || self.is_over(cx) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let this = &mut *self;
        if this.flow.poll(cx, &mut this.patience).is_pending() {
            return Poll::Pending;
        }
        let polled = this.inner.as_mut().poll_write(cx, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            this.flow.went(written);
        }
        polled
    }

    /// What was written is on its way; there is nothing to wait for.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Sends the end of file, after all that was written before.
    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state = WriterState::Shut;
        self.eof = None;
        Poll::Ready(Ok(()))
    }
}
