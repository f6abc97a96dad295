//! Connections that are kept: a release, a test and a command to one server share one connection, and the next of them
//! finds it open.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::ssh::Connection;
use crate::{Auth, Error, Session, Target};

/// Connections by server and user. Clones share them; they are closed when the last clone is dropped.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    idle: Duration,
    places: Mutex<HashMap<Door, Place>>,
}

/// Where connections lead to: host, port and user.
type Door = (String, u16, String);

/// The connections through one door. Held while one is made, so that whoever comes meanwhile shares it, and a server
/// never sees more than one handshake of ours at a time (`MaxStartups`).
type Place = Arc<tokio::sync::Mutex<Vec<Kept>>>;

struct Kept {
    target: Target,
    connection: Arc<Connection>,
    used: Instant,
}

impl Pool {
    /// Keeps connections open for `idle` after the last use; zero keeps none. Needs a runtime.
    pub fn new(idle: Duration) -> Pool {
        let inner = Arc::new(Inner { idle, places: Mutex::default() });
        if !idle.is_zero() {
            tokio::spawn(sweep(Arc::downgrade(&inner), idle));
        }
        Pool(inner)
    }

    /// A session with the server: over a connection that is open already, with the same credentials and host keys and
    /// with room for one more, or over a new one. A connection of which nothing was heard for longer than it should
    /// have been is asked first. Fails as [`Session::connect`] does; dropping the future gives up at once.
    pub async fn session(&self, target: &Target) -> Result<Session, Error> {
        if self.0.idle.is_zero() {
            return Session::connect(target).await;
        }
        let place = self.place(target);
        let mut kept = place.lock().await;
        kept.retain(|kept| kept.connection.is_trusted());
        // Longer than the time after which the keepalive asks, and the answer needs.
        let silence = target.timeouts.keepalive.saturating_mul(4) / 3;
        for kept in kept.iter_mut().filter(|kept| kept.is_for(target)) {
            if !kept.connection.has_room() {
                continue;
            }
            if kept.connection.answers(silence).await {
                kept.used = Instant::now();
                return Ok(Session::Ssh(Arc::clone(&kept.connection)));
            }
            kept.connection.distrust();
        }
        let connection = Arc::new(Connection::open(target).await?);
        connection.keep_ahead();
        kept.push(Kept { target: target.clone(), connection: Arc::clone(&connection), used: Instant::now() });
        Ok(Session::Ssh(connection))
    }

    /// Connects ahead of time, with a channel for the first command. What fails here fails again, and is told, when
    /// the session is needed.
    pub async fn prepare(&self, target: &Target) {
        if self.0.idle.is_zero() {
            return;
        }
        if let Ok(Session::Ssh(connection)) = self.session(target).await {
            connection.open_ahead().await;
        }
    }

    fn place(&self, target: &Target) -> Place {
        let door = (target.host.clone(), target.port, target.user.clone());
        Arc::clone(self.0.places().entry(door).or_default())
    }
}

impl Inner {
    fn places(&self) -> std::sync::MutexGuard<'_, HashMap<Door, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes what nobody used for the limit.
    fn sweep(&self) {
        self.places().retain(|_, place| {
            // Whoever holds it is using it.
            let Ok(mut kept) = place.try_lock() else { return true };
            for kept in &mut *kept {
                if Arc::strong_count(&kept.connection) > 1 || !kept.connection.is_idle() {
                    kept.used = Instant::now();
                }
            }
            kept.retain(|kept| {
                let stays = kept.connection.is_trusted() && kept.used.elapsed() < self.idle;
                if !stays {
                    let connection = Arc::clone(&kept.connection);
                    tokio::spawn(async move { connection.close().await });
                }
                stays
            });
            !kept.is_empty() || Arc::strong_count(place) > 1
        });
    }
}

impl Kept {
    /// Whether this connection is what `target` would get: a changed key or password never rides on an old login.
    fn is_for(&self, target: &Target) -> bool {
        self.target.host_keys == target.host_keys
            && self.target.key_exchange == target.key_exchange
            && self.target.auth.len() == target.auth.len()
            && self.target.auth.iter().zip(&target.auth).all(|(one, other)| is_same(one, other))
    }
}

fn is_same(one: &Auth, other: &Auth) -> bool {
    match (one, other) {
        (Auth::Password(one), Auth::Password(other)) => one.expose_secret() == other.expose_secret(),
        (Auth::Key { openssh: one, .. }, Auth::Key { openssh: other, .. }) => {
            one.expose_secret() == other.expose_secret()
        }
        (Auth::Agent { socket: one }, Auth::Agent { socket: other }) => one == other,
        _ => false,
    }
}

/// Sweeps for as long as the pool is there.
async fn sweep(pool: Weak<Inner>, idle: Duration) {
    let mut tick = interval((idle / 4).clamp(Duration::from_millis(10), Duration::from_secs(15)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match pool.upgrade() {
            Some(pool) => pool.sweep(),
            None => return,
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pool").field("idle", &self.0.idle).finish_non_exhaustive()
    }
}
