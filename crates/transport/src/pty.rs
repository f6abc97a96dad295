//! Terminals of this machine (pty(7)): one side is held here, a program runs on the other.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use rustix::io::{Errno, ioctl_fionbio};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{InputModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Error, Size};

/// Our side of a terminal. The last clone that is dropped hangs up.
#[derive(Clone, Debug)]
pub(crate) struct Line(Arc<AsyncFd<OwnedFd>>);

/// Opens a terminal: our side, and the other one, for the program. Needs a runtime.
pub(crate) fn open(size: Size) -> io::Result<(Line, OwnedFd)> {
    // Nobody else whom this process starts may hold a side of it: it would never hang up.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let theirs = ioctl_tiocgptpeer(&ours, flags)?;
    let mut modes = tcgetattr(&theirs)?;
    // Backspace takes a whole character away, not one of its bytes.
    modes.input_modes |= InputModes::IUTF8;
    tcsetattr(&theirs, OptionalActions::Now, &modes)?;
    tcsetwinsize(&ours, winsize(size))?;
    ioctl_fionbio(&ours, true)?;
    #[expect(
        deprecated,
        reason = "the new name is unsafe for files that others may close; an OwnedFd is not closed"
    )]
    let line = AsyncFd::new(ours)?;
    Ok((Line(Arc::new(line)), theirs))
}

impl Line {
    /// Its size, for whoever does not keep it open.
    pub(crate) fn frame(&self) -> Frame {
        Frame(Arc::downgrade(&self.0))
    }
}

/// The size of a terminal that may be gone.
#[derive(Clone, Debug)]
pub(crate) struct Frame(Weak<AsyncFd<OwnedFd>>);

impl Frame {
    pub(crate) fn resize(&self, size: Size) -> Result<(), Error> {
        let Some(line) = self.0.upgrade() else { return Ok(()) };
        tcsetwinsize(line.get_ref(), winsize(size)).map_err(|error| Error::Terminal { source: error.into() })
    }
}

fn winsize(size: Size) -> Winsize {
    Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut readable = ready!(self.0.poll_read_ready(cx))?;
            let read =
                readable.try_io(|line| Ok(rustix::io::read(line.get_ref(), into.initialize_unfilled())?));
            match read {
                Ok(Ok(count)) => {
                    into.advance(count);
                    return Poll::Ready(Ok(()));
                }
                // Linux says so when nobody holds the other side any more: the end of what the screen shows.
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_not_yet) => {}
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut writable = ready!(self.0.poll_write_ready(cx))?;
            if let Ok(written) = writable.try_io(|line| Ok(rustix::io::write(line.get_ref(), bytes)?)) {
                return Poll::Ready(written);
            }
        }
    }

    /// What was written is there already.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// A terminal has no end of file but what is typed.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
