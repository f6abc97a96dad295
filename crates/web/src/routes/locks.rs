//! Routes of the locks of environments.

use actions::{Actor, SiteLock};
use api::{FieldErrors, LockRequest, LockView};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};

use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::input::Place;

/// Locks an environment: nobody else releases there. A rollback always may.
#[utoipa::path(put, path = "/api/v1/projects/{project}/environments/{environment}/lock", tag = "environments", params(("project" = String, Path), ("environment" = String, Path)), request_body = LockRequest, responses((status = 200, body = LockView)))]
pub(crate) async fn lock(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Json<LockView>, Refusal> {
    let request: LockRequest = body.read()?;
    let mut errors = FieldErrors::default();
    errors.add_if(
        request.reason.trim().is_empty(),
        "reason",
        "is missing: say why nobody is to release there",
    );
    errors.finish(Some(()))?;
    let (project, environment) = (place.name("project")?, place.name("environment")?);
    let lock = state.actions.lock(&actor, &project, &environment, &request.reason, request.until).await?;
    Ok(Json(lock_view(lock)))
}

/// Takes the lock of an environment away, whoever holds it.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/environments/{environment}/lock", tag = "environments", params(("project" = String, Path), ("environment" = String, Path)), responses((status = 204)))]
pub(crate) async fn unlock(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    state.actions.unlock(&actor, &place.name("project")?, &place.name("environment")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A lock as it is shown.
pub(crate) fn lock_view(lock: SiteLock) -> LockView {
    LockView { owner: lock.owner, reason: lock.reason, until: lock.until, since: lock.since }
}
