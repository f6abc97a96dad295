//! Serving: accepts connections from the network and from the Unix socket until it is told to stop.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::{AppState, Peer, router};

/// How long the lines and headers of a request may take to arrive; it also ends idle connections.
const HEADERS: Duration = Duration::from_secs(30);

/// The longest head of a request, in bytes.
const HEAD: usize = 16 * 1024;

/// The most headers of a request.
const MOST_HEADERS: usize = 100;

/// The most connections at the same time.
const CONNECTIONS: usize = 4096;

/// How long requests under way may take to end after a stop.
const FAREWELL: Duration = Duration::from_secs(10);

/// The Unix socket, whose callers are the administrator but for some.
#[derive(Debug)]
pub struct Socket {
    /// Where they come in.
    pub listener: UnixListener,
    /// Whether the process with this number is nobody, although it can open the socket: it has to say who it is.
    pub is_stranger: fn(i32) -> bool,
}

/// Answers on both listeners until `stop`. Then long polls answer at once, other requests get a few seconds, and
/// what is left is cut off.
pub async fn serve(
    state: AppState,
    tcp: Option<TcpListener>,
    unix: Option<Socket>,
    stop: CancellationToken,
) -> io::Result<()> {
    let door = Door {
        router: router(state.clone()),
        stop: stop.clone(),
        room: Arc::new(Semaphore::new(CONNECTIONS)),
        open: TaskTracker::new(),
    };
    tokio::join!(door.network(tcp), door.socket(unix));
    state.closing.cancel();
    door.open.close();
    state.sockets.close();
    let ended = async { tokio::join!(door.open.wait(), state.sockets.wait()) };
    if tokio::time::timeout(FAREWELL, ended).await.is_err() {
        let connections = door.open.len() + state.sockets.len();
        tracing::warn!(connections, "connections were cut off at the end");
    }
    Ok(())
}

struct Door {
    router: Router,
    stop: CancellationToken,
    room: Arc<Semaphore>,
    open: TaskTracker,
}

impl Door {
    async fn network(&self, listener: Option<TcpListener>) {
        let Some(listener) = listener else { return self.stop.cancelled().await };
        while let Some(permit) = self.admit().await {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, from)) => {
                    // Small answers must not wait for a full packet; without it they are only slower.
                    stream.set_nodelay(true).ok();
                    self.spawn(stream, Peer::Network(from), permit);
                }
                Err(error) => rest(&error).await,
            }
        }
    }

    async fn socket(&self, socket: Option<Socket>) {
        let Some(Socket { listener, is_stranger }) = socket else { return self.stop.cancelled().await };
        while let Some(permit) = self.admit().await {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    // Without a number it comes from where processes of ours cannot be.
                    let caller = stream.peer_cred().ok().and_then(|caller| caller.pid());
                    let peer = if caller.is_some_and(is_stranger) { Peer::Stranger } else { Peer::socket() };
                    self.spawn(stream, peer, permit);
                }
                Err(error) => rest(&error).await,
            }
        }
    }

    /// Waits until there is room for one more connection; `None` after a stop.
    async fn admit(&self) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            permit = Arc::clone(&self.room).acquire_owned() => permit.ok(),
            () = self.stop.cancelled() => None,
        }
    }

    fn spawn<S>(&self, stream: S, peer: Peer, permit: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = self.router.clone();
        let stop = self.stop.clone();
        self.open.spawn(async move {
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer.clone());
                router.clone().oneshot(request.map(Body::new))
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS)
                .max_buf_size(HEAD)
                .max_headers(MOST_HEADERS)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            tokio::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
}

/// Out of file descriptors or the like: the connection is lost, and trying again at once would only burn the core.
async fn rest(error: &io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    tokio::time::sleep(Duration::from_millis(100)).await;
}
