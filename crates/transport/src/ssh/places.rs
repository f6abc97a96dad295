//! The places for commands on one connection. Ours is free as soon as a command has ended or was given up; the server's only
//! when it has noticed, too.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a server may take to notice that a command of ours is over: OpenSSH waits for its process.
const NOTICED: Duration = Duration::from_secs(2);

/// Who has a place, and when the last one left.
#[derive(Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    left: Arc<Mutex<Option<Instant>>>,
}

/// One place. Dropping it is as if it had never been used.
pub(super) struct Place {
    permit: OwnedSemaphorePermit,
    left: Arc<Mutex<Option<Instant>>>,
}

impl Places {
    pub(super) fn new(count: usize) -> Places {
        Places { free: Arc::new(Semaphore::new(count)), left: Arc::default() }
    }

    /// A place as soon as one is free; none when there will be no more.
    pub(super) async fn take(&self) -> Option<Place> {
        let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
        Some(Place { permit, left: Arc::clone(&self.left) })
    }

    /// A place, where one is free.
    pub(super) fn take_now(&self) -> Option<Place> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(Place { permit, left: Arc::clone(&self.left) })
    }

    /// How many are free.
    pub(super) fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// From now on nobody gets one.
    pub(super) fn close(&self) {
        self.free.close();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.free.is_closed()
    }

    /// Whether the server may still count a command that is over.
    pub(super) fn are_being_left(&self) -> bool {
        let left = *self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.is_some_and(|left| left.elapsed() < NOTICED)
    }
}

impl Place {
    /// Gives it back after it was used.
    pub(super) fn leave(self) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        drop(self.permit);
    }
}
