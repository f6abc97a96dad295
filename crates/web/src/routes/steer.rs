//! Routes that steer a release which is under way. All of them answer 202: it does so as soon as it can.

use actions::Actor;
use api::{FieldError, Release, ServersRequest};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use model::Selector;

use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::input::Place;

type Accepted = (StatusCode, Json<Release>);

fn accepted(release: model::Release) -> Accepted {
    (StatusCode::ACCEPTED, Json(release.into()))
}

/// Asks a release to stop.
#[utoipa::path(post, path = "/api/v1/releases/{release}/cancel", tag = "releases", params(("release" = i64, Path)), responses((status = 202, body = Release)))]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Accepted, Refusal> {
    Ok(accepted(state.actions.cancel(&actor, place.release()?).await?))
}

/// Has a running release wait at the next border between steps.
#[utoipa::path(post, path = "/api/v1/releases/{release}/pause", tag = "releases", params(("release" = i64, Path)), responses((status = 202, body = Release)))]
pub(crate) async fn pause(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Accepted, Refusal> {
    Ok(accepted(state.actions.pause(&actor, place.release()?).await?))
}

/// Takes a paused or interrupted release up again.
#[utoipa::path(post, path = "/api/v1/releases/{release}/resume", tag = "releases", params(("release" = i64, Path)), responses((status = 202, body = Release)))]
pub(crate) async fn resume(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Accepted, Refusal> {
    Ok(accepted(state.actions.resume(&actor, place.release()?).await?))
}

/// Lets a release go on that waits behind a batch.
#[utoipa::path(post, path = "/api/v1/releases/{release}/promote", tag = "releases", params(("release" = i64, Path)), responses((status = 202, body = Release)))]
pub(crate) async fn promote(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Accepted, Refusal> {
    Ok(accepted(state.actions.promote(&actor, place.release()?).await?))
}

/// Tries servers of a paused or interrupted release once more, and takes it up again.
#[utoipa::path(post, path = "/api/v1/releases/{release}/retry", tag = "releases", params(("release" = i64, Path)), request_body = ServersRequest, responses((status = 202, body = Release)))]
pub(crate) async fn retry(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Accepted, Refusal> {
    let servers = selector(body.read()?)?;
    Ok(accepted(state.actions.retry(&actor, place.release()?, servers.as_ref()).await?))
}

/// Leaves servers out of a release that has begun; they go back where they were switched.
#[utoipa::path(post, path = "/api/v1/releases/{release}/skip", tag = "releases", params(("release" = i64, Path)), request_body = ServersRequest, responses((status = 202, body = Release)))]
pub(crate) async fn skip(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Accepted, Refusal> {
    let servers = selector(body.read()?)?;
    let servers =
        servers.ok_or_else(|| FieldError::new("servers", "is missing: write which servers to leave out"))?;
    Ok(accepted(state.actions.skip(&actor, place.release()?, &servers).await?))
}

fn selector(request: ServersRequest) -> Result<Option<Selector>, FieldError> {
    let parsed = request.servers.map(|text| text.parse()).transpose();
    parsed.map_err(|error: model::InvalidSelector| FieldError::new("servers", error))
}
