//! The guard: what holds for every request, whatever it asks for.

use std::any::Any;
use std::time::Duration;

use api::{Code, Problem};
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::task::JoinError;
use tracing::Instrument;

use crate::AppState;
use crate::error::Refusal;
use crate::site::Reached;

/// The longest that a route may take which does not wait for anything outside.
const TIME: Duration = Duration::from_mins(1);

/// No part of the page comes from elsewhere, and nobody frames it.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                   img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Puts the security headers on every answer.
pub(crate) async fn headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let through_tls = matches!(state.site.reached(request.headers()), Some(Reached::Secure(_)));
    let mut answer = next.run(request).await;
    if through_tls {
        let year = HeaderValue::from_static("max-age=31536000");
        answer.headers_mut().insert(STRICT_TRANSPORT_SECURITY, year);
    }
    answer.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, CSP),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("aweigh-version"), env!("CARGO_PKG_VERSION")),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Refuses requests that another site's page sends, unless they only read.
pub(crate) async fn same_site(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && is_foreign(request.headers()) {
        return Refusal::from(Problem::new(Code::Forbidden, "the request comes from another site"))
            .into_response();
    }
    next.run(request).await
}

/// Whether a browser says that the request was made by another site. Programs that are no browser say nothing.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text(&HeaderName::from_static("sec-fetch-site")) {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(&ORIGIN) else { return false };
    let from = origin.split_once("://").map(|(_, host)| host);
    from.is_none() || from != text(&HOST)
}

/// Ends what takes too long.
pub(crate) async fn time_limit(request: Request, next: Next) -> Response {
    match tokio::time::timeout(TIME, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => Refusal::from(Problem::new(Code::Timeout, "it took longer than a minute")).into_response(),
    }
}

/// Brings a request that changes something to its end, also when whoever sent it has gone or waits no longer: what is stored
/// must be handed on to those who act upon it.
pub(crate) async fn to_its_end(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request).in_current_span()).await.map_err(JoinError::try_into_panic) {
        Ok(answer) => answer,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => Refusal::from(Problem::new(Code::Internal, "Aweigh stops")).into_response(),
    }
}

/// The answer to a request whose code panicked. The panic itself is in the log already.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Refusal::from(Problem::new(Code::Internal, "something went wrong here; the log says more"))
        .into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use tokio::sync::{Notify, mpsc};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn what_changes_something_comes_to_its_end_when_whoever_asked_has_gone() {
        let (begun, mut has_begun) = mpsc::unbounded_channel();
        let (done, mut is_done) = mpsc::unbounded_channel();
        let go_on = Arc::new(Notify::new());
        let wait = Arc::clone(&go_on);
        let work = async move || {
            begun.send(()).unwrap();
            wait.notified().await;
            done.send(()).unwrap();
        };
        let router = Router::new().route("/", post(work)).layer(from_fn(to_its_end));
        let request = Request::post("/").body(Body::empty()).unwrap();
        tokio::select! {
            _ = router.oneshot(request) => unreachable!("it waits"),
            begun = has_begun.recv() => begun.unwrap(),
        }
        // Nobody waits for its answer any more.
        go_on.notify_one();
        is_done.recv().await.unwrap();
    }

    #[test]
    fn a_browser_tells_where_a_request_comes_from() {
        let foreign = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_foreign(&pairs.collect())
        };
        assert!(!foreign(&[("host", "a:1")]));
        assert!(!foreign(&[("host", "a:1"), ("origin", "http://a:1")]));
        assert!(!foreign(&[("sec-fetch-site", "same-origin"), ("origin", "https://a")]));
        assert!(foreign(&[("host", "a:1"), ("origin", "http://b:1")]));
        assert!(foreign(&[("host", "a:1"), ("origin", "null")]));
        assert!(foreign(&[("sec-fetch-site", "cross-site")]));
        assert!(foreign(&[("sec-fetch-site", "same-site")]));
    }
}
