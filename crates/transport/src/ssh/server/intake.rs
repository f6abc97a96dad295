//! What a client sends on a channel of the in-process server, taken at once: a command that does
//! not read must not stall the connection.

use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::spool::{self, Reader};

/// Drains a channel into a spool, and tells when the client has closed it or is gone.
pub(super) fn take_in(mut receiver: ChannelReadHalf) -> (Reader, CancellationToken) {
    let (mut writer, reader) = spool::spool();
    let closed = CancellationToken::new();
    let guard = closed.clone().drop_guard();
    tokio::spawn(async move {
        let _guard = guard;
        while let Some(message) = receiver.wait().await {
            let kept = match message {
                ChannelMsg::Data { data } => writer.push(data).await,
                ChannelMsg::Eof => {
                    writer.finish(Ok(()));
                    Ok(())
                }
                ChannelMsg::Close => return,
                _ => Ok(()),
            };
            if kept.is_err() {
                return;
            }
        }
    });
    (reader, closed)
}

/// Joins a socket and a channel until both directions have ended.
pub(super) async fn join(socket: TcpStream, channel: Channel<Msg>) {
    let (receiver, sender) = channel.split();
    let (mut input, closed) = take_in(receiver);
    let (mut from_socket, mut to_socket) = socket.into_split();
    let mut output = Box::pin(sender.make_writer());
    let both = async {
        let inwards = async {
            let copied = tokio::io::copy(&mut input, &mut to_socket).await;
            drop(to_socket.shutdown().await);
            copied
        };
        let outwards = async {
            let copied = tokio::io::copy(&mut from_socket, &mut output).await;
            drop(sender.eof().await);
            copied
        };
        tokio::join!(inwards, outwards)
    };
    tokio::select! {
        _ = both => {}
        () = closed.cancelled() => {}
    }
    // Nobody is left to be told when this fails.
    drop(sender.close().await);
}
