//! The route of drift.

use actions::{Actor, Runs, ServerDrift};
use api::{DriftReport, DriftRow, DriftState};
use axum::extract::State;
use axum::{Extension, Json};

use crate::AppState;
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
    let live = drift.live.map(|(id, _)| id.0);
    Ok(Json(DriftReport { live, servers: drift.servers.into_iter().map(row).collect() }))
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
    }
}
