//! The live ends of topics: what is new is read once, and told to all who have seen everything before it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actions::{Actor, LogFilter, Topic};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::frames::Frame;
use crate::AppState;

/// The least time between two readings of a topic, and what each listener adds to it. The first news after a rest is
/// told at once. A busy topic is told to a few 50 times a second and to a thousand ten times, with all that came meanwhile
/// in one frame: so a crowd takes less than a core from the release that it watches.
const TICK: Duration = Duration::from_millis(20);
const TICK_EACH: Duration = Duration::from_micros(80);

/// A frame of so many bytes was probably cut at the limit of a batch: there is more, and it is read without a rest.
const FULL: usize = 48 * 1024;

/// The end of a topic, as it is told to those with one wish for logs.
pub(crate) type End = (Topic, LogFilter);

/// The newest frame of an end. Whoever stands where it begins takes it; whoever does not reads what is between.
pub(crate) type Newest = watch::Receiver<Option<Arc<Frame>>>;

type Tell = Arc<watch::Sender<Option<Arc<Frame>>>>;

/// The ends at which somebody listens.
#[derive(Clone, Default)]
pub(crate) struct Live(Arc<Mutex<HashMap<End, Tell>>>);

impl Live {
    /// Listens at `end`, after fact number `after`. Who is first there has it read, with the rights of `actor`, for as
    /// long as anybody listens; when that cannot go on, the listeners' channel ends.
    pub(crate) fn join(&self, state: &AppState, actor: &Actor, end: &End, after: u64) -> Newest {
        let mut ends = self.ends();
        if let Some(tell) = ends.get(end) {
            return tell.subscribe();
        }
        let (tell, newest) = watch::channel(None);
        let tell = Arc::new(tell);
        ends.insert(end.clone(), Arc::clone(&tell));
        tokio::spawn(self.clone().run(state.clone(), actor.clone(), end.clone(), after, tell));
        newest
    }

    async fn run(self, state: AppState, actor: Actor, end: End, after: u64, tell: Tell) {
        let reading = read(&state, &actor, &end, after, &tell);
        tokio::pin!(reading);
        loop {
            tokio::select! {
                () = &mut reading => break,
                () = tell.closed() => {
                    // Nobody can join while the map is held.
                    let mut ends = self.ends();
                    if tell.receiver_count() == 0 {
                        ends.remove(&end);
                        return;
                    }
                }
            }
        }
        self.ends().remove(&end);
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<End, Tell>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells what is new after `after`, until it cannot be read any more.
async fn read(state: &AppState, actor: &Actor, (topic, logs): &End, mut after: u64, tell: &Tell) {
    let mut news = state.actions.news(topic);
    let mut next = Instant::now();
    loop {
        // Before the read: what comes between the read and the wait still wakes us.
        news.mark_unchanged();
        let place = (topic.clone(), after, logs.clone());
        let one = state.reader.frames.get(&place, || state.actions.events(actor, topic, after, logs)).await;
        let Ok(frame) = one else { return };
        if frame.is_empty {
            if news.changed().await.is_err() {
                return;
            }
            sleep_until(next).await;
            continue;
        }
        after = frame.seq;
        let full = frame.json.len() >= FULL;
        tell.send_replace(Some(frame));
        let listeners = u32::try_from(tell.receiver_count()).unwrap_or(u32::MAX);
        next = Instant::now() + TICK + TICK_EACH.saturating_mul(listeners);
        if !full {
            sleep_until(next).await;
        }
    }
}
