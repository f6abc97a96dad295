//! The OpenAPI document. It is written by a test from the routes and the types they speak (`openapi/document.rs`), and
//! committed: what writes it is no part of the program.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

#[cfg(test)]
mod document;

/// The document.
pub(crate) async fn show() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], include_str!("../../../ui/openapi.json"))
}
