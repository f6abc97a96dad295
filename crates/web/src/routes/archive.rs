//! The route of archives: the tree of a ref as one stream.

use std::io;

use actions::{Actor, ArchiveFormat, Packing};
use api::FieldError;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use tokio::io::{DuplexStream, duplex};
use tokio_util::io::ReaderStream;
use tokio_util::task::AbortOnDropHandle;

use crate::AppState;
use crate::error::Refusal;
use crate::input::{Parameters, Place};

/// How many bytes of an archive wait for a slow reader.
const AHEAD: usize = 256 * 1024;

/// The header that tells the full id of the commit.
const COMMIT: HeaderName = HeaderName::from_static("aweigh-commit");

/// Each format by its word, with the type of its content.
const FORMATS: [(&str, ArchiveFormat, &str); 4] = [
    ("tar", ArchiveFormat::Tar, "application/x-tar"),
    ("tar.gz", ArchiveFormat::TarGz, "application/gzip"),
    ("tar.zst", ArchiveFormat::TarZst, "application/zstd"),
    ("zip", ArchiveFormat::Zip, "application/zip"),
];

/// The tree of a branch, tag or commit. A body that is cut short has no end that a program would take for one.
#[utoipa::path(get, path = "/api/v1/projects/{project}/archive", tag = "projects", params(
    ("project" = String, Path),
    ("ref" = String, Query, description = "A branch, a tag or a commit"),
    ("format" = Option<String>, Query, description = "`tar.gz` when nothing is said; `tar`, `tar.zst`, `zip`"),
    ("prefix" = Option<String>, Query, description = "Folders in front of every path, such as `shop-1.2`"),
), responses((status = 200, body = String, content_type = "application/gzip", description = "The header `Aweigh-Commit` tells the full id of the commit")))]
pub(crate) async fn archive(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let project = place.name("project")?;
    let git_ref = parameters.text("ref").ok_or_else(|| FieldError::new("ref", "is missing"))?;
    let wanted = parameters.text("format").unwrap_or("tar.gz");
    let Some((word, format, kind)) = FORMATS.into_iter().find(|(word, ..)| *word == wanted) else {
        return Err(FieldError::new("format", "must be tar, tar.gz, tar.zst or zip").into());
    };
    let packing = Packing { format, prefix: parameters.text("prefix").unwrap_or_default().to_owned() };
    let (reader, writer) = duplex(AHEAD);
    let (commit, writing) =
        state.actions.archive(&actor, &project, git_ref, packing, Box::new(writer)).await?;
    let writing = AbortOnDropHandle::new(tokio::spawn(writing));
    let name = format!("attachment; filename=\"{project}-{}.{word}\"", commit.short());
    let head = [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, name), (COMMIT, commit.to_string())];
    Ok((head, Body::from_stream(pieces(reader, writing))).into_response())
}

/// What was written, and then whether that was all. Whoever goes away ends the writing too.
fn pieces(
    reader: DuplexStream,
    writing: AbortOnDropHandle<Result<(), actions::Error>>,
) -> impl Stream<Item = io::Result<Bytes>> {
    let end = stream::once(async move {
        match writing.await {
            Ok(Ok(())) => None,
            // The status is out already; cutting the body short is what is left to say.
            Ok(Err(error)) => Some(Err(io::Error::other(error))),
            Err(error) => Some(Err(io::Error::other(error))),
        }
    });
    ReaderStream::new(reader).chain(end.filter_map(std::future::ready))
}
