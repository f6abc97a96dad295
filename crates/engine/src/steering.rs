//! Steering: what people want of a running release, for those who work on it. The wishes are stored first; this is how
//! they are heard at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Name, Wishes};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio_util::sync::CancellationToken;

/// The helm of one running release. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Steering {
    stop: CancellationToken,
    cut: CancellationToken,
    pause: Arc<Mutex<Option<String>>>,
    promoted: u32,
    skipped: Arc<Mutex<HashMap<Name, CancellationToken>>>,
    changed: Arc<Notify>,
}

impl Steering {
    /// The helm of a release of which `wishes` are known.
    pub fn new(wishes: &Wishes) -> Self {
        let steering = Self { promoted: wishes.promoted, ..Self::default() };
        steering.hear(wishes);
        steering
    }

    /// Takes in what is wished; twice is once.
    pub fn hear(&self, wishes: &Wishes) {
        if wishes.stop {
            self.stop();
        }
        if let Some(by) = &wishes.pause {
            self.pause(by);
        }
        for server in &wishes.skip {
            self.skip(server);
        }
    }

    /// Whether both are the helm of one ownership.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.changed, &other.changed)
    }

    /// It is to stop.
    pub fn stop(&self) {
        self.stop.cancel();
        self.changed.notify_waiters();
    }

    /// It has ended by the hand of somebody else: nothing more may be done for it.
    pub fn cut_off(&self) {
        self.cut.cancel();
    }

    /// It is to wait at the next border between steps.
    pub fn pause(&self, by: &str) {
        *held(&self.pause) = Some(by.to_owned());
        self.changed.notify_waiters();
    }

    /// A server is to be left out.
    pub fn skip(&self, server: &Name) {
        self.skip_of(server).cancel();
        self.changed.notify_waiters();
    }

    /// Is cancelled when the release is to stop.
    pub fn stopped(&self) -> &CancellationToken {
        &self.stop
    }

    /// Is cancelled when the release has ended by the hand of somebody else.
    pub fn is_cut_off(&self) -> &CancellationToken {
        &self.cut
    }

    /// Who wants it to wait.
    pub fn paused_by(&self) -> Option<String> {
        held(&self.pause).clone()
    }

    /// Whether somebody said that this batch may begin, whatever hold stands before it.
    pub fn is_promoted(&self, batch: usize) -> bool {
        usize::try_from(self.promoted).is_ok_and(|promoted| batch <= promoted)
    }

    /// Is cancelled when the server is to be left out.
    pub fn skip_of(&self, server: &Name) -> CancellationToken {
        held(&self.skipped).entry(server.clone()).or_default().clone()
    }

    /// Waits until something is wanted that was not wanted when this was called.
    ///
    /// Cancelling (dropping) it forgets nothing: wishes stay.
    pub fn changed(&self) -> Notified<'_> {
        // Not an async function: it hears from here on, and not only once it is polled.
        self.changed.notified()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
