//! Routes of hook templates.

use actions::{Actor, Tried};
use api::{Named, Page, TemplateSpec, TemplateVersion, TemplateView, TryAnswer, TryRequest};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Json};
use model::Picked;
use serde_json::Value;

use crate::AppState;
use crate::body::Json as Input;
use crate::crud;
use crate::error::Refusal;
use crate::input::Place;
use crate::thing::Thing;

/// All hook templates, by name, each with its newest version and the hooks that pick it.
#[utoipa::path(get, path = "/api/v1/hooks", tag = "hooks", responses((status = 200, body = Page<TemplateView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Page<Value>>, Refusal> {
    let defined = state.actions.definitions(&actor).await?;
    let things = defined.templates.iter().map(|one| Thing::Hook(one.template.name.clone()));
    Ok(Json(Page::all(crud::list(&defined, things))))
}

/// Makes a hook template.
#[utoipa::path(post, path = "/api/v1/hooks", tag = "hooks", request_body = Named<TemplateSpec>, responses((status = 201, body = TemplateView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    body: Input,
) -> Result<Response, Refusal> {
    let (name, body) = crud::named(body)?;
    crud::create(&state, &actor, &Thing::Hook(name), body).await
}

/// One hook template.
#[utoipa::path(get, path = "/api/v1/hooks/{hook}", tag = "hooks", params(("hook" = String, Path)), responses((status = 200, body = TemplateView)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(crud::view(&state, &actor, &thing(&place)?).await?))
}

/// Makes a hook template, or its next version.
#[utoipa::path(put, path = "/api/v1/hooks/{hook}", tag = "hooks", params(("hook" = String, Path)), request_body = TemplateSpec, responses((status = 200, body = TemplateView), (status = 201, body = TemplateView)))]
pub(crate) async fn replace(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    crud::replace(&state, &actor, &thing(&place)?, body).await
}

/// Makes the next version, which differs in the keys that the body names; `null` removes one.
#[utoipa::path(patch, path = "/api/v1/hooks/{hook}", tag = "hooks", params(("hook" = String, Path)), request_body = Value, responses((status = 200, body = TemplateView)))]
pub(crate) async fn change(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    crud::change(&state, &actor, &thing(&place)?, body).await
}

/// Forgets a hook template that no hook picks.
#[utoipa::path(delete, path = "/api/v1/hooks/{hook}", tag = "hooks", params(("hook" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    crud::remove(&state, &actor, &thing(&place)?).await
}

/// The versions of a hook template, the newest first.
#[utoipa::path(get, path = "/api/v1/hooks/{hook}/versions", tag = "hooks", params(("hook" = String, Path)), responses((status = 200, body = Page<TemplateVersion>)))]
pub(crate) async fn versions(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Page<TemplateVersion>>, Refusal> {
    let versions = state.actions.template_versions(&actor, &place.name("hook")?).await?;
    let shown = |record: actions::TemplateRecord| TemplateVersion {
        version: record.version,
        at: record.at,
        by: record.by,
        spec: TemplateSpec::from(&record.template),
    };
    Ok(Json(Page::all(versions.into_iter().map(shown).collect())))
}

/// Runs it for real on one server, in the folder of what is live there, and answers what it wrote.
#[utoipa::path(post, path = "/api/v1/hooks/{hook}/try", tag = "hooks", params(("hook" = String, Path)), request_body = TryRequest, responses((status = 200, body = TryAnswer)))]
pub(crate) async fn try_it(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Json<TryAnswer>, Refusal> {
    let request = body.read::<TryRequest>()?.check()?;
    let request = actions::TryRequest {
        picked: Picked { name: place.name("hook")?, version: request.version },
        run: request.run,
        project: request.project,
        environment: request.environment,
        server: request.server,
        check: request.check,
    };
    let Tried { exit, output, left_out, took } = state.actions.try_template(&actor, request).await?;
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    Ok(Json(TryAnswer { exit, output, left_out, took_ms }))
}

fn thing(place: &Place) -> Result<Thing, Refusal> {
    Ok(Thing::Hook(place.name("hook")?))
}
