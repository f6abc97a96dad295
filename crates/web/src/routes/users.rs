//! Routes of users.

use actions::{AccountRecord, Actor};
use api::{NewName, Page, SetUpLink, UserView};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};

use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::input::Place;

/// Every user, by name.
#[utoipa::path(get, path = "/api/v1/users", tag = "people", responses((status = 200, body = Page<UserView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Page<UserView>>, Refusal> {
    let users = state.actions.users(&actor).await?;
    Ok(Json(Page::all(users.into_iter().map(|user| view(&user, None)).collect())))
}

/// Makes a user. The answer has the link with which they set their password.
#[utoipa::path(post, path = "/api/v1/users", tag = "people", request_body = NewName, responses((status = 201, body = UserView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    body: Input,
) -> Result<(StatusCode, Json<UserView>), Refusal> {
    let NewName { name } = body.read()?;
    let mut errors = api::FieldErrors::default();
    let name = errors.take("name", name.parse());
    let name = errors.finish(name)?;
    let (user, code) = state.actions.create_user(&actor, &name).await?;
    Ok((StatusCode::CREATED, Json(view(&user, Some(state.site.setup_link(&code))))))
}

/// Removes a user, with their sessions and tokens.
#[utoipa::path(delete, path = "/api/v1/users/{user}", tag = "people", params(("user" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    state.actions.remove_user(&actor, &place.name("user")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new link that sets a user's password, for example when it was forgotten.
#[utoipa::path(post, path = "/api/v1/users/{user}/setup", tag = "people", params(("user" = String, Path)), responses((status = 201, body = SetUpLink)))]
pub(crate) async fn set_up(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<(StatusCode, Json<SetUpLink>), Refusal> {
    let code = state.actions.setup_code(&actor, &place.name("user")?).await?;
    Ok((StatusCode::CREATED, Json(SetUpLink { setup: state.site.setup_link(&code) })))
}

fn view(user: &AccountRecord, setup: Option<String>) -> UserView {
    UserView {
        name: user.name.to_string(),
        administrator: user.admin,
        created_at: user.created_at,
        has_password: user.has_password,
        setup,
    }
}
