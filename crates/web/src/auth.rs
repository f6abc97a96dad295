//! Who calls, and whether the route is theirs to call.

use std::net::SocketAddr;

use actions::{Action, Actor, Object};
use api::{Code, Problem};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;

use crate::AppState;
use crate::error::Refusal;

/// The other end of a connection. Set by [`crate::serve`] on every request, never by the caller.
#[derive(Debug, Clone)]
pub enum Peer {
    /// Somebody who is known by the way they came, such as through the Unix socket.
    Known(Actor),
    /// Somebody on the network, who has to say who they are.
    Network(SocketAddr),
}

impl Peer {
    /// Whoever can open the Unix socket, which only the user that Aweigh runs as can: the administrator.
    pub fn socket() -> Self {
        Self::Known(Actor::administrator("admin"))
    }
}

/// The longest token that is looked up, in bytes.
const LONGEST: usize = 512;

/// Finds out who calls and notes the [`Actor`] on the request; nobody unknown gets further.
pub(crate) async fn sign_in(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    // Taken out first: a request's body must not be held across the look-up.
    let peer = request.extensions().get::<Peer>().cloned();
    let token = bearer(request.headers()).map(str::to_owned);
    let actor = match actor(&state, peer, token).await {
        Ok(actor) => actor,
        Err(refusal) => return refusal.into_response(),
    };
    let Some(actor) = actor else {
        let problem =
            Problem::new(Code::Unauthenticated, "a valid token is needed: Authorization: Bearer TOKEN");
        let mut answer = Refusal::from(problem).into_response();
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return answer;
    };
    request.extensions_mut().insert(actor);
    next.run(request).await
}

async fn actor(
    state: &AppState,
    peer: Option<Peer>,
    token: Option<String>,
) -> Result<Option<Actor>, Refusal> {
    match (peer, token) {
        (Some(Peer::Known(actor)), _) => Ok(Some(actor)),
        (_, Some(token)) => Ok(state.actions.actor(&token).await?),
        (_, None) => Ok(None),
    }
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
