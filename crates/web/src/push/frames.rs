//! Frames: batches as they go over the wire. Viewers who stand at the same number share one read and one framing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actions::{Batch, LogFilter, Topic};
use axum::extract::ws::Utf8Bytes;
use tokio::sync::OnceCell;

use crate::error::Refusal;

/// How many bytes of frames are kept for viewers who are about to ask for the same.
const KEPT: usize = 4 * 1024 * 1024;

/// How many frames are kept.
const MOST: usize = 256;

/// A batch as JSON, [`api::EventBatch`].
#[derive(Debug)]
pub(crate) struct Frame {
    /// Where the reader stands before it.
    pub(crate) after: u64,
    /// Where the reader stands after it.
    pub(crate) seq: u64,
    /// Whether there is no fact in it.
    pub(crate) is_empty: bool,
    /// The JSON. Clones share the bytes.
    pub(crate) json: Utf8Bytes,
}

impl Frame {
    /// A batch without facts, for whoever has waited enough after number `after`.
    pub(crate) fn empty(topic: &Topic, stream: &str, after: u64) -> Result<Self, Refusal> {
        Self::new(
            after,
            Batch { topic: topic.clone(), stream: stream.to_owned(), events: Vec::new(), seq: after },
        )
    }

    fn new(after: u64, batch: Batch) -> Result<Self, Refusal> {
        let (seq, is_empty) = (batch.seq, batch.events.is_empty());
        let topic = batch.topic.to_string();
        let wire = api::EventBatch { topic, stream: batch.stream, events: batch.events, seq };
        let json = serde_json::to_string(&wire).map_err(|error| actions::Error::Local {
            message: format!("a batch of facts could not be written: {error}"),
            hint: None,
        })?;
        Ok(Self { after, seq, is_empty, json: json.into() })
    }
}

/// What a frame holds: the facts of a topic after a number, with the log text that is wanted. Facts never change, so
/// neither does a frame that has any.
pub(crate) type Place = (Topic, u64, LogFilter);

type Slot = Arc<OnceCell<Arc<Frame>>>;

/// The frames of the last moments.
#[derive(Default)]
pub(crate) struct Frames(Mutex<Held>);

#[derive(Default)]
struct Held {
    slots: HashMap<Place, Slot>,
    /// Frames with facts, oldest first, and their bytes.
    order: VecDeque<(Place, usize)>,
    bytes: usize,
}

impl Frames {
    /// The frame at `place`, which `read` reads if nobody has yet. Whoever asks meanwhile waits for the same read.
    pub(crate) async fn get<R>(&self, place: &Place, read: impl FnOnce() -> R) -> Result<Arc<Frame>, Refusal>
    where
        R: Future<Output = Result<Batch, actions::Error>>,
    {
        let slot = Arc::clone(self.held().slots.entry(place.clone()).or_default());
        let _asking = Asking { frames: self, place, slot: &slot };
        let mut fresh = false;
        let frame = slot
            .get_or_try_init(|| async {
                fresh = true;
                Ok(Arc::new(Frame::new(place.1, read().await?)?))
            })
            .await
            .cloned();
        match &frame {
            Ok(frame) if !frame.is_empty => {
                if fresh {
                    self.keep(place, frame.json.len());
                }
            }
            // There may be facts the next time.
            Ok(_) | Err(_) => self.forget(place, &slot),
        }
        frame
    }

    fn keep(&self, place: &Place, bytes: usize) {
        let mut held = self.held();
        held.order.push_back((place.clone(), bytes));
        held.bytes += bytes;
        while held.bytes > KEPT || held.order.len() > MOST {
            let Some((oldest, bytes)) = held.order.pop_front() else { break };
            held.slots.remove(&oldest);
            held.bytes -= bytes;
        }
    }

    fn forget(&self, place: &Place, slot: &Slot) {
        let mut held = self.held();
        if held.slots.get(place).is_some_and(|there| Arc::ptr_eq(there, slot)) {
            held.slots.remove(place);
        }
    }

    /// How many places are known or being read.
    #[cfg(test)]
    fn places(&self) -> usize {
        self.held().slots.len()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for a frame. A place that everybody left before it was read is forgotten.
struct Asking<'f> {
    frames: &'f Frames,
    place: &'f Place,
    slot: &'f Slot,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if self.slot.initialized() {
            return;
        }
        // Ours, and the one in the map. Others are taken under the same lock.
        let mut held = self.frames.held();
        if Arc::strong_count(self.slot) == 2
            && held.slots.get(self.place).is_some_and(|there| Arc::ptr_eq(there, self.slot))
        {
            held.slots.remove(self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use model::{Event, Fact, ReleaseId};
    use testkit::instructions::assert_instructions;

    use super::*;

    fn place(after: u64) -> Place {
        (Topic::Release(ReleaseId(1)), after, LogFilter::All)
    }

    fn batch(after: u64, facts: u64) -> Batch {
        let event = |seq| Event {
            seq,
            at: "2026-11-20T10:45:12Z".parse().unwrap(),
            fact: Fact::Chat { user: "li".into(), text: "x".repeat(20_000), node: None },
        };
        let events = (after + 1..=after + facts).map(event).collect();
        Batch { topic: place(0).0, stream: "s".into(), events, seq: after + facts }
    }

    #[tokio::test]
    async fn a_thousand_viewers_at_one_place_are_one_read() {
        let (frames, reads) = (Frames::default(), AtomicUsize::new(0));
        let read = || async {
            reads.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(batch(0, 3))
        };
        let at = place(0);
        let viewers = (0..1000).map(|_| frames.get(&at, read));
        let got = futures::future::try_join_all(viewers).await.unwrap();
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        assert!(got.iter().all(|frame| frame.seq == 3 && Arc::ptr_eq(frame, &got[0])));
    }

    #[test]
    fn a_thousand_viewers_take_one_framing() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (frames, at) = (Frames::default(), place(0));
        assert_instructions(module_path!(), "a_thousand_viewers_take_one_framing", 4_580_000, || {
            runtime.block_on(async {
                for _ in 0..1000 {
                    frames.get(&at, || async { Ok(batch(0, 3)) }).await.unwrap();
                }
            });
        });
    }

    #[tokio::test]
    async fn a_place_that_everybody_left_is_forgotten() {
        use futures::FutureExt as _;
        let frames = Frames::default();
        for after in 0..100 {
            let at = place(after);
            let one = frames.get(&at, std::future::pending::<Result<Batch, actions::Error>>);
            let other = frames.get(&at, std::future::pending::<Result<Batch, actions::Error>>);
            let mut both = Box::pin(futures::future::join(one, other));
            assert!(both.as_mut().now_or_never().is_none(), "nobody can have read it");
            assert_eq!(frames.places(), 1);
            drop(both);
            assert_eq!(frames.places(), 0);
        }
    }

    #[tokio::test]
    async fn what_is_empty_or_failed_is_read_again_and_memory_is_bounded() {
        let frames = Frames::default();
        assert!(frames.get(&place(0), || async { Ok(batch(0, 0)) }).await.unwrap().is_empty);
        assert!(frames.get(&place(0), || async { Err(actions::Error::WrongCode) }).await.is_err());
        assert!(!frames.get(&place(0), || async { Ok(batch(0, 1)) }).await.unwrap().is_empty);
        for after in 1..1000 {
            frames.get(&place(after), || async { Ok(batch(after, 1)) }).await.unwrap();
        }
        let held = frames.held();
        assert!(held.bytes <= KEPT && held.order.len() <= MOST);
        assert_eq!(held.slots.len(), held.order.len());
    }
}
