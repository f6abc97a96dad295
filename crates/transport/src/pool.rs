//! Connections that are kept: a release, a test and a command to one server share one connection, and the next of them
//! finds it open.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::ssh::{Booking, Connection, Passage};
use crate::{Error, Session, Target};

/// Connections by server, user and way. Clones share them; they are closed when the last clone is dropped.
///
/// A connection to a jump host carries at most ten others; more get another one to it.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    idle: Duration,
    places: Mutex<HashMap<Door, Place>>,
}

/// Where connections lead to: host, port and user of the server, of its jump host, and so on. The same address behind
/// another jump host is another machine.
type Door = Vec<(String, u16, String)>;

/// The connections through one door. Held while one is made, so that whoever comes meanwhile shares it, and a server
/// never sees more than one handshake of ours at a time (`MaxStartups`).
type Place = Arc<tokio::sync::Mutex<Connections>>;

#[derive(Default)]
struct Connections {
    kept: Vec<Kept>,
    failure: Option<Failure>,
}

/// The last connection to a jump host that could not be made.
struct Failure {
    target: Target,
    at: Instant,
    error: Arc<Error>,
}

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
        let mut connections = place.lock().await;
        self.share(&mut connections.kept, target, Proof::Channel, for_commands).await
    }

    /// What `take` finds on a connection to `target`: one that is open already and has room, or a new one.
    async fn share<T>(
        &self,
        all: &mut Vec<Kept>,
        target: &Target,
        proof: Proof,
        take: fn(&Arc<Connection>) -> Option<T>,
    ) -> Result<T, Error> {
        all.retain(|kept| kept.connection.is_trusted());
        // Longer than the time after which the keepalive asks, and the answer needs.
        let silence = target.timeouts.keepalive.saturating_mul(4) / 3;
        for kept in all.iter_mut().filter(|kept| kept.target.is_same_login(target)) {
            let Some(taken) = take(&kept.connection) else { continue };
            let answers = match proof {
                Proof::Channel => kept.connection.answers(silence).await,
                Proof::Ping => kept.connection.answers_as_jump(silence).await,
            };
            if answers {
                kept.used = Instant::now();
                return Ok(taken);
            }
            kept.connection.distrust();
        }
        let connection = Arc::new(Connection::open(target, self.passage(target)).await?);
        let taken = take(&connection).ok_or(Error::Closed)?;
        all.push(Kept { target: target.clone(), connection, used: Instant::now() });
        Ok(taken)
    }

    /// A place on a connection to the jump host of `target`, shared like all others. Whoever waited while another one
    /// tried in vain does not try again: fifty servers behind a dead jump host would wait for it fifty times.
    ///
    /// What belongs to a jump host is locked after what belongs to the servers behind it, never before.
    fn passage<'a>(&'a self, target: &'a Target) -> Booking<'a> {
        Box::pin(async move {
            let Some(jump) = &target.jump else { return Ok(None) };
            let asked = Instant::now();
            let place = self.place(jump);
            let mut connections = place.lock().await;
            let failed = connections.failure.as_ref().filter(|failure| failure.is_of(jump, asked));
            if let Some(failure) = failed {
                return Err(Arc::clone(&failure.error));
            }
            let shared = self.share(&mut connections.kept, jump, Proof::Ping, Passage::on).await;
            shared.map(Some).map_err(|error| {
                let error = Arc::new(error);
                let failure =
                    Failure { target: *jump.clone(), at: Instant::now(), error: Arc::clone(&error) };
                connections.failure = Some(failure);
                error
            })
        })
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
        let mut door = Door::new();
        let mut next = Some(target);
        while let Some(target) = next {
            door.push((target.host.clone(), target.port, target.user.clone()));
            next = target.jump.as_deref();
        }
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
            let Ok(mut connections) = place.try_lock() else { return true };
            let all = &mut connections.kept;
            for kept in &mut *all {
                if Arc::strong_count(&kept.connection) > 1 || !kept.connection.is_idle() {
                    kept.used = Instant::now();
                }
            }
            all.retain(|kept| {
                let stays = kept.connection.is_trusted() && kept.used.elapsed() < self.idle;
                if !stays {
                    let connection = Arc::clone(&kept.connection);
                    tokio::spawn(async move { connection.close().await });
                }
                stays
            });
            !all.is_empty() || Arc::strong_count(place) > 1
        });
    }
}

impl Failure {
    /// Whether it is what somebody waited for who asked for `target` at this time.
    fn is_of(&self, target: &Target, asked: Instant) -> bool {
        self.at >= asked && self.target.is_same_login(target)
    }
}

/// How a silent connection proves that it is there.
#[derive(Clone, Copy)]
enum Proof {
    /// It opens a channel, which the next command takes.
    Channel,
    /// It answers a question that needs no session.
    Ping,
}

/// A session on this connection, where it has room for one more.
fn for_commands(connection: &Arc<Connection>) -> Option<Session> {
    if !connection.has_room() {
        return None;
    }
    connection.keep_ahead();
    Some(Session::Ssh(Arc::clone(connection)))
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
