//! Who waits for news of which topic. News is only a number; whoever wakes reads the journal.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::Topic;

/// The watched topics.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<Watched>);

#[derive(Default)]
struct Watched {
    topics: HashMap<Topic, watch::Sender<u64>>,
    /// How many topics it takes before those that nobody watches any more are looked for.
    sweep_at: usize,
}

impl Watchers {
    /// Wakes with the number of the last fact whenever one was recorded from now on.
    pub(crate) fn watch(&self, topic: &Topic) -> watch::Receiver<u64> {
        let mut watched = self.lock();
        if watched.topics.len() >= watched.sweep_at {
            watched.topics.retain(|_, sender| sender.receiver_count() > 0);
            watched.sweep_at = 2 * watched.topics.len() + 16;
        }
        watched.topics.entry(topic.clone()).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    /// Says that `topic` has facts up to `seq`.
    pub(crate) fn announce(&self, topic: &Topic, seq: u64) {
        let mut watched = self.lock();
        let Some(sender) = watched.topics.get(topic) else { return };
        if sender.send(seq).is_err() {
            watched.topics.remove(topic);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        // A map of senders is never half changed, so a panic elsewhere does not matter here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use model::ReleaseId;

    use super::*;

    #[test]
    fn news_reaches_watchers_and_nobody_else_costs() {
        let watchers = Watchers::default();
        let topic = |id| Topic::Release(ReleaseId(id));
        let mut seen = watchers.watch(&topic(1));
        watchers.announce(&topic(1), 7);
        watchers.announce(&topic(2), 9);
        assert!(seen.has_changed().unwrap());
        assert_eq!(*seen.borrow_and_update(), 7);
        drop(seen);
        watchers.announce(&topic(1), 8);
        assert!(watchers.lock().topics.is_empty(), "the entry goes with its last watcher");
        for id in 0..1000 {
            drop(watchers.watch(&topic(id)));
        }
        assert!(watchers.lock().topics.len() < 50, "abandoned topics are swept");
    }
}
