//! A TCP stream that begins on another machine.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::ssh::{ChannelReader, ChannelWriter};

/// A byte stream to a port as seen from the session's machine; give it to an HTTP client.
/// Dropping it closes the connection.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpStream),
    Channel(ChannelReader, ChannelWriter),
}

impl Stream {
    pub(crate) fn of_socket(socket: TcpStream) -> Stream {
        Stream(Kind::Tcp(socket))
    }

    pub(crate) fn of_channel(reader: ChannelReader, writer: ChannelWriter) -> Stream {
        Stream(Kind::Channel(reader, writer))
    }

    /// Acknowledges what has come at once, where that is for us to say: the kernel would hold it back for 40 ms, and
    /// forgets the wish after a while (tcp(7)).
    pub(crate) fn acknowledge(&self) {
        if let Kind::Tcp(socket) = &self.0 {
            socket.set_quickack(true).ok();
        }
    }

    fn writer(self: Pin<&mut Self>) -> Pin<&mut (dyn AsyncWrite + Send + Unpin)> {
        match &mut self.get_mut().0 {
            Kind::Tcp(socket) => Pin::new(socket),
            Kind::Channel(_, writer) => Pin::new(writer),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(socket) => Pin::new(socket).poll_read(cx, into),
            Kind::Channel(reader, _) => Pin::new(reader).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writer().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer().poll_shutdown(cx)
    }
}
