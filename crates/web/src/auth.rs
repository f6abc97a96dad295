//! Who calls, and whether the route is theirs to call.

use std::net::SocketAddr;

use actions::{Action, Actor, Object, Proof};
use api::{Code, Problem};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, UPGRADE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;

use crate::AppState;
use crate::error::{Refusal, foreign};

/// The other end of a connection. Set by [`crate::serve`] on every request, never by the caller.
#[derive(Debug, Clone)]
pub enum Peer {
    /// Somebody who is known by the way they came, such as through the Unix socket.
    Known(Actor),
    /// Somebody on the network, who has to say who they are.
    Network(SocketAddr),
    /// Somebody on this machine who has to say who they are, such as a build.
    Stranger,
}

impl Peer {
    /// Whoever can open the Unix socket, which only the user that Aweigh runs as can: the administrator.
    pub fn socket() -> Self {
        Self::Known(Actor::administrator("admin"))
    }
}

/// The longest token that is looked up, in bytes.
const LONGEST: usize = 512;

/// Finds out who calls and notes [`Actor`] and [`Proof`] on the request; nobody unknown gets further.
pub(crate) async fn sign_in(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let proof = match proof(&state, &request) {
        Ok(proof) => proof,
        Err(refusal) => return refusal.into_response(),
    };
    let actor = match &proof {
        Some(proof) => state.actions.let_in(proof).await,
        None => Ok(None),
    };
    match (proof, actor) {
        (Some(proof), Ok(Some(actor))) => {
            request.extensions_mut().insert(actor);
            request.extensions_mut().insert(proof);
            next.run(request).await
        }
        (_, Ok(_)) => nobody(),
        (_, Err(error)) => Refusal::from(error).into_response(),
    }
}

/// The refusal of somebody unknown.
pub(crate) fn unknown() -> Refusal {
    let detail = "sign in first; a program sends a valid token: Authorization: Bearer TOKEN";
    Problem::new(Code::Unauthenticated, detail).into()
}

fn nobody() -> Response {
    let mut answer = unknown().into_response();
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

/// What the caller shows: the door they came through, a token, or the cookie of a session.
///
/// A cookie is sent by the browser whoever made the request, so what changes something, or opens a socket, must
/// come from a page of our own.
fn proof(state: &AppState, request: &Request) -> Result<Option<Proof>, Refusal> {
    if let Some(Peer::Known(actor)) = request.extensions().get::<Peer>() {
        return Ok(Some(Proof::Door(actor.clone())));
    }
    let headers = request.headers();
    if headers.contains_key(AUTHORIZATION) {
        return Ok(bearer(headers).map(Proof::token));
    }
    let Some(reached) = state.site.reached(headers) else { return Ok(None) };
    let Some(secret) = reached.secret(headers) else { return Ok(None) };
    let is_own = if headers.contains_key(UPGRADE) {
        // Every browser tells the origin of a socket.
        reached.is_own_origin(headers)
    } else {
        request.method().is_safe() || reached.is_own(headers)
    };
    if is_own { Ok(Some(Proof::session(secret))) } else { Err(foreign()) }
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750 section 2.1). Tokens in URLs are not read.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let plain = (1..=LONGEST).contains(&token.len());
    (scheme.eq_ignore_ascii_case("bearer") && plain).then_some(token)
}

/// `routes`, for those who may do `action`. Asked before anything of the request is read; the action asks again,
/// with what it is done to.
pub(crate) fn allow(action: Action, routes: MethodRouter<AppState>) -> MethodRouter<AppState> {
    routes.route_layer(from_fn(
        move |Extension(actor): Extension<Actor>, request: Request, next: Next| async move {
            match actions::authorize(&actor, action, &Object::Installation) {
                Ok(()) => next.run(request).await,
                Err(denied) => Refusal::from(actions::Error::from(denied)).into_response(),
            }
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_are_read() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(read("bearer abc").as_deref(), Some("abc"));
        for bad in ["Basic abc", "Bearer", "Bearer ", "abc", &format!("Bearer {}", "x".repeat(600))] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
