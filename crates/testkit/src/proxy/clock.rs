//! A clock that is exact to a tenth of a millisecond: that of the runtime counts whole ones, which is much of a short
//! round trip.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

use tokio::sync::oneshot;

/// Where to ask; nowhere when the thread could not be started.
static CLOCK: LazyLock<Option<Sender<Wish>>> = LazyLock::new(|| {
    let (ask, asked) = channel();
    thread::Builder::new().name("clock".to_owned()).spawn(move || tick(&asked)).ok().map(|_| ask)
});

/// Somebody who waits.
struct Wish {
    due: Instant,
    tell: oneshot::Sender<()>,
}

/// Waits until `due`, and never less.
pub(super) async fn until(due: Instant) {
    if due <= Instant::now() {
        return;
    }
    let (tell, told) = oneshot::channel();
    let is_asked = CLOCK.as_ref().is_some_and(|ask| ask.send(Wish { due, tell }).is_ok());
    if !is_asked || told.await.is_err() {
        tokio::time::sleep_until(due.into()).await;
    }
}

/// Tells everybody whose time has come, for as long as the process is there.
fn tick(asked: &Receiver<Wish>) {
    let mut waiting: BinaryHeap<Reverse<Wish>> = BinaryHeap::new();
    loop {
        let now = Instant::now();
        while let Some(Reverse(wish)) = waiting.pop() {
            if wish.due > now {
                waiting.push(Reverse(wish));
                break;
            }
            // Whoever gave up does not hear it.
            let _ = wish.tell.send(());
        }
        let next = match waiting.peek() {
            Some(Reverse(wish)) => asked.recv_timeout(wish.due.saturating_duration_since(Instant::now())),
            None => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(wish) => waiting.push(Reverse(wish)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl PartialEq for Wish {
    fn eq(&self, other: &Wish) -> bool {
        self.due == other.due
    }
}

impl Eq for Wish {}

impl PartialOrd for Wish {
    fn partial_cmp(&self, other: &Wish) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Wish {
    fn cmp(&self, other: &Wish) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}
