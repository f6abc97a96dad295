//! Routes of credentials. No answer holds a secret.

use actions::Actor;
use api::{
    CredentialSpec, CredentialView, GenerateRequest, Named, Page, RotateAnswer, RotatedServer, RotatedState,
};
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
use crate::thing::{Thing, kind_shown, kind_stored};

/// All credentials, by name.
#[utoipa::path(get, path = "/api/v1/credentials", tag = "credentials", responses((status = 200, body = Page<CredentialView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Page<Value>>, Refusal> {
    let defined = state.actions.definitions(&actor).await?;
    let things = defined.credentials.iter().map(|one| Thing::Credential(one.name.clone()));
    Ok(Json(Page::all(crud::list(&defined, things))))
}

/// Makes a credential.
#[utoipa::path(post, path = "/api/v1/credentials", tag = "credentials", request_body = Named<CredentialSpec>, responses((status = 201, body = CredentialView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    body: Input,
) -> Result<Response, Refusal> {
    let (name, body) = crud::named(body)?;
    crud::create(&state, &actor, &Thing::Credential(name), body).await
}

/// One credential.
#[utoipa::path(get, path = "/api/v1/credentials/{credential}", tag = "credentials", params(("credential" = String, Path)), responses((status = 200, body = CredentialView)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(crud::view(&state, &actor, &thing(&place)?).await?))
}

/// Makes a credential or replaces it.
#[utoipa::path(put, path = "/api/v1/credentials/{credential}", tag = "credentials", params(("credential" = String, Path)), request_body = CredentialSpec, responses((status = 200, body = CredentialView), (status = 201, body = CredentialView)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    crud::replace(&state, &actor, &thing(&place)?, body).await
}

/// Changes the keys that the body names; `null` removes one.
#[utoipa::path(patch, path = "/api/v1/credentials/{credential}", tag = "credentials", params(("credential" = String, Path)), request_body = Value, responses((status = 200, body = CredentialView)))]
pub(crate) async fn change(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    crud::change(&state, &actor, &thing(&place)?, body).await
}

/// Forgets a credential.
#[utoipa::path(delete, path = "/api/v1/credentials/{credential}", tag = "credentials", params(("credential" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    crud::remove(&state, &actor, &thing(&place)?).await
}

/// Makes a key pair, stores it as a new credential, and answers its public half.
#[utoipa::path(post, path = "/api/v1/credentials/{credential}/generate", tag = "credentials", params(("credential" = String, Path)), request_body = GenerateRequest, responses((status = 201, body = CredentialView)))]
pub(crate) async fn generate(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<(StatusCode, Json<CredentialView>), Refusal> {
    let request: GenerateRequest = body.read()?;
    let name = place.name("credential")?;
    let record = state.actions.generate_credential(&actor, name, kind_stored(request.kind)).await?;
    Ok((StatusCode::CREATED, Json(view(&record))))
}

/// Replaces a key on every server that is logged in to with it. Asked again it goes on where a server failed.
#[utoipa::path(post, path = "/api/v1/credentials/{credential}/rotate", tag = "credentials", params(("credential" = String, Path)), responses((status = 200, body = RotateAnswer)))]
pub(crate) async fn rotate(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<RotateAnswer>, Refusal> {
    let rotation = state.actions.rotate_credential(&actor, &place.name("credential")?).await?;
    let server = |server: actions::RotatedServer| RotatedServer {
        name: server.name,
        state: match server.state {
            actions::RotatedState::Old => RotatedState::Old,
            actions::RotatedState::Both => RotatedState::Both,
            actions::RotatedState::New => RotatedState::New,
        },
        trouble: server.trouble,
    };
    Ok(Json(RotateAnswer {
        public_key: rotation.public_key,
        replaced: rotation.is_replaced,
        servers: rotation.servers.into_iter().map(server).collect(),
    }))
}

fn thing(place: &Place) -> Result<Thing, Refusal> {
    Ok(Thing::Credential(place.name("credential")?))
}

/// What is shown of a stored credential.
pub(crate) fn view(record: &actions::CredentialRecord) -> CredentialView {
    CredentialView {
        name: record.name.clone(),
        kind: kind_shown(record.kind),
        username: record.username.clone(),
        fingerprint: record.fingerprint.clone(),
        public_key: record.public_key.clone(),
        created_at: record.created_at,
        updated_at: record.updated_at,
    }
}
