//! Routes of projects.

use actions::Actor;
use api::{Named, Page, ProjectSpec};
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

/// All projects, by name.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", responses((status = 200, body = Page<Named<ProjectSpec>>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Page<Value>>, Refusal> {
    let defined = state.actions.definitions(&actor).await?;
    let things = defined.projects.iter().map(|one| Thing::Project(one.name.clone()));
    Ok(Json(Page::all(crud::list(&defined, things))))
}

/// Makes a project.
#[utoipa::path(post, path = "/api/v1/projects", tag = "projects", request_body = Named<ProjectSpec>, responses((status = 201, body = Named<ProjectSpec>)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    body: Input,
) -> Result<Response, Refusal> {
    let (name, body) = crud::named(body)?;
    crud::create(&state, &actor, &Thing::Project(name), body).await
}

/// One project.
#[utoipa::path(get, path = "/api/v1/projects/{project}", tag = "projects", params(("project" = String, Path)), responses((status = 200, body = Named<ProjectSpec>)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(crud::view(&state, &actor, &thing(&place)?).await?))
}

/// Makes a project or replaces it.
#[utoipa::path(put, path = "/api/v1/projects/{project}", tag = "projects", params(("project" = String, Path)), request_body = ProjectSpec, responses((status = 200, body = Named<ProjectSpec>), (status = 201, body = Named<ProjectSpec>)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    crud::replace(&state, &actor, &thing(&place)?, body).await
}

/// Changes the keys that the body names; `null` removes one.
#[utoipa::path(patch, path = "/api/v1/projects/{project}", tag = "projects", params(("project" = String, Path)), request_body = Value, responses((status = 200, body = Named<ProjectSpec>)))]
pub(crate) async fn change(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    crud::change(&state, &actor, &thing(&place)?, body).await
}

/// Forgets a project.
#[utoipa::path(delete, path = "/api/v1/projects/{project}", tag = "projects", params(("project" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    crud::remove(&state, &actor, &thing(&place)?).await
}

fn thing(place: &Place) -> Result<Thing, Refusal> {
    Ok(Thing::Project(place.name("project")?))
}
