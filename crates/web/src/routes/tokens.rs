//! Routes of one's own API tokens.

use actions::{Actor, Token};
use api::{NewName, Page, TokenView};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};

use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::input::Place;

/// One's own tokens, oldest first.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "people", responses((status = 200, body = Page<TokenView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Page<TokenView>>, Refusal> {
    let tokens = state.actions.tokens(&actor).await?;
    Ok(Json(Page::all(tokens.into_iter().map(|token| view(token, None)).collect())))
}

/// Makes a token; the answer is the only time that it is told.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "people", request_body = NewName, responses((status = 201, body = TokenView)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    body: Input,
) -> Result<(StatusCode, Json<TokenView>), Refusal> {
    let NewName { name } = body.read()?;
    let (token, secret) = state.actions.create_token(&actor, &name).await?;
    Ok((StatusCode::CREATED, Json(view(token, Some(secret)))))
}

/// Takes a token back; whoever uses it is out at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "people", params(("token" = String, Path)), responses((status = 204)))]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    state.actions.remove_token(&actor, place.text("token")).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(token: Token, secret: Option<String>) -> TokenView {
    TokenView {
        id: token.id,
        name: token.record.name,
        user: token.record.user.to_string(),
        created_at: token.record.created_at,
        token: secret,
    }
}
