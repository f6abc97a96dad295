//! The route of facts: polling, and long polling with `wait`.

use std::time::Duration;

use actions::{Actor, Error, LogFilter, Proof, Topic};
use api::{EventBatch, FieldError};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::AppState;
use crate::auth::unknown;
use crate::error::Refusal;
use crate::input::Parameters;
use crate::push::{Caller, Reader, View, Viewing};

/// How long whoever polled counts as watching after the answer.
const GRACE: Duration = Duration::from_secs(10);

/// The facts of a topic after a number.
#[utoipa::path(get, path = "/api/v1/events", tag = "releases", params(
    ("topic" = String, Query, description = "`release:42`, `project:shop` or `board`"),
    ("after" = Option<u64>, Query, description = "The number of the last fact that is known; 0 for all"),
    ("wait" = Option<u64>, Query, description = "Seconds to wait for a fact when there is none, 0 to 30"),
    ("logs" = Option<String>, Query, description = "`all`, `none`, or the keys of the nodes whose text is wanted, joined by commas"),
), responses((status = 200, body = EventBatch)))]
pub(crate) async fn events(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let text = parameters.text("topic").ok_or_else(|| FieldError::new("topic", "is missing"))?;
    let topic: Topic =
        text.parse().map_err(|_| Error::missing("topic", &text.chars().take(80).collect::<String>()))?;
    let after = parameters.number("after")?.unwrap_or(0);
    let wait: i64 = parameters.value("wait", "a number of seconds")?.unwrap_or(0);
    let wait = Duration::from_secs(wait.clamp(0, 30).unsigned_abs());
    let logs: LogFilter = parameters.text("logs").unwrap_or("all").into();
    let caller = Caller { actor, proof };
    let here = (!wait.is_zero()).then(|| state.reader.presence.enter(&topic, &caller.actor.name));
    let view = View { topic, after, logs };
    let mut viewing = Viewing::new(state.clone(), caller.actor, view);
    let frame = tokio::select! {
        biased;
        frame = viewing.next(Some(Instant::now() + wait)) => frame?,
        () = Reader::revoked(&state, &caller.proof) => return Err(unknown()),
    };
    if let Some(here) = here {
        // Between two polls they are still here.
        let closing = state.closing.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(GRACE) => {}
                () = closing.cancelled() => {}
            }
            drop(here);
        });
    }
    Ok(([(CONTENT_TYPE, "application/json")], Bytes::from(frame.json.clone())).into_response())
}
