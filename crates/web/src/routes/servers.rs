//! Routes of servers.

use actions::{Action, Actor, Definitions, Error, Object};
use api::{FieldError, Fleet, Named, Page, ScannedKey, ServerSpec, TrustAnswer, TrustRequest};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use model::{Name, Pattern, Selector};
use serde_json::Value;

use crate::AppState;
use crate::body::Json as Input;
use crate::crud;
use crate::define::{define, inside};
use crate::error::Refusal;
use crate::input::{Parameters, Place};
use crate::thing::Thing;

/// All servers, or those that a selector means, by name.
#[utoipa::path(get, path = "/api/v1/servers", tag = "servers", params(
    ("selector" = Option<String>, Query, description = "Only those that it means, such as `env=production&role=web`"),
), responses((status = 200, body = Page<Named<ServerSpec>>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    parameters: Parameters,
) -> Result<Json<Page<Value>>, Refusal> {
    let selector = parameters.text("selector").map_or(Ok(Selector::all()), str::parse);
    let selector = selector.map_err(|error| FieldError::new("selector", error))?;
    let defined = state.actions.definitions(&actor).await?;
    let meant = defined.servers.iter().filter(|server| selector.matches(server));
    let things = meant.map(|one| Thing::Server(one.name.clone()));
    Ok(Json(Page::all(crud::list(&defined, things))))
}

/// Makes a server. A name with a range, such as `web-[01:40]`, makes all of them at once; then the answer is a list.
#[utoipa::path(post, path = "/api/v1/servers", tag = "servers", request_body = Named<ServerSpec>, responses((status = 201, body = Named<ServerSpec>)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    body: Input,
) -> Result<Response, Refusal> {
    let together = body.0.get("name").and_then(Value::as_str).filter(|name| Pattern::is_meant(name));
    if let Some(pattern) = together.map(str::parse::<Pattern>) {
        let pattern = pattern.map_err(|error| FieldError::new("name", error))?;
        return create_all(&state, &actor, &pattern, body.0).await;
    }
    let (name, body) = crud::named(body)?;
    crud::create(&state, &actor, &Thing::Server(name), body).await
}

/// Makes servers that are written together, all or none, where none of them is there yet.
async fn create_all(
    state: &AppState,
    actor: &Actor,
    pattern: &Pattern,
    mut body: Value,
) -> Result<Response, Refusal> {
    body.as_object_mut().map(|table| table.remove("name"));
    let names: Result<Vec<Name>, _> = pattern.all().iter().map(|name| name.parse()).collect();
    let names = names.map_err(|error| FieldError::new("name", error))?;
    let key = pattern.as_str().to_owned();
    let prefix = format!("servers.{key}");
    let fleet = Fleet { servers: [(key, api::read(body)?)].into(), ..Fleet::default() };
    let allow = |defined: &Definitions| match names
        .iter()
        .find(|name| defined.servers.iter().any(|server| server.name == **name))
    {
        Some(name) => Err(Error::Exists { what: "server", name: name.to_string() }.into()),
        None => Ok(()),
    };
    let door = (Action::ChangeServers, Object::Installation);
    let made = define(state, actor, door, &fleet, crud::BY_HAND, allow).await;
    made.map_err(|refusal| refusal.map_errors(|errors| inside(&prefix, errors)))?;
    let defined = state.actions.definitions(actor).await?;
    let made = crud::list(&defined, names.into_iter().map(Thing::Server));
    Ok((StatusCode::CREATED, Json(Page::all(made))).into_response())
}

/// One server.
#[utoipa::path(get, path = "/api/v1/servers/{server}", tag = "servers", params(("server" = String, Path)), responses((status = 200, body = Named<ServerSpec>)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(crud::view(&state, &actor, &thing(&place)?).await?))
}

/// Makes a server or replaces it.
#[utoipa::path(put, path = "/api/v1/servers/{server}", tag = "servers", params(("server" = String, Path)), request_body = ServerSpec, responses((status = 200, body = Named<ServerSpec>), (status = 201, body = Named<ServerSpec>)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    crud::replace(&state, &actor, &thing(&place)?, body).await
}

/// Changes the keys that the body names; `null` removes one.
#[utoipa::path(patch, path = "/api/v1/servers/{server}", tag = "servers", params(("server" = String, Path)), request_body = Value, responses((status = 200, body = Named<ServerSpec>)))]
pub(crate) async fn change(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    crud::change(&state, &actor, &thing(&place)?, body).await
}

/// Forgets a server.
#[utoipa::path(delete, path = "/api/v1/servers/{server}", tag = "servers", params(("server" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    crud::remove(&state, &actor, &thing(&place)?).await
}

fn thing(place: &Place) -> Result<Thing, Refusal> {
    Ok(Thing::Server(place.name("server")?))
}

/// Without a fingerprint: the host keys that the machine presents. With one: pins the key that has it.
#[utoipa::path(post, path = "/api/v1/servers/{server}/trust", tag = "servers", params(("server" = String, Path)), request_body = TrustRequest, responses((status = 200, body = TrustAnswer)))]
pub(crate) async fn trust(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Json<TrustAnswer>, Refusal> {
    let TrustRequest { fingerprint } = body.read_or_default()?;
    let trust = state.actions.trust_server(&actor, &place.name("server")?, fingerprint.as_deref()).await?;
    Ok(Json(trusted(trust)))
}

/// What a machine presents, and what is pinned.
pub(super) fn trusted(trust: actions::Trust) -> TrustAnswer {
    let shown = |key: actions::ScannedKey| ScannedKey { key: key.key, fingerprint: key.fingerprint };
    TrustAnswer { keys: trust.keys.into_iter().map(shown).collect(), pinned: trust.pinned }
}
