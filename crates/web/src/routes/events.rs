//! The route of facts: polling, and long polling with `wait`.

use std::time::Duration;

use actions::{Actor, Error, LogFilter, Topic};
use api::{EventBatch, FieldError};
use axum::extract::State;
use axum::{Extension, Json};

use crate::AppState;
use crate::error::Refusal;
use crate::input::Parameters;

/// The facts of a topic after a number.
#[utoipa::path(get, path = "/api/v1/events", tag = "releases", params(
    ("topic" = String, Query, description = "`release:42`"),
    ("after" = Option<u64>, Query, description = "The number of the last fact that is known; 0 for all"),
    ("wait" = Option<u64>, Query, description = "Seconds to wait for a fact when there is none, 0 to 30"),
    ("logs" = Option<String>, Query, description = "`all`, `none`, or the keys of the nodes whose text is wanted, joined by commas"),
), responses((status = 200, body = EventBatch)))]
pub(crate) async fn events(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    parameters: Parameters,
) -> Result<Json<EventBatch>, Refusal> {
    let text = parameters.text("topic").ok_or_else(|| FieldError::new("topic", "is missing"))?;
    let topic: Topic =
        text.parse().map_err(|_| Error::missing("topic", &text.chars().take(80).collect::<String>()))?;
    let after = parameters.number("after")?.unwrap_or(0);
    let wait: i64 = parameters.value("wait", "a number of seconds")?.unwrap_or(0);
    let wait = Duration::from_secs(wait.clamp(0, 30).unsigned_abs());
    let logs = match parameters.text("logs") {
        None | Some("all") => LogFilter::All,
        Some("none") => LogFilter::None,
        Some(keys) => LogFilter::Nodes(keys.split(',').map(str::to_owned).collect()),
    };
    let batch = state.actions.events(&actor, &topic, after, &logs, wait, &state.closing).await?;
    Ok(Json(EventBatch {
        topic: batch.topic.to_string(),
        stream: batch.stream,
        events: batch.events,
        seq: batch.seq,
    }))
}
