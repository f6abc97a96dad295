//! Routes of variables and secrets. No answer holds the value of a secret.

use actions::secrets::Said;
use actions::{Actor, Error};
use api::variable::From;
use api::{Page, SecretSpec, VariableView};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use model::{Scope, VariableName};

use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::input::Place;

/// The variables and secrets of a project.
#[utoipa::path(get, path = "/api/v1/projects/{project}/variables", tag = "variables", params(("project" = String, Path)), responses((status = 200, body = Page<VariableView>)))]
pub(crate) async fn of_project(
    state: State<AppState>,
    actor: Extension<Actor>,
    place: Place,
) -> Result<Json<Page<VariableView>>, Refusal> {
    list(state, actor, place).await
}

/// The variables and secrets of an environment, with those of its project and of its servers.
#[utoipa::path(get, path = "/api/v1/projects/{project}/environments/{environment}/variables", tag = "variables", params(("project" = String, Path), ("environment" = String, Path)), responses((status = 200, body = Page<VariableView>)))]
pub(crate) async fn of_environment(
    state: State<AppState>,
    actor: Extension<Actor>,
    place: Place,
) -> Result<Json<Page<VariableView>>, Refusal> {
    list(state, actor, place).await
}

/// The variables and secrets of a server.
#[utoipa::path(get, path = "/api/v1/servers/{server}/variables", tag = "variables", params(("server" = String, Path)), responses((status = 200, body = Page<VariableView>)))]
pub(crate) async fn of_server(
    state: State<AppState>,
    actor: Extension<Actor>,
    place: Place,
) -> Result<Json<Page<VariableView>>, Refusal> {
    list(state, actor, place).await
}

/// Stores a secret of a project.
#[utoipa::path(put, path = "/api/v1/projects/{project}/secrets/{secret}", tag = "variables", params(("project" = String, Path), ("secret" = String, Path)), request_body = SecretSpec, responses((status = 200, body = VariableView)))]
pub(crate) async fn put_of_project(
    state: State<AppState>,
    actor: Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Json<VariableView>, Refusal> {
    put(state, actor, place, body).await
}

/// Stores a secret of an environment.
#[utoipa::path(put, path = "/api/v1/projects/{project}/environments/{environment}/secrets/{secret}", tag = "variables", params(("project" = String, Path), ("environment" = String, Path), ("secret" = String, Path)), request_body = SecretSpec, responses((status = 200, body = VariableView)))]
pub(crate) async fn put_of_environment(
    state: State<AppState>,
    actor: Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Json<VariableView>, Refusal> {
    put(state, actor, place, body).await
}

/// Stores a secret of a server.
#[utoipa::path(put, path = "/api/v1/servers/{server}/secrets/{secret}", tag = "variables", params(("server" = String, Path), ("secret" = String, Path)), request_body = SecretSpec, responses((status = 200, body = VariableView)))]
pub(crate) async fn put_of_server(
    state: State<AppState>,
    actor: Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Json<VariableView>, Refusal> {
    put(state, actor, place, body).await
}

/// Forgets a secret of a project.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/secrets/{secret}", tag = "variables", params(("project" = String, Path), ("secret" = String, Path)), responses((status = 204)))]
pub(crate) async fn forget_of_project(
    state: State<AppState>,
    actor: Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    forget(state, actor, place).await
}

/// Forgets a secret of an environment.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/environments/{environment}/secrets/{secret}", tag = "variables", params(("project" = String, Path), ("environment" = String, Path), ("secret" = String, Path)), responses((status = 204)))]
pub(crate) async fn forget_of_environment(
    state: State<AppState>,
    actor: Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    forget(state, actor, place).await
}

/// Forgets a secret of a server.
#[utoipa::path(delete, path = "/api/v1/servers/{server}/secrets/{secret}", tag = "variables", params(("server" = String, Path), ("secret" = String, Path)), responses((status = 204)))]
pub(crate) async fn forget_of_server(
    state: State<AppState>,
    actor: Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    forget(state, actor, place).await
}

async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Page<VariableView>>, Refusal> {
    let said = state.actions.variables(&actor, &scope(&place)?).await?;
    Ok(Json(Page::all(said.into_iter().map(view).collect())))
}

async fn put(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Json<VariableView>, Refusal> {
    let (scope, text) = (scope(&place)?, place.text("secret"));
    let name = text.parse::<VariableName>().map_err(|error| Error::invalid("name", error.to_string()))?;
    let value = body.read::<SecretSpec>()?.check()?;
    let value = value.ok_or_else(|| Error::invalid("value", "is missing"))?;
    Ok(Json(view(state.actions.put_secret(&actor, scope, name, value).await?)))
}

async fn forget(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    let scope = scope(&place)?;
    // What cannot be a name names nothing, so it is not found.
    let name = place.text("secret").parse::<VariableName>();
    let name = name.map_err(|_| Error::missing("secret", "of that name"))?;
    state.actions.forget_secret(&actor, scope, name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which of the three the path names.
fn scope(place: &Place) -> Result<Scope, Refusal> {
    let has = |key| !place.text(key).is_empty();
    Ok(if has("server") {
        Scope::Server(place.name("server")?)
    } else if has("environment") {
        Scope::Environment(place.name("project")?, place.name("environment")?)
    } else {
        Scope::Project(place.name("project")?)
    })
}

fn view(said: Said) -> VariableView {
    let (from, server) = match said.scope {
        Scope::Project(_) => (From::Project, None),
        Scope::Environment(..) => (From::Environment, None),
        Scope::Server(server) => (From::Server, Some(server)),
    };
    VariableView {
        name: said.name,
        from,
        server,
        secret: said.value.is_none(),
        value: said.value,
        hidden: said.hidden,
        masked: said.masked,
        updated_at: said.updated_at,
    }
}
