//! Streams to ports as seen from the server (`direct-tcpip`). They do not count in `MaxSessions`.

use std::sync::Arc;

use russh::ChannelOpenFailure;
use tokio::sync::oneshot;

use super::{Connection, channel};
use crate::target::address;
use crate::{Error, Stream};

impl Connection {
    /// Opens a stream to `host`:`port`.
    pub(crate) async fn forward(self: &Arc<Self>, host: &str, port: u16) -> Result<Stream, Error> {
        if self.is_closed() {
            return Err(self.lost());
        }
        let (tell, told) = oneshot::channel();
        let (connection, host) = (Arc::clone(self), host.to_owned());
        // A task of its own, for the same reason as a command's.
        tokio::spawn(async move {
            let opened = connection.open_stream(&host, port).await;
            drop(connection);
            match opened {
                Err(error) => drop(tell.send(Err(error))),
                Ok((stream, pump)) => {
                    drop(tell.send(Ok(stream)));
                    pump.run().await;
                }
            }
        });
        told.await.unwrap_or_else(|_| Err(self.lost()))
    }

    async fn open_stream(&self, host: &str, port: u16) -> Result<(Stream, channel::Pump), Error> {
        // The origin is for the server's log; ours is nobody's business.
        let opening = self.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
        let channel = opening.await.map_err(|error| {
            let (from, to) = (self.address.clone(), address(host, port));
            match error {
                russh::Error::ChannelOpenFailure(ChannelOpenFailure::ConnectFailed) => {
                    Error::ForwardFailed { address: from, to }
                }
                russh::Error::ChannelOpenFailure(_) => Error::ForwardRefused { address: from, to },
                _ => self.lost(),
            }
        })?;
        let (parts, pump) = channel::split(channel, Arc::clone(&self.ending), None);
        Ok((Stream::of_channel(parts.stdout, parts.writer), pump))
    }
}
