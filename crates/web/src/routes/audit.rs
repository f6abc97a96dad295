//! The route of the audit log.

use actions::{Actor, AuditFilter, AuditRecord};
use api::{AuditView, Page};
use axum::extract::State;
use axum::{Extension, Json};

use crate::AppState;
use crate::error::Refusal;
use crate::input::Parameters;

/// What people did, the latest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "people", params(
    ("who" = Option<String>, Query, description = "Only what this person did"),
    ("object" = Option<String>, Query, description = "Only what was done to this thing: `server:web-1`, `environment:shop/production`, `release:42`"),
    ("before" = Option<u64>, Query, description = "Only what was done before this; `next` of the page before"),
    ("limit" = Option<u64>, Query, description = "50 when nothing is said; 1 to 1000"),
), responses((status = 200, body = Page<AuditView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    parameters: Parameters,
) -> Result<Json<Page<AuditView>>, Refusal> {
    let filter = AuditFilter {
        who: parameters.text("who").map(str::to_owned),
        object: parameters.text("object").map(str::to_owned),
        before: parameters.number("before")?.map(|id| i64::try_from(id).unwrap_or(i64::MAX)),
    };
    let limit = parameters.limit(50, actions::audit::MOST_DEEDS)?;
    let (found, next) = state.actions.audit(&actor, &filter, limit).await?;
    Ok(Json(Page { items: found.into_iter().map(view).collect(), next }))
}

fn view(record: AuditRecord) -> AuditView {
    let AuditRecord { id, at, who, what, object, detail } = record;
    AuditView { id, at, who, what, object, detail }
}
