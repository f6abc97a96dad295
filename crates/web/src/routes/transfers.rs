//! The routes of files and folders to servers and from them.

use actions::{Actor, Carried, GetOrder, Moving, Proof, PutOrder};
use api::{Done, GetRequest, Transfer, TransferLine, Trouble};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::{Stream, stream};

use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::input::{Parameters, Place};
use crate::{incoming, outgoing};

/// Brings the one file or folder of a tar file to servers; line by line, how far each is and how it ended. Nothing goes to any
/// server before the whole body is here.
#[utoipa::path(post, path = "/api/v1/put", tag = "servers", params(
    ("servers" = String, Query, description = "Selector of the servers"),
    ("to" = String, Query, description = "The name that it gets there: absolute, or from the home folder"),
    ("replace" = Option<bool>, Query, description = "A folder takes the place of what is there; a file always does"),
    ("limit" = Option<u32>, Query, description = "To how many servers at once; 100 when nothing is said"),
), request_body(content = String, content_type = "application/x-tar", description = "A tar file with one file or one folder in it, not compressed"),
   responses((status = 200, content_type = "application/x-ndjson", body = TransferLine)))]
pub(crate) async fn put(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
    parameters: Parameters,
    body: Body,
) -> Result<Response, Refusal> {
    let replaces = parameters.flag("replace")?;
    let limit = parameters.value("limit", "a number from 1 to 1000")?;
    let text = |key| parameters.text(key).unwrap_or_default();
    let Transfer { servers, path, at_once } = api::transfer(text("servers"), "to", text("to"), limit)?;
    let order = PutOrder { servers, to: path, replaces, at_once };
    let (archive, arriving) = incoming::reader(body);
    let put = state.actions.put_files(&actor, order, Box::new(archive));
    let (moving, ()) = tokio::join!(put, arriving);
    Ok(outgoing::lines(state, proof, answer(moving?)))
}

/// Brings a file or a folder from servers; line by line, how far each is and how it ended. The last line says by which name it
/// can be fetched.
#[utoipa::path(post, path = "/api/v1/get", tag = "servers", request_body = GetRequest, responses((status = 200, content_type = "application/x-ndjson", body = TransferLine)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
    body: Input,
) -> Result<Response, Refusal> {
    let Transfer { servers, path, at_once } = body.read::<GetRequest>()?.check()?;
    let moving = state.actions.get_files(&actor, GetOrder { servers, from: path, at_once }).await?;
    Ok(outgoing::lines(state, proof, answer(moving)))
}

/// What came from servers, as a tar file: a folder for each server, with the file or folder in it.
#[utoipa::path(get, path = "/api/v1/downloads/{download}", tag = "servers", params(("download" = String, Path)), responses((status = 200, content_type = "application/x-tar", body = String)))]
pub(crate) async fn download(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Response, Refusal> {
    let (into, body) = outgoing::writer();
    state.actions.download(&actor, place.text("download"), into)?;
    Ok(([(CONTENT_TYPE, "application/x-tar")], body).into_response())
}

/// Forgets what came from servers; otherwise it is forgotten after ten minutes.
#[utoipa::path(delete, path = "/api/v1/downloads/{download}", tag = "servers", params(("download" = String, Path)), responses((status = 204)))]
pub(crate) async fn forget(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    state.actions.forget_download(&actor, place.text("download"))?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is told, as lines; behind all of it how many did well.
pub(super) fn answer(Moving { told, download }: Moving) -> impl Stream<Item = TransferLine> + Send {
    let begin = (told, download, Some(Done::default()));
    stream::unfold(begin, |(mut told, download, done)| async move {
        let mut done = done?;
        let Some(carried) = told.recv().await else {
            let download = download.filter(|_| done.ok > 0);
            let last = TransferLine { done: Some(done), download, ..TransferLine::default() };
            return Some((last, (told, None, None)));
        };
        let line = match carried {
            Carried::Started(server) => {
                TransferLine { server: Some(server), started: true, ..TransferLine::default() }
            }
            Carried::Far(server, bytes, total) => {
                TransferLine { server: Some(server), bytes: Some(bytes), total, ..TransferLine::default() }
            }
            Carried::All(bytes, total) => {
                TransferLine { bytes: Some(bytes), total, ..TransferLine::default() }
            }
            Carried::Ended(server, Ok(brought)) => {
                done.ok += 1;
                TransferLine {
                    server: Some(server),
                    bytes: Some(brought.bytes),
                    ok: Some(true),
                    files: Some(brought.files),
                    resumed: Some(brought.resumed),
                    ..TransferLine::default()
                }
            }
            Carried::Ended(server, Err(error)) => {
                done.failed += 1;
                let error = Trouble { message: error.message, hint: error.hint };
                let (server, error) = (Some(server), Some(error));
                TransferLine { server, ok: Some(false), error, ..TransferLine::default() }
            }
        };
        Some((line, (told, download, Some(done))))
    })
}
