//! Routes of recordings: who had a shell where, and what it showed.

use actions::{Actor, Error, RecordingRecord};
use api::{Page, Recording};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use model::Name;
use tokio_util::io::ReaderStream;

use crate::AppState;
use crate::error::Refusal;
use crate::input::{Parameters, Place};

/// Recordings of shells, newest first.
#[utoipa::path(get, path = "/api/v1/recordings", tag = "servers", params(
    ("server" = Option<String>, Query, description = "Only of this server"),
    ("before" = Option<u64>, Query, description = "Only older than this one; `next` of the page before"),
    ("limit" = Option<u64>, Query, description = "20 when nothing is said; 1 to 200"),
), responses((status = 200, body = Page<Recording>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    parameters: Parameters,
) -> Result<Json<Page<Recording>>, Refusal> {
    let server: Option<Name> = parameters.value("server", "a name")?;
    let before = parameters.number("before")?.map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX));
    let limit = parameters.limit(20, actions::MOST_RECORDINGS)?;
    let (found, next) = state.actions.recordings(&actor, server.as_ref(), before, limit).await?;
    Ok(Json(Page { items: found.into_iter().map(view).collect(), next }))
}

/// What a shell showed, as asciicast v2; what an open one has shown so far.
#[utoipa::path(get, path = "/api/v1/recordings/{recording}", tag = "servers", params(("recording" = i64, Path)), responses((status = 200, body = String, content_type = "application/x-asciicast")))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Response, Refusal> {
    let text = place.text("recording");
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let missing = || Error::missing("recording", &text.chars().take(80).collect::<String>());
    let id: i64 = text.parse().ok().filter(|_| digits).ok_or_else(missing)?;
    let file = state.actions.recording(&actor, id).await?;
    let name = format!("attachment; filename=\"recording-{id}.cast\"");
    let head = [(CONTENT_TYPE, "application/x-asciicast".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((head, Body::from_stream(ReaderStream::new(file))).into_response())
}

fn view(record: RecordingRecord) -> Recording {
    let RecordingRecord { id, asked, started_at, ended_at, end, removed_at } = record;
    Recording {
        id,
        user: asked.account,
        server: asked.server.to_string(),
        command: asked.command,
        terminal: asked.is_terminal,
        started_at,
        ended_at,
        exit: end.exit,
        reason: end.reason,
        bytes: end.bytes,
        truncated: end.truncated,
        removed_at,
    }
}
