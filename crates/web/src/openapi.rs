//! The OpenAPI document. It is written by a test from the routes and the types they speak (`openapi/document.rs`), and
//! committed: what writes it is no part of the program. `build.rs` compresses it.

use std::io::Read;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use flate2::read::GzDecoder;

#[cfg(test)]
mod document;

const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.gz"));

/// The document.
pub(crate) async fn show() -> Result<impl IntoResponse, StatusCode> {
    let mut document = Vec::new();
    GzDecoder::new(PACKED).read_to_end(&mut document).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, "application/json")], document))
}
