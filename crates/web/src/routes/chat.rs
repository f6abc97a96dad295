//! Routes of chat.

use actions::{Actor, Error, Topic};
use api::{ChatPage, ChatRequest, Event, FieldError};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};

use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::input::{Parameters, Place};

/// Says something beside a release.
#[utoipa::path(post, path = "/api/v1/releases/{release}/chat", tag = "releases", params(
    ("release" = i64, Path),
    ("Idempotency-Key" = Option<String>, Header, description = "A repeated request with the same key answers the first one's fact"),
), request_body = ChatRequest, responses((status = 201, body = Event)))]
pub(crate) async fn to_release(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    headers: HeaderMap,
    body: Input,
) -> Result<(StatusCode, Json<model::Event>), Refusal> {
    say(&state, &actor, Topic::Release(place.release()?), &headers, body).await
}

/// Says something beside a project.
#[utoipa::path(post, path = "/api/v1/projects/{project}/chat", tag = "projects", params(
    ("project" = String, Path),
    ("Idempotency-Key" = Option<String>, Header, description = "A repeated request with the same key answers the first one's fact"),
), request_body = ChatRequest, responses((status = 201, body = Event)))]
pub(crate) async fn to_project(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    headers: HeaderMap,
    body: Input,
) -> Result<(StatusCode, Json<model::Event>), Refusal> {
    say(&state, &actor, Topic::Project(place.name("project")?), &headers, body).await
}

async fn say(
    state: &AppState,
    actor: &Actor,
    topic: Topic,
    headers: &HeaderMap,
    body: Input,
) -> Result<(StatusCode, Json<model::Event>), Refusal> {
    let ChatRequest { text, node } = body.read()?;
    let key = crate::input::idempotency_key(headers);
    let event = state.actions.say(actor, topic, &text, node, key).await?;
    Ok((StatusCode::CREATED, Json(event)))
}

/// What was said, without all the other facts: the last page, oldest first.
#[utoipa::path(get, path = "/api/v1/chat", tag = "releases", params(
    ("topic" = String, Query, description = "`release:42` or `project:shop`"),
    ("before" = Option<u64>, Query, description = "Only before this number; `next` of the page after"),
    ("limit" = Option<u64>, Query, description = "50 when nothing is said; 1 to 200"),
), responses((status = 200, body = ChatPage)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    parameters: Parameters,
) -> Result<Json<ChatPage>, Refusal> {
    let text = parameters.text("topic").ok_or_else(|| FieldError::new("topic", "is missing"))?;
    let topic: Topic =
        text.parse().map_err(|_| Error::missing("topic", &text.chars().take(80).collect::<String>()))?;
    let before = parameters.number("before")?.unwrap_or(u64::MAX);
    let limit = parameters.limit(50, 200)?;
    let (items, next) = state.actions.chat(&actor, &topic, before, limit).await?;
    Ok(Json(ChatPage { items, next }))
}
