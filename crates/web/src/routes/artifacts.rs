//! The routes of artifacts.

use actions::{Actor, Artifact};
use api::{ArtifactView, FieldError, Page};
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};

use crate::AppState;
use crate::error::Refusal;
use crate::incoming;
use crate::input::{Parameters, Place};

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

/// Keeps a tree that was built elsewhere as an artifact of a commit. It is brought by `POST /releases` with `artifact`.
#[utoipa::path(post, path = "/api/v1/projects/{project}/artifacts", tag = "projects", params(
    ("project" = String, Path),
    ("ref" = String, Query, description = "The branch, tag or commit it was built from"),
), request_body(content = String, content_type = "application/x-tar", description = "A tar file, as it is or compressed by gzip or zstd"),
   responses((status = 201, body = ArtifactView)))]
pub(crate) async fn push(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    parameters: Parameters,
    body: Body,
) -> Result<(StatusCode, Json<ArtifactView>), Refusal> {
    let project = place.name("project")?;
    let Some(git_ref) = parameters.text("ref") else {
        return Err(FieldError::new("ref", "is missing: what was it built from?").into());
    };
    let (archive, arriving) = incoming::reader(body);
    let pushed = state.actions.push_artifact(&actor, &project, git_ref, Box::new(archive));
    let (pushed, ()) = tokio::join!(pushed, arriving);
    Ok((StatusCode::CREATED, Json(view(pushed?))))
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
