//! The route of the board.

use actions::Actor;
use api::{BoardRow, Page};
use axum::extract::State;
use axum::{Extension, Json};

use crate::AppState;
use crate::error::Refusal;
use crate::routes::locks::lock_view;

/// What every environment runs and does.
#[utoipa::path(get, path = "/api/v1/board", tag = "releases", responses((status = 200, body = Page<BoardRow>)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Page<BoardRow>>, Refusal> {
    let rows = state.actions.board(&actor).await?;
    Ok(Json(Page::all(rows.into_iter().map(row).collect())))
}

fn row(row: actions::BoardRow) -> BoardRow {
    BoardRow {
        project: row.project.to_string(),
        environment: row.environment.to_string(),
        servers: row.servers.iter().map(ToString::to_string).collect(),
        live: row.live.map(Into::into),
        latest: row.latest.map(Into::into),
        active: row.active.map(Into::into),
        queued: u32::try_from(row.queued).unwrap_or(u32::MAX),
        lock: row.lock.map(lock_view),
        drift: u32::try_from(row.drift).unwrap_or(u32::MAX),
    }
}
