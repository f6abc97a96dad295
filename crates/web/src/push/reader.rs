//! The reader: the next batch of a topic after a number, at once or when there is one.

use std::sync::Arc;
use std::time::Duration;

use actions::{Actor, LogFilter, Proof, Topic};
use tokio::time::{Instant, sleep_until};

use super::frames::{Frame, Frames};
use super::presence::Presence;
use crate::AppState;
use crate::auth::unknown;
use crate::error::Refusal;

/// How long news of a topic is gathered before it is read. So all its viewers walk the same numbers and share
/// frames, and a busy topic is read 50 times a second at most.
const GATHER: Duration = Duration::from_millis(20);

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

/// Reads for all viewers.
#[derive(Clone, Default)]
pub(crate) struct Reader {
    frames: Arc<Frames>,
    /// Who watches.
    pub(crate) presence: Presence,
}

impl Reader {
    /// The batch after `view.after`. An empty one is answered when `until` has come or Aweigh stops; a refusal when
    /// the caller may not read (any more).
    pub(crate) async fn next(
        &self,
        state: &AppState,
        caller: &Caller,
        view: &View,
        until: Option<Instant>,
    ) -> Result<Arc<Frame>, Refusal> {
        let actions = &state.actions;
        // Both before the first read: what changes between the read and the wait still wakes us.
        let mut access = actions.access_changes();
        let mut news = actions.news(&view.topic);
        let place = (view.topic.clone(), view.after, view.logs.clone());
        loop {
            actions.may_watch(&caller.actor, &view.topic)?;
            news.mark_unchanged();
            let read = || actions.events(&caller.actor, &view.topic, view.after, &view.logs);
            let frame = self.frames.get(&place, read).await?;
            if !frame.is_empty || frame.seq != view.after {
                return Ok(frame);
            }
            let again = Instant::now() + AGAIN;
            let wake = until.map_or(again, |until| until.min(again));
            tokio::select! {
                told = news.changed() => {
                    if told.is_err() {
                        return Ok(frame);
                    }
                    tokio::time::sleep(GATHER).await;
                }
                _ = access.changed() => self.known(state, caller).await?,
                () = state.closing.cancelled() => return Ok(frame),
                () = sleep_until(wake) => {
                    if until.is_some_and(|until| until <= Instant::now()) {
                        return Ok(frame);
                    }
                    self.known(state, caller).await?;
                }
            }
        }
    }

    /// Refuses a caller whose proof is worth nothing any more.
    async fn known(&self, state: &AppState, caller: &Caller) -> Result<(), Refusal> {
        match state.actions.whois(&caller.proof).await? {
            Some(_) => Ok(()),
            None => Err(unknown()),
        }
    }

    /// Waits until `proof` is worth nothing any more.
    pub(crate) async fn revoked(state: &AppState, proof: &Proof) {
        let mut access = state.actions.access_changes();
        loop {
            // A database that cannot be read takes no right away.
            if matches!(state.actions.whois(proof).await, Ok(None)) {
                return;
            }
            tokio::select! {
                told = access.changed() => if told.is_err() { return },
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }
}
