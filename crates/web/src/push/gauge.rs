//! How far uploads are, told to those who watch a release over a WebSocket. It is no fact: what is missed is missed, and
//! the next figures say everything again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actions::{Actor, Topic};
use axum::extract::ws::Utf8Bytes;
use model::ReleaseId;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::AppState;

/// The least time between two tellings, and what each upload and each listener adds to it: fifty uploads are told about
/// three times a second, a thousand of them once in two seconds.
const TICK: Duration = Duration::from_millis(250);
const TICK_EACH_UPLOAD: Duration = Duration::from_millis(2);
const TICK_EACH_LISTENER: Duration = Duration::from_micros(200);

/// The newest figures, framed once for all; empty before the first.
pub(crate) type Figures = watch::Receiver<Utf8Bytes>;

/// The releases whose figures somebody listens to.
#[derive(Clone, Default)]
pub(crate) struct Gauge(Arc<Mutex<HashMap<ReleaseId, Tell>>>);

type Tell = Arc<watch::Sender<Utf8Bytes>>;

impl Gauge {
    /// Listens to the figures of a release. Who is first has them read, with the rights of `actor`, for as long as anybody
    /// listens. A topic that is no release has none.
    pub(crate) fn join(&self, state: &AppState, actor: &Actor, topic: &Topic) -> Option<Figures> {
        let Topic::Release(release) = topic else { return None };
        let mut releases = self.releases();
        if let Some(tell) = releases.get(release) {
            return Some(tell.subscribe());
        }
        let (tell, figures) = watch::channel(Utf8Bytes::default());
        let tell = Arc::new(tell);
        releases.insert(*release, Arc::clone(&tell));
        tokio::spawn(self.clone().run(state.clone(), actor.clone(), *release, tell));
        Some(figures)
    }

    async fn run(self, state: AppState, actor: Actor, release: ReleaseId, tell: Tell) {
        let reading = read(&state, &actor, release, &tell);
        tokio::pin!(reading);
        loop {
            tokio::select! {
                () = &mut reading => break,
                () = tell.closed() => {
                    // Nobody can join while the map is held.
                    let mut releases = self.releases();
                    if tell.receiver_count() == 0 {
                        releases.remove(&release);
                        return;
                    }
                }
            }
        }
        self.releases().remove(&release);
    }

    fn releases(&self) -> MutexGuard<'_, HashMap<ReleaseId, Tell>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the figures while there are any, and once that there are none any more.
async fn read(state: &AppState, actor: &Actor, release: ReleaseId, tell: &Tell) {
    let mut begun = state.actions.uploads_begun();
    let mut was_under_way = false;
    loop {
        // Before the look: what begins after it still wakes us.
        begun.mark_unchanged();
        let Ok(progress) = state.actions.progress(actor, release) else { return };
        if progress.is_none() && !was_under_way {
            if begun.changed().await.is_err() {
                return;
            }
            continue;
        }
        was_under_way = progress.is_some();
        let progress = progress.map(figures).unwrap_or_default();
        let uploads = u32::try_from(progress.nodes.len()).unwrap_or(u32::MAX);
        tell.send_replace(frame(release, &progress));
        let listeners = u32::try_from(tell.receiver_count()).unwrap_or(u32::MAX);
        let rest = TICK_EACH_UPLOAD.saturating_mul(uploads) + TICK_EACH_LISTENER.saturating_mul(listeners);
        sleep(TICK + rest).await;
    }
}

fn frame(release: ReleaseId, progress: &api::Progress) -> Utf8Bytes {
    let mut said = json!(progress);
    if let Some(said) = said.as_object_mut() {
        said.insert("topic".to_owned(), json!(Topic::Release(release).to_string()));
    }
    json!({ "progress": said }).to_string().into()
}

/// The figures as they cross the wire.
pub(crate) fn figures(progress: actions::Progress) -> api::Progress {
    let bytes = |amount: actions::Amount| api::Bytes {
        sent: amount.sent,
        total: amount.total,
        rate: amount.rate,
        remaining: amount.remaining,
    };
    let nodes = progress.nodes.into_iter().map(|(node, amount)| (node, bytes(amount))).collect();
    api::Progress { whole: bytes(progress.whole), nodes }
}
