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
use tokio::net::{TcpListener, UnixListener, UnixStream};
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

/// The most connections at the same time of whoever may be anybody: from the network, and of strangers at the socket.
const CONNECTIONS: usize = 4096;

/// The most connections of the administrator through the socket. They are apart: however many others hold theirs, this way in
/// is open.
const OWN_CONNECTIONS: usize = 256;

/// How long requests under way may take to end after a stop.
const FAREWELL: Duration = Duration::from_secs(10);

/// The Unix socket, whose callers are the administrator but for some.
#[derive(Debug)]
pub struct Socket {
    /// Where they come in.
    pub listener: UnixListener,
    /// Whether the process at the other end is nobody, although it can open the socket: it has to say who it is.
    pub is_stranger: fn(&UnixStream) -> bool,
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
        own_room: Arc::new(Semaphore::new(OWN_CONNECTIONS)),
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
    own_room: Arc<Semaphore>,
    open: TaskTracker,
}

impl Door {
    async fn network(&self, listener: Option<TcpListener>) {
        let Some(listener) = listener else { return self.stop.cancelled().await };
        while let Some(permit) = self.admit(&self.room).await {
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
        while let Some(permit) = self.admit(&self.own_room).await {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) if is_stranger(&stream) => {
                    // They wait for nobody: whoever does keeps the next one from being asked who they are.
                    if let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() {
                        self.spawn(stream, Peer::Stranger, permit);
                    }
                }
                Ok((stream, _)) => self.spawn(stream, Peer::socket(), permit),
                Err(error) => rest(&error).await,
            }
        }
    }

    /// Waits until there is place in `room` for one more connection; `None` after a stop.
    async fn admit(&self, room: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            permit = Arc::clone(room).acquire_owned() => permit.ok(),
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    static ARE_STRANGERS: AtomicBool = AtomicBool::new(true);

    /// Asks over a connection, and leaves it open; whether it was answered.
    async fn is_answered(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> bool {
        // Whoever is turned away at once may not be able to write.
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.ok();
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.is_ok_and(|_| head == *b"HTTP/1.1 404")
    }

    #[tokio::test]
    async fn whoever_needs_no_login_to_hold_connections_does_not_close_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aweigh.sock");
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let socket = Socket {
            listener: UnixListener::bind(&path).unwrap(),
            is_stranger: |_| ARE_STRANGERS.load(Ordering::SeqCst),
        };
        let one = || Arc::new(Semaphore::new(1));
        let door = Door {
            router: Router::new(),
            stop: CancellationToken::new(),
            room: one(),
            own_room: one(),
            open: TaskTracker::new(),
        };
        let callers = async {
            let mut stranger = UnixStream::connect(&path).await.unwrap();
            // The network waits with a place in hand: there is none for a stranger, who keeps none from others.
            assert!(!is_answered(&mut stranger).await);
            let mut network = TcpStream::connect(address).await.unwrap();
            assert!(is_answered(&mut network).await);
            let mut stranger = UnixStream::connect(&path).await.unwrap();
            assert!(!is_answered(&mut stranger).await);
            ARE_STRANGERS.store(false, Ordering::SeqCst);
            let mut administrator = UnixStream::connect(&path).await.unwrap();
            assert!(is_answered(&mut administrator).await);
            door.stop.cancel();
        };
        let all = async { tokio::join!(door.network(Some(tcp)), door.socket(Some(socket)), callers) };
        assert!(tokio::time::timeout(Duration::from_secs(20), all).await.is_ok(), "the socket is closed");
    }
}
