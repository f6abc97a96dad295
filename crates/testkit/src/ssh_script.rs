//! Servers that misbehave by script, and a relay that makes the way to a good one bad.
//!
//! For a server that refuses channels or asks strange questions use `transport::server`.

#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a rig that cannot be set up fails its test with a clear text"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// What a server does to everyone who connects.
#[derive(Clone, Debug)]
pub enum Script {
    /// Accepts, and never says a word.
    Silent,
    /// Sends lines that are no banner, without end.
    EndlessBanner,
    /// Says this and closes.
    Says(Vec<u8>),
    /// Says this and nothing more, and keeps the connection open.
    SaysAndWaits(Vec<u8>),
    /// Says the first, then the other again and again, without end.
    Floods {
        /// What it says once.
        first: Vec<u8>,
        /// What it says again and again.
        again: Vec<u8>,
    },
    /// Passes everything on to a real server, with faults.
    Relay {
        /// The real server.
        to: SocketAddr,
        /// What is wrong with the way.
        faults: Faults,
    },
}

/// What is wrong with the way to a server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Added to each direction, without a limit of the bandwidth.
    pub delay: Duration,
    /// Closes each connection after so many bytes from the server.
    pub cut_after: Option<u64>,
    /// Passes nothing more, and closes nothing, after so many bytes from the server.
    pub freeze_after: Option<u64>,
}

/// A running script on a free port of 127.0.0.1. Dropping it closes everything.
#[derive(Debug)]
pub struct ScriptedServer {
    port: u16,
    connections: Arc<AtomicUsize>,
    traffic: Arc<watch::Sender<Traffic>>,
    listening: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Traffic {
    Flows,
    Frozen,
    Cut,
}

impl ScriptedServer {
    /// Starts the script.
    pub async fn start(script: Script) -> ScriptedServer {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = bound.unwrap_or_else(|error| panic!("no free port: {error}"));
        let port = listener.local_addr().unwrap_or_else(|error| panic!("no port: {error}")).port();
        let connections = Arc::new(AtomicUsize::new(0));
        let traffic = Arc::new(watch::channel(Traffic::Flows).0);
        let (counter, switch) = (Arc::clone(&connections), Arc::clone(&traffic));
        let listening = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let (script, mut cut) = (script.clone(), switch.subscribe());
                let play = play(socket, script, Arc::clone(&switch));
                tokio::spawn(async move {
                    tokio::select! {
                        () = play => {}
                        _ = cut.wait_for(|traffic| *traffic == Traffic::Cut) => {}
                    }
                });
            }
        });
        ScriptedServer { port, connections, traffic, listening }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many have connected so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Closes all connections now, and each new one at once.
    pub fn cut(&self) {
        self.traffic.send_replace(Traffic::Cut);
    }

    /// Passes nothing any more, and closes nothing: the cable is out.
    pub fn freeze(&self) {
        self.traffic.send_replace(Traffic::Frozen);
    }

    /// Puts the cable back.
    pub fn thaw(&self) {
        self.traffic.send_replace(Traffic::Flows);
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

async fn play(mut socket: TcpStream, script: Script, traffic: Arc<watch::Sender<Traffic>>) {
    match script {
        Script::Silent => std::future::pending().await,
        Script::EndlessBanner => while socket.write_all(b"please hold the line\r\n").await.is_ok() {},
        Script::Says(words) => {
            drop(socket.write_all(&words).await);
            drop(socket.shutdown().await);
        }
        Script::SaysAndWaits(words) => {
            drop(socket.write_all(&words).await);
            std::future::pending::<()>().await;
        }
        Script::Floods { first, again } => {
            drop(socket.write_all(&first).await);
            let many = again.repeat(32 * 1024 / again.len().max(1) + 1);
            while socket.write_all(&many).await.is_ok() {}
        }
        Script::Relay { to, faults } => {
            let Ok(server) = TcpStream::connect(to).await else { return };
            let ((from_client, to_client), (from_server, to_server)) =
                (socket.into_split(), server.into_split());
            let up = relay(
                from_client,
                to_server,
                Faults { cut_after: None, freeze_after: None, ..faults },
                traffic.subscribe(),
            );
            let down = relay(from_server, to_client, faults, traffic.subscribe());
            // One end that closes ends the connection; halves are of no use to SSH.
            tokio::select! {
                () = up => {}
                () = down => {}
            }
        }
    }
}

/// One direction: a reader stamps what comes with the time at which the writer may pass it on.
async fn relay(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    faults: Faults,
    mut traffic: watch::Receiver<Traffic>,
) {
    let (stamp, mut stamped) = mpsc::channel::<(Instant, Vec<u8>)>(64);
    let read = async move {
        let mut piece = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut piece).await {
            let bytes = piece.iter().take(count).copied().collect();
            if stamp.send((Instant::now() + faults.delay, bytes)).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        let mut passed = 0;
        while let Some((due, bytes)) = stamped.recv().await {
            sleep_until(due).await;
            if traffic.wait_for(|traffic| *traffic == Traffic::Flows).await.is_err() {
                return;
            }
            let limit = faults.cut_after.or(faults.freeze_after).unwrap_or(u64::MAX);
            let room = usize::try_from(limit.saturating_sub(passed)).unwrap_or(usize::MAX);
            let allowed = bytes.get(..room.min(bytes.len())).unwrap_or_default();
            if to.write_all(allowed).await.is_err() {
                return;
            }
            passed = passed.saturating_add(u64::try_from(allowed.len()).unwrap_or(u64::MAX));
            if passed >= limit && faults.cut_after.is_some() {
                return;
            }
            if passed >= limit {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = write => {}
        // What was read before the end must still arrive, so only the writer's end counts.
        () = async { read.await; std::future::pending().await } => {}
    }
}
