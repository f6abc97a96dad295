//! The routes of drift.

use actions::{Actor, Drift, Runs, ServerDrift};
use api::{DriftReport, DriftRow, DriftState, FieldErrors, ServersRequest};
use axum::extract::State;
use axum::{Extension, Json};

use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::input::Place;

/// Asks every server of an environment what it runs.
#[utoipa::path(get, path = "/api/v1/projects/{project}/environments/{environment}/drift", tag = "environments", params(("project" = String, Path), ("environment" = String, Path)), responses((status = 200, body = DriftReport)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<DriftReport>, Refusal> {
    let drift = state.actions.drift(&actor, &place.name("project")?, &place.name("environment")?).await?;
    Ok(Json(report(drift)))
}

/// Asks every server again, and notes that what those run that differ is right so, until they run something else.
#[utoipa::path(post, path = "/api/v1/projects/{project}/environments/{environment}/drift/accept", tag = "environments", params(("project" = String, Path), ("environment" = String, Path)), request_body = ServersRequest, responses((status = 200, body = DriftReport)))]
pub(crate) async fn accept(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Json<DriftReport>, Refusal> {
    let request: ServersRequest = body.read_or_default()?;
    let mut errors = FieldErrors::default();
    let wanted = errors.take("servers", request.servers.as_deref().map(str::parse).transpose());
    let wanted = errors.finish(wanted)?;
    let (project, environment) = (place.name("project")?, place.name("environment")?);
    let drift = state.actions.accept_drift(&actor, &project, &environment, wanted.as_ref()).await?;
    Ok(Json(report(drift)))
}

fn report(drift: Drift) -> DriftReport {
    let live = drift.live.map(|id| id.0);
    DriftReport { live, servers: drift.servers.into_iter().map(row).collect() }
}

fn row(server: ServerDrift) -> DriftRow {
    let (current, revision, reason) = match server.runs {
        Runs::Link { text, revision } => (Some(text), revision, None),
        Runs::Nothing => (None, None, Some("nothing is released there".to_owned())),
        Runs::Other => (None, None, Some("`current` is a real file or folder, not a link".to_owned())),
        Runs::Unreachable(why) => (None, None, Some(why)),
    };
    DriftRow {
        server: server.name.to_string(),
        state: match server.state {
            actions::DriftState::Same => DriftState::Same,
            actions::DriftState::Behind => DriftState::Behind,
            actions::DriftState::Foreign => DriftState::Foreign,
            actions::DriftState::Unknown => DriftState::Unknown,
        },
        current,
        release: server.release.map(|id| id.0),
        revision,
        reason,
        since: server.since,
        accepted_by: server.accepted_by,
    }
}
