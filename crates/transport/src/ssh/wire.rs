//! The socket below SSH, TCP or a stream through a jump host: remembers what the server said first and
//! when it was last heard, acknowledges short answers at once, notices when nothing can be sent any
//! more, and can be cut from outside.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::guard::Ending;
use crate::Stream;

/// How much of the server's first words is kept.
const FIRST_WORDS: usize = 255;
/// How many of their characters a message shows.
const SHOWN: usize = 120;
/// What is read at once and is not longer is an answer, in bytes; what is longer is a stream.
const ANSWER: usize = 4096;

/// The first bytes that a server sent, for messages about handshakes that failed.
#[derive(Debug, Default)]
pub(super) struct FirstWords(Mutex<Vec<u8>>);

impl FirstWords {
    fn listen(&self, bytes: &[u8]) {
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = FIRST_WORDS.saturating_sub(words.len());
        words.extend(bytes.iter().take(room));
    }

    /// Whether anything at all was received.
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Whether the server has begun to say which SSH it speaks.
    pub(super) fn is_ssh(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).starts_with(b"SSH-")
    }

    /// Whether the server says that it is OpenSSH.
    pub(super) fn is_openssh(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).starts_with(b"SSH-2.0-OpenSSH")
    }

    /// The first line in printable ASCII, unless it is an SSH banner.
    pub(super) fn unlike_ssh(&self) -> Option<String> {
        let words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = words.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let text: String = line
            .iter()
            .filter(|byte| byte.is_ascii_graphic() || **byte == b' ')
            .take(SHOWN)
            .map(|byte| char::from(*byte))
            .collect();
        (!text.is_empty() && !text.starts_with("SSH-")).then_some(text)
    }
}

/// What one connection runs on.
pub(super) struct Socket {
    pub(super) stream: Stream,
    /// The jump host that carries it: what messages call it, and its end.
    pub(super) carrier: Option<(String, Arc<Ending>)>,
}

/// The socket of one connection.
pub(super) struct Wire {
    socket: Socket,
    first_words: Arc<FirstWords>,
    ending: Arc<Ending>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    patience: Duration,
    /// Runs while a write waits. The library asks for signs of life only between writes, so a
    /// dead line in the middle of an upload would go unnoticed until TCP gives up (15 minutes).
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) fn new(
        socket: Socket,
        first_words: Arc<FirstWords>,
        ending: Arc<Ending>,
        patience: Duration,
    ) -> Wire {
        let cut = Box::pin(ending.cut_token().cancelled_owned());
        Wire { socket, first_words, ending, cut, patience, stalled: None }
    }

    fn hear(&self, heard: &[u8]) {
        self.first_words.listen(heard);
        self.ending.hear();
        // sshd does not set TCP_NODELAY for commands: its second small packet waits for our acknowledgement of the
        // first.
        if heard.len() <= ANSWER {
            self.socket.stream.acknowledge();
        }
    }

    /// A stream ends with an error only when the connection that carries it is gone.
    fn note_carrier(&self) {
        if let Some((address, ending)) = &self.socket.carrier {
            self.ending.note(&format!("the jump host {address} is gone: {}", ending.why()));
        }
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let patience = self.patience;
        let sleep = self.stalled.get_or_insert_with(|| {
            // A deadline and not a duration, so that a huge one cannot overflow.
            let deadline = Instant::now().checked_add(patience);
            Box::pin(tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)))
        });
        sleep.as_mut().poll(cx).map(|()| {
            let text = "the server takes no data any more";
            Err(io::Error::new(io::ErrorKind::TimedOut, text))
        })
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        let before = into.filled().len();
        let polled = Pin::new(&mut self.socket.stream).poll_read(cx, into);
        match &polled {
            Poll::Ready(Ok(())) => self.hear(into.filled().get(before..).unwrap_or_default()),
            Poll::Ready(Err(_)) => self.note_carrier(),
            Poll::Pending => {}
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_cut(cx)?;
        match Pin::new(&mut self.socket.stream).poll_write(cx, bytes) {
            Poll::Pending => self.poll_patience(cx),
            ready @ Poll::Ready(_) => {
                self.stalled = None;
                ready
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The library would keep an error of this for itself, and with it the reason of the end.
        Pin::new(&mut self.socket.stream).poll_shutdown(cx).map(|_| Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words_are_shown_as_one_printable_line() {
        let check = |heard: &[u8], shown: Option<&str>| {
            let words = FirstWords::default();
            words.listen(heard);
            assert_eq!(words.unlike_ssh().as_deref(), shown);
        };
        check(b"", None);
        check(b"SSH-2.0-OpenSSH_9.2\r\n\0\0\x05", None);
        check(b"Exceeded MaxStartups\r\n", Some("Exceeded MaxStartups"));
        check(b"\x1b[31mred\x07\nsecond", Some("[31mred"));
        check(&[b'x'; 4000], Some(&"x".repeat(SHOWN)));
    }
}
