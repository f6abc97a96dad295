//! What is not the API: the page, the health of Aweigh itself, and everything that is not there.

use api::{Code, Problem};
use axum::Json;
use axum::response::Html;
use serde_json::{Value, json};

use crate::error::Refusal;

/// The page.
pub(crate) async fn home() -> Html<&'static str> {
    Html(ui::page())
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
