//! The route of artifacts.

use actions::{Actor, Artifact};
use api::{ArtifactView, Page};
use axum::extract::State;
use axum::{Extension, Json};

use crate::AppState;
use crate::error::Refusal;
use crate::input::Place;

/// The artifacts of a project, newest first.
#[utoipa::path(get, path = "/api/v1/projects/{project}/artifacts", tag = "projects", params(("project" = String, Path)), responses((status = 200, body = Page<ArtifactView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Page<ArtifactView>>, Refusal> {
    let artifacts = state.actions.artifacts(&actor, &place.name("project")?).await?;
    Ok(Json(Page::all(artifacts.into_iter().map(view).collect())))
}

fn view(artifact: Artifact) -> ArtifactView {
    let record = artifact.record;
    ArtifactView {
        hash: record.hash,
        commit: record.commit.to_string(),
        files: record.files,
        bytes: record.bytes,
        created_at: record.created_at,
        kept: artifact.kept,
    }
}
