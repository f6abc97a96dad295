//! Routes of the master key.

use actions::{Actor, MasterKeyState};
use api::MasterKeyView;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};

use crate::AppState;
use crate::error::Refusal;

/// Which master key is in use.
#[utoipa::path(get, path = "/api/v1/master-key", tag = "credentials", responses((status = 200, body = MasterKeyView)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<MasterKeyView>, Refusal> {
    Ok(Json(view(state.actions.master_key(&actor).await?)))
}

/// Puts a new master key in its place; secrets are sealed anew in the background.
#[utoipa::path(post, path = "/api/v1/master-key/rotate", tag = "credentials", responses((status = 202, body = MasterKeyView)))]
pub(crate) async fn rotate(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<(StatusCode, Json<MasterKeyView>), Refusal> {
    Ok((StatusCode::ACCEPTED, Json(view(state.actions.replace_master_key(&actor).await?))))
}

fn view(key: MasterKeyState) -> MasterKeyView {
    MasterKeyView { version: key.version, left: key.left, replaceable: key.is_file }
}
