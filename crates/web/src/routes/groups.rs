//! Routes of groups of servers.

use actions::Actor;
use api::{GroupSpec, GroupView, Named, Page};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Json};
use serde_json::Value;

use crate::AppState;
use crate::body::Json as Input;
use crate::crud;
use crate::error::Refusal;
use crate::input::Place;
use crate::thing::Thing;

/// All groups, by name, each with the servers that are in it now.
#[utoipa::path(get, path = "/api/v1/groups", tag = "servers", responses((status = 200, body = Page<GroupView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Page<Value>>, Refusal> {
    let defined = state.actions.definitions(&actor).await?;
    let things = defined.groups.keys().map(|name| Thing::Group(name.clone()));
    Ok(Json(Page::all(crud::list(&defined, things))))
}

/// Makes a group.
#[utoipa::path(post, path = "/api/v1/groups", tag = "servers", request_body = Named<GroupSpec>, responses((status = 201, body = GroupView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    body: Input,
) -> Result<Response, Refusal> {
    let (name, body) = crud::named(body)?;
    crud::create(&state, &actor, &Thing::Group(name), body).await
}

/// One group.
#[utoipa::path(get, path = "/api/v1/groups/{group}", tag = "servers", params(("group" = String, Path)), responses((status = 200, body = GroupView)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(crud::view(&state, &actor, &thing(&place)?).await?))
}

/// Makes a group or replaces it.
#[utoipa::path(put, path = "/api/v1/groups/{group}", tag = "servers", params(("group" = String, Path)), request_body = GroupSpec, responses((status = 200, body = GroupView), (status = 201, body = GroupView)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    crud::replace(&state, &actor, &thing(&place)?, body).await
}

/// Forgets a group that no selector names.
#[utoipa::path(delete, path = "/api/v1/groups/{group}", tag = "servers", params(("group" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    crud::remove(&state, &actor, &thing(&place)?).await
}

fn thing(place: &Place) -> Result<Thing, Refusal> {
    Ok(Thing::Group(place.name("group")?))
}
