//! What is not the API: the page and its files, the health of Aweigh itself, and everything that is not there.

use api::{Code, Problem};
use axum::Json;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};
use ui::Coding;

use crate::error::Refusal;

/// The page. It reads the path itself: every path that is not something else is one of its screens.
pub(crate) async fn page(method: Method, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return no_such_method().await.into_response();
    }
    let language = match cookie(&headers, "aweigh-lang") {
        Some(wish) => wish.to_owned(),
        None => language(&headers).to_owned(),
    };
    let theme = cookie(&headers, "aweigh-theme").unwrap_or_default();
    Html(ui::page(&language, theme)).into_response()
}

/// A file of the page. Its name changes with what is in it, so it may be kept for ever.
pub(crate) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let accepts = |coding: Coding| {
        accepted.split(',').any(|wish| {
            let (word, weight) = wish.split_once(';').unwrap_or((wish, ""));
            let refused =
                weight.trim().strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty());
            word.trim() == word_of(coding) && !refused
        })
    };
    let Some(asset) = ui::asset(&path, accepts) else { return nothing_here().await.into_response() };
    let head = [
        (CONTENT_TYPE, asset.kind),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (VARY, "accept-encoding"),
    ];
    let mut answer = (StatusCode::OK, head, Body::from(asset.bytes.into_owned())).into_response();
    if let Some(coding) = asset.coding {
        answer.headers_mut().insert(CONTENT_ENCODING, axum::http::HeaderValue::from_static(word_of(coding)));
    }
    answer
}

fn word_of(coding: Coding) -> &'static str {
    match coding {
        Coding::Brotli => "br",
        Coding::Gzip => "gzip",
    }
}

/// The first language of the browser that the page speaks.
fn language(headers: &HeaderMap) -> &'static str {
    let wishes = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let spoken = |wish: &str| {
        let tag = wish.split(['-', ';', '_']).next().unwrap_or_default().trim().to_ascii_lowercase();
        ui::LANGUAGES.into_iter().find(|language| *language == tag)
    };
    wishes.split(',').find_map(spoken).unwrap_or(ui::LANGUAGES[0])
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// That Aweigh answers, for whoever watches it. Tells nothing else.
pub(crate) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// An unknown path.
pub(crate) async fn nothing_here() -> Refusal {
    Problem::new(Code::NotFound, "there is nothing at this path").into()
}

/// A known path, and a method that it does not take.
pub(crate) async fn no_such_method() -> Refusal {
    Problem::new(Code::MethodNotAllowed, "this path does not take this method").into()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_browsers_first_known_language_is_spoken() {
        let spoken = |value: &'static str| {
            language(&HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_static(value))]))
        };
        assert_eq!(spoken("zh-CN,zh;q=0.9,en;q=0.8"), "zh");
        assert_eq!(spoken("de-DE,de;q=0.9,zh;q=0.1"), "zh");
        assert_eq!(spoken("en-US,zh;q=0.5"), "en");
        assert_eq!(spoken("fr"), "en");
        assert_eq!(language(&HeaderMap::new()), "en");
    }
}
