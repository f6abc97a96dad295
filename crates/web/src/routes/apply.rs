//! Routes of the fleet as a whole: apply and export.

use actions::{Action, Actor, Object};
use api::{ApplyAnswer, Fleet};
use axum::extract::State;
use axum::{Extension, Json};

use crate::AppState;
use crate::body::Json as Input;
use crate::define::{Manner, define};
use crate::error::Refusal;
use crate::input::Parameters;
use crate::thing::stored;

/// Makes everything the fleet names as the fleet says, in one transaction.
#[utoipa::path(post, path = "/api/v1/apply", tag = "fleet", params(
    ("plan" = Option<String>, Query, description = "`1`: only tell what would change"),
    ("prune" = Option<String>, Query, description = "`1`: remove what apply made and the fleet does not name"),
    ("by_hand" = Option<String>, Query, description = "`1`: what is new counts as made by hand, so that no later prune removes it"),
), request_body = Fleet, responses((status = 200, body = ApplyAnswer)))]
pub(crate) async fn apply(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    parameters: Parameters,
    body: Input,
) -> Result<Json<ApplyAnswer>, Refusal> {
    let manner = Manner {
        plan: parameters.flag("plan")?,
        prune: parameters.flag("prune")?,
        by_apply: !parameters.flag("by_hand")?,
    };
    let fleet: Fleet = body.read()?;
    let door = (Action::Apply, Object::Installation);
    Ok(Json(define(&state, &actor, door, &fleet, manner, |_| Ok(())).await?))
}

/// Everything that is defined, as a fleet without secrets. Applying it changes nothing.
#[utoipa::path(get, path = "/api/v1/export", tag = "fleet", responses((status = 200, body = Fleet)))]
pub(crate) async fn export(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Fleet>, Refusal> {
    Ok(Json(Fleet::of(&stored(&state.actions.definitions(&actor).await?))))
}
