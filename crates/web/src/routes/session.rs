//! Routes of signing in and out, and of one's own sessions and password.

use actions::{Actor, Proof, Session, SignInFrom, SignedIn};
use api::{Code, Me, Page, PasswordChange, Problem, SessionView, SetUp, SignIn};
use axum::extract::State;
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Extension, Json};
use model::ExposeSecret;

use crate::AppState;
use crate::auth::Peer;
use crate::body::Json as Input;
use crate::error::{Refusal, foreign};
use crate::input::Place;
use crate::site::{Reached, SAFE_WAYS};

/// Signs in with a password; the answer sets the cookie of the session.
#[utoipa::path(post, path = "/api/v1/session", tag = "people", security(()), request_body = SignIn, responses((status = 200, body = Me)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Input,
) -> Result<Response, Refusal> {
    let reached = reached(&state, &headers)?;
    let wish: SignIn = body.read()?;
    let signed_in =
        state.actions.sign_in(&wish.user, wish.password.0, from(peer.as_deref(), &headers)).await?;
    Ok(welcome(&reached, signed_in))
}

/// Sets a password with the code of a set-up link, and signs in.
#[utoipa::path(post, path = "/api/v1/setup", tag = "people", security(()), request_body = SetUp, responses((status = 200, body = Me)))]
pub(crate) async fn set_up(
    State(state): State<AppState>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Input,
) -> Result<Response, Refusal> {
    let reached = reached(&state, &headers)?;
    let wish: SetUp = body.read()?;
    let code = wish.code.0.expose_secret();
    let signed_in = state.actions.set_up(code, wish.password.0, from(peer.as_deref(), &headers)).await?;
    Ok(welcome(&reached, signed_in))
}

/// Who calls.
#[utoipa::path(get, path = "/api/v1/session", tag = "people", responses((status = 200, body = Me)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
) -> Result<Json<Me>, Refusal> {
    let session = state.actions.session(&proof).await?;
    Ok(Json(Me { user: actor.name, administrator: actor.administrator, session: session.map(view) }))
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "people", responses((status = 204)))]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Extension(proof): Extension<Proof>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    state.actions.sign_out(&proof).await?;
    let forget = state.site.reached(&headers).map(|reached| (SET_COOKIE, reached.set_cookie("")));
    Ok((StatusCode::NO_CONTENT, AppendHeaders(forget)).into_response())
}

/// One's own sessions, the one used last first.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "people", responses((status = 200, body = Page<SessionView>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
) -> Result<Json<Page<SessionView>>, Refusal> {
    let sessions = state.actions.sessions(&actor, &proof).await?;
    Ok(Json(Page::all(sessions.into_iter().map(view).collect())))
}

/// Ends one of one's own sessions.
#[utoipa::path(delete, path = "/api/v1/sessions/{session}", tag = "people", params(("session" = String, Path)), responses((status = 204)))]
pub(crate) async fn end(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    state.actions.end_session(&actor, place.text("session")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes one's own password, which ends one's other sessions.
#[utoipa::path(put, path = "/api/v1/account/password", tag = "people", request_body = PasswordChange, responses((status = 204)))]
pub(crate) async fn change_password(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
    body: Input,
) -> Result<StatusCode, Refusal> {
    let change: PasswordChange = body.read()?;
    state.actions.change_password(&actor, &proof, change.current.0, change.password.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the request reached the page, or why nobody signs in there.
fn reached(state: &AppState, headers: &HeaderMap) -> Result<Reached, Refusal> {
    let reached = state.site.reached(headers);
    let refused = || {
        let detail = "signing in is refused under this address, because the password would not be protected";
        let mut problem = Problem::new(Code::Forbidden, detail);
        problem.hint = Some(SAFE_WAYS.to_owned());
        problem
    };
    let reached = reached.ok_or_else(refused)?;
    if reached.is_own(headers) { Ok(reached) } else { Err(foreign()) }
}

fn from(peer: Option<&Peer>, headers: &HeaderMap) -> SignInFrom {
    let address = match peer {
        Some(Peer::Network(address)) => Some(address.ip()),
        _ => None,
    };
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default().to_owned();
    SignInFrom { address, agent }
}

fn welcome(reached: &Reached, signed_in: SignedIn) -> Response {
    let cookie = [(SET_COOKIE, reached.set_cookie(&signed_in.secret))];
    let (user, administrator) = (signed_in.session.record.user.to_string(), signed_in.session.record.admin);
    let me = Me { user, administrator, session: Some(view(signed_in.session)) };
    (cookie, Json(me)).into_response()
}

fn view(session: Session) -> SessionView {
    SessionView {
        id: session.id,
        created_at: session.record.created_at,
        seen_at: session.record.seen_at,
        expires_at: session.record.expires_at(),
        current: session.current,
        agent: session.record.agent,
    }
}
