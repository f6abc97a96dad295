//! What a running server does by itself now and then: once a day it removes what is older than the past is kept, recordings
//! of shells too, and it asks servers what they really run.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actions::{Actions, Actor};
use anyhow::Context as _;
use engine::recording;
use store::{KeepHistory, Store};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;

/// How often it looks for what is old.
const DAY: Duration = Duration::from_hours(24);

/// Who asks the servers.
const ASKS: &str = "aweigh";

/// Removes old logs and facts now, and once a day, until `stop`. What cannot be removed today is tried tomorrow.
pub async fn forget_history(store: Store, keep: KeepHistory, stop: CancellationToken) {
    let forget = || async {
        match store.forget_history(keep).await {
            Ok(removed) if removed.logs + removed.facts == 0 => {}
            Ok(removed) => tracing::info!(logs = removed.logs, facts = removed.facts, "old history removed"),
            Err(error) => tracing::warn!(%error, "old history stays"),
        }
    };
    again_and_again(interval(DAY), forget, stop).await;
}

/// Removes the recordings of shells that ended longer than `keep` ago, now and once a day, until `stop`. That there was a
/// shell stays known.
pub async fn forget_recordings(store: Store, data: PathBuf, keep: Duration, stop: CancellationToken) {
    let forget = || async {
        match remove_recordings(&store, &data, keep).await {
            Ok(0) => {}
            Ok(recordings) => tracing::info!(recordings, "old recordings removed"),
            Err(error) => tracing::warn!(%error, "old recordings stay"),
        }
    };
    again_and_again(interval(DAY), forget, stop).await;
}

/// Does `work` at each of `times`, until `stop`, which ends it in the middle, too.
async fn again_and_again<F>(mut times: Interval, work: impl Fn() -> F, stop: CancellationToken)
where
    F: Future<Output = ()>,
{
    // Work that took long is followed by a rest all the same.
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let working = async {
        loop {
            times.tick().await;
            work().await;
        }
    };
    stop.run_until_cancelled(working).await;
}

/// The file goes first: what is noted as removed is removed.
async fn remove_recordings(store: &Store, data: &Path, keep: Duration) -> anyhow::Result<usize> {
    let old = store.old_recordings(keep).await?;
    for id in &old {
        let path = recording::path(data, *id);
        match tokio::fs::remove_file(&path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| path.display().to_string());
            }
            Ok(()) | Err(_) => store.recording_removed(*id).await?,
        }
    }
    Ok(old.len())
}

/// Asks the servers of every environment what they run, again and again, until `stop`; what differs is remembered and told by
/// the action itself.
pub async fn look_for_drift(actions: Arc<Actions>, every: Duration, stop: CancellationToken) {
    let times = interval_at(Instant::now() + every, every);
    again_and_again(times, || look(&actions), stop).await;
}

async fn look(actions: &Actions) {
    let actor = Actor::administrator(ASKS);
    let board = match actions.board(&actor).await {
        Ok(board) => board,
        Err(error) => return tracing::warn!(%error, "servers were not asked what they run"),
    };
    // Where nothing is live yet, nothing can differ from it.
    for row in board.into_iter().filter(|row| row.live.is_some()) {
        let (project, environment) = (&row.project, &row.environment);
        match actions.drift(&actor, project, environment).await {
            Ok(drift) => {
                let open =
                    drift.servers.iter().filter(|server| server.differs() && server.accepted_by.is_none());
                let differ: Vec<&str> = open.map(|server| server.name.as_str()).collect();
                if !differ.is_empty() {
                    tracing::warn!(%project, %environment, servers = ?differ, "drift");
                }
            }
            Err(error) => {
                tracing::warn!(%project, %environment, %error, "servers were not asked what they run");
            }
        }
    }
}
