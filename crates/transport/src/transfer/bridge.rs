//! A stream in the hands of work that blocks, which ends with whoever waits for it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::io::SyncIoBridge;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Does `work`, which blocks, with `stream`. When this is dropped, the next byte that it reads or writes is an error; what it
/// holds is dropped when it has ended.
pub(super) async fn with_stream<S, T, W>(stream: S, work: W) -> Result<T, JoinError>
where
    S: Unpin + Send + 'static,
    T: Send + 'static,
    W: FnOnce(SyncIoBridge<Waited<S>>) -> T + Send + 'static,
{
    let given_up = CancellationToken::new();
    let stream = Waited { stream, given_up: Box::pin(given_up.clone().cancelled_owned()) };
    let _until_dropped = given_up.drop_guard();
    let stream = SyncIoBridge::new(stream);
    spawn_blocking(move || work(stream)).await
}

/// A stream that works for as long as somebody waits for what is done with it.
pub(super) struct Waited<S> {
    stream: S,
    given_up: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<S: Unpin> Waited<S> {
    /// The stream, or why it is not used any more; then whoever waits for it is woken.
    fn used(&mut self, cx: &mut Context<'_>) -> io::Result<Pin<&mut S>> {
        if self.given_up.as_mut().poll(cx).is_ready() {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "nobody waits for it any more"));
        }
        Ok(Pin::new(&mut self.stream))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Waited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.used(cx)?.poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Waited<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.used(cx)?.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.used(cx)?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.used(cx)?.poll_shutdown(cx)
    }
}
