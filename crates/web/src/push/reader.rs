//! The reader: the next batch of a topic after a number, at once or when there is one.

use std::sync::Arc;
use std::time::Duration;

use actions::{Actor, LogFilter, Proof, Topic};
use tokio::time::{Instant, sleep_until};

use super::frames::{Frame, Frames};
use super::gauge::Gauge;
use super::live::{Live, Newest};
use super::presence::Presence;
use crate::AppState;
use crate::error::Refusal;

/// How often a proof is looked at again that nobody took back: sessions end by themselves.
const AGAIN: Duration = Duration::from_mins(1);

/// Who reads.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Who it is.
    pub(crate) actor: Actor,
    /// What proves it.
    pub(crate) proof: Proof,
}

/// What somebody looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    /// The topic.
    pub(crate) topic: Topic,
    /// The number of the last fact they know.
    pub(crate) after: u64,
    /// The log text they want.
    pub(crate) logs: LogFilter,
}

/// What all readers have in common.
#[derive(Clone, Default)]
pub(crate) struct Reader {
    /// What was read in the last moments.
    pub(crate) frames: Arc<Frames>,
    /// Where topics go on.
    live: Live,
    /// Who watches.
    pub(crate) presence: Presence,
    /// How far uploads are.
    pub(crate) gauge: Gauge,
}

impl Reader {
    /// Waits until `proof` is worth nothing any more.
    pub(crate) async fn revoked(state: &AppState, proof: &Proof) {
        Self::barred(state, proof, |_| true).await;
    }

    /// Waits until `proof` is worth nothing any more, or whom it lets in `may` no longer.
    pub(crate) async fn barred(state: &AppState, proof: &Proof, may: impl Fn(&Actor) -> bool) {
        // Before the first look: what changes after it still wakes us.
        let mut access = state.actions.access_changes();
        loop {
            // A database that cannot be read takes no right away.
            match state.actions.whois(proof).await {
                Ok(None) => return,
                Ok(Some(actor)) if !may(&actor) => return,
                Ok(Some(_)) | Err(_) => {}
            }
            tokio::select! {
                told = access.changed() => if told.is_err() { return },
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }
}

/// Somebody who reads a topic, batch after batch.
pub(crate) struct Viewing {
    state: AppState,
    actor: Actor,
    view: View,
    /// Once they have seen everything.
    newest: Option<Newest>,
}

/// Where a viewer stands, compared with the newest frame.
enum Stand {
    /// It is the next one.
    Next(Arc<Frame>),
    /// There is more before it.
    Behind,
    /// They know it, or there was none yet.
    AtEnd,
}

impl Viewing {
    /// `actor` begins to look.
    pub(crate) fn new(state: AppState, actor: Actor, view: View) -> Self {
        Self { state, actor, view, newest: None }
    }

    /// The next batch. An empty one is answered when `until` has come or Aweigh stops; a refusal when they may not
    /// read (any more). Whether their session still stands is asked elsewhere.
    pub(crate) async fn next(&mut self, until: Option<Instant>) -> Result<Arc<Frame>, Refusal> {
        loop {
            self.state.actions.may_watch(&self.actor, &self.view.topic)?;
            match self.stand() {
                Some(Stand::Next(frame)) => return Ok(self.go_on(frame)),
                Some(Stand::AtEnd) => {
                    if let Some(over) = self.wait(until).await? {
                        return Ok(over);
                    }
                }
                Some(Stand::Behind) | None => {
                    let frame = self.read().await?;
                    if !frame.is_empty || frame.seq != self.view.after || has_come(until) {
                        return Ok(self.go_on(frame));
                    }
                    let end = (self.view.topic.clone(), self.view.logs.clone());
                    let live = self.state.reader.live.clone();
                    self.newest = Some(live.join(&self.state, &self.actor, &end, self.view.after));
                }
            }
        }
    }

    fn stand(&mut self) -> Option<Stand> {
        let newest = self.newest.as_mut()?.borrow_and_update();
        Some(match newest.as_ref() {
            Some(frame) if frame.after == self.view.after => Stand::Next(Arc::clone(frame)),
            Some(frame) if frame.seq > self.view.after => Stand::Behind,
            Some(_) | None => Stand::AtEnd,
        })
    }

    fn go_on(&mut self, frame: Arc<Frame>) -> Arc<Frame> {
        self.view.after = frame.seq;
        frame
    }

    /// What follows where they stand, empty at the end.
    async fn read(&self) -> Result<Arc<Frame>, Refusal> {
        let View { topic, after, logs } = &self.view;
        let place = (topic.clone(), *after, logs.clone());
        let actions = &self.state.actions;
        self.state.reader.frames.get(&place, || actions.events(&self.actor, topic, *after, logs)).await
    }

    /// Waits at the end for news; an empty frame when it has waited enough.
    async fn wait(&mut self, until: Option<Instant>) -> Result<Option<Arc<Frame>>, Refusal> {
        let Some(newest) = self.newest.as_mut() else { return Ok(None) };
        let over = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            told = newest.changed() => {
                if told.is_err() {
                    // Who had it read may not any more, or it cannot be read: find out.
                    self.newest = None;
                }
                Ok(None)
            }
            () = self.state.closing.cancelled() => self.nothing(),
            () = over => self.nothing(),
        }
    }

    fn nothing(&self) -> Result<Option<Arc<Frame>>, Refusal> {
        let stream = self.state.actions.stream();
        Frame::empty(&self.view.topic, stream, self.view.after).map(Arc::new).map(Some)
    }
}

fn has_come(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until <= Instant::now())
}
