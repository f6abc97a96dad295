//! Routes of the environments of a project.

use actions::{Actor, Error};
use api::{EnvironmentSpec, Named, Page};
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

/// All environments, by name.
#[utoipa::path(get, path = "/api/v1/projects/{project}/environments", tag = "environments", params(("project" = String, Path)), responses((status = 200, body = Page<Named<EnvironmentSpec>>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Page<Value>>, Refusal> {
    let defined = state.actions.definitions(&actor).await?;
    let project = place.name("project")?;
    if !defined.projects.iter().any(|known| known.name == project) {
        return Err(Error::missing("project", &project).into());
    }
    let own = defined.sites.iter().filter(|(of, _)| *of == project);
    let things = own.map(|(of, site)| Thing::Environment(of.clone(), site.name.clone()));
    Ok(Json(Page::all(crud::list(&defined, things))))
}

/// Makes a environment.
#[utoipa::path(post, path = "/api/v1/projects/{project}/environments", tag = "environments", params(("project" = String, Path)), request_body = Named<EnvironmentSpec>, responses((status = 201, body = Named<EnvironmentSpec>)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    let project = place.name("project")?;
    let (name, body) = crud::named(body)?;
    crud::create(&state, &actor, &Thing::Environment(project, name), body).await
}

/// One environment.
#[utoipa::path(get, path = "/api/v1/projects/{project}/environments/{environment}", tag = "environments", params(("project" = String, Path), ("environment" = String, Path)), responses((status = 200, body = Named<EnvironmentSpec>)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(crud::view(&state, &actor, &thing(&place)?).await?))
}

/// Makes a environment or replaces it.
#[utoipa::path(put, path = "/api/v1/projects/{project}/environments/{environment}", tag = "environments", params(("project" = String, Path), ("environment" = String, Path)), request_body = EnvironmentSpec, responses((status = 200, body = Named<EnvironmentSpec>), (status = 201, body = Named<EnvironmentSpec>)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    crud::replace(&state, &actor, &thing(&place)?, body).await
}

/// Changes the keys that the body names; `null` removes one.
#[utoipa::path(patch, path = "/api/v1/projects/{project}/environments/{environment}", tag = "environments", params(("project" = String, Path), ("environment" = String, Path)), request_body = Value, responses((status = 200, body = Named<EnvironmentSpec>)))]
pub(crate) async fn change(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    crud::change(&state, &actor, &thing(&place)?, body).await
}

/// Forgets a environment.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/environments/{environment}", tag = "environments", params(("project" = String, Path), ("environment" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    crud::remove(&state, &actor, &thing(&place)?).await
}

fn thing(place: &Place) -> Result<Thing, Refusal> {
    Ok(Thing::Environment(place.name("project")?, place.name("environment")?))
}
