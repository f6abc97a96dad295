//! An SSH server inside this process, for `aweigh demo` and for tests of faults.
//!
//! It behaves like OpenSSH where it matters: commands run by a real `sh`, go on when their
//! channel is closed, and report exit codes and signals. It listens on loopback only.

mod builder;
mod command;
mod guest;
mod intake;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use russh::Disconnect;
use russh::server::{Config, run_stream};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use builder::Builder;
use builder::Settings;
use guest::Guest;

use crate::HostKey;

/// A running server. Dropping it stops it; [`Server::stop`] also waits.
#[derive(Debug)]
pub struct Server {
    port: u16,
    host_key: HostKey,
    house: Arc<House>,
}

/// What all connections of one server share.
#[derive(Debug)]
struct House {
    settings: Settings,
    stop: CancellationToken,
    tasks: TaskTracker,
    attempts: Mutex<Vec<String>>,
}

impl House {
    /// Notes a try to log in.
    fn note(&self, attempt: &str) {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).push(attempt.to_owned());
    }
}

impl Server {
    /// Describes a server to start.
    pub fn builder() -> Builder {
        Builder::default()
    }

    async fn start(settings: Settings, config: Config, host_key: HostKey) -> std::io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await?;
        let port = listener.local_addr()?.port();
        let house = Arc::new(House {
            settings,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            attempts: Mutex::default(),
        });
        house.tasks.spawn(listen(listener, Arc::new(config), Arc::clone(&house)));
        Ok(Server { port, host_key, house })
    }

    /// Where it listens, always on 127.0.0.1.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The key to pin.
    pub fn host_key(&self) -> &HostKey {
        &self.host_key
    }

    /// Every try to log in so far, in order: `none`, `password`, `publickey` (a key that proved
    /// itself), `offer` (one that was only shown), `keyboard-interactive`, and `answer` or
    /// `no answer` for each of its rounds.
    pub fn attempts(&self) -> Vec<String> {
        self.house.attempts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops listening, ends all connections and kills their commands; returns when all is gone.
    pub async fn stop(self) {
        self.house.stop.cancel();
        self.house.tasks.close();
        self.house.tasks.wait().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.house.stop.cancel();
    }
}

async fn listen(listener: TcpListener, config: Arc<Config>, house: Arc<House>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = house.stop.cancelled() => return,
        };
        match accepted {
            Ok((socket, _)) => {
                house.tasks.spawn(serve(socket, Arc::clone(&config), Arc::clone(&house)));
            }
            Err(error) => {
                tracing::debug!(%error, "accept failed");
                // Out of file descriptors, most likely: give others time to free some.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(socket: TcpStream, config: Arc<Config>, house: Arc<House>) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    let guest = Guest::new(Arc::clone(&house));
    let running = tokio::select! {
        running = run_stream(config, socket, guest) => running,
        () = house.stop.cancelled() => return,
    };
    let Ok(mut session) = running else { return };
    let handle = session.handle();
    tokio::select! {
        ended = &mut session => {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            }
        }
        () = house.stop.cancelled() => {
            let reason = "the server stops".to_owned();
            if handle.disconnect(Disconnect::ByApplication, reason, String::new()).await.is_ok() {
                drop(session.await);
            }
        }
    }
}
