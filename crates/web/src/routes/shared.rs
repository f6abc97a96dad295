//! The routes of linked files and folders: what lies in `shared/`, to servers and from them.

use actions::{Actor, Proof, SharedOrder, SharedThere};
use api::{SharedGetRequest, SharedKind, SharedRow, SharedServer, SharedTransfer, TransferLine, Trouble};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};

use super::transfers::answer;
use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::input::{Parameters, Place};
use crate::{incoming, outgoing};

/// Asks the servers of an environment what they have under the names of `linked_files` and `linked_dirs`.
#[utoipa::path(get, path = "/api/v1/projects/{project}/environments/{environment}/shared", tag = "environments", params(
    ("project" = String, Path), ("environment" = String, Path),
    ("servers" = Option<String>, Query, description = "Selector of servers of the environment; all of them when nothing is said"),
), responses((status = 200, body = Vec<SharedServer>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    parameters: Parameters,
) -> Result<Json<Vec<SharedServer>>, Refusal> {
    let wanted = parameters.value("servers", "a selector of servers")?;
    let (project, environment) = (place.name("project")?, place.name("environment")?);
    let found = state.actions.shared(&actor, &project, &environment, wanted.as_ref()).await?;
    Ok(Json(found.into_iter().map(server).collect()))
}

/// Brings the one file or folder of a tar file into `shared/` of the servers; line by line, how far each is and how it ended.
/// Releases that are linked to it have it at once.
#[utoipa::path(post, path = "/api/v1/projects/{project}/environments/{environment}/shared/put", tag = "environments", params(
    ("project" = String, Path), ("environment" = String, Path),
    ("name" = String, Query, description = "Its name in a release: one of `linked_files`, or in one of `linked_dirs`"),
    ("servers" = Option<String>, Query, description = "Selector of servers of the environment; all of them when nothing is said"),
    ("replace" = Option<bool>, Query, description = "A folder takes the place of what is there; a file always does"),
    ("limit" = Option<u32>, Query, description = "To how many servers at once; 100 when nothing is said"),
), request_body(content = String, content_type = "application/x-tar", description = "A tar file with one file or one folder in it, not compressed"),
   responses((status = 200, content_type = "application/x-ndjson", body = TransferLine)))]
pub(crate) async fn put(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
    place: Place,
    parameters: Parameters,
    body: Body,
) -> Result<Response, Refusal> {
    let replaces = parameters.flag("replace")?;
    let limit = parameters.value("limit", "a number from 1 to 1000")?;
    let name = parameters.text("name").unwrap_or_default();
    let transfer = SharedTransfer::read(name, parameters.text("servers"), limit)?;
    let order = SharedOrder { replaces, ..order(&place, transfer)? };
    let (archive, arriving) = incoming::reader(body);
    let put = state.actions.put_shared(&actor, order, Box::new(archive));
    let (moving, ()) = tokio::join!(put, arriving);
    Ok(outgoing::lines(state, proof, answer(moving?)))
}

/// Brings a linked file or folder from the servers; line by line, how far each is and how it ended. The last line says by which
/// name it can be fetched.
#[utoipa::path(post, path = "/api/v1/projects/{project}/environments/{environment}/shared/get", tag = "environments", params(("project" = String, Path), ("environment" = String, Path)), request_body = SharedGetRequest, responses((status = 200, content_type = "application/x-ndjson", body = TransferLine)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
    place: Place,
    body: Input,
) -> Result<Response, Refusal> {
    let request = body.read::<SharedGetRequest>()?;
    let transfer = SharedTransfer::read(&request.name, request.servers.as_deref(), request.limit)?;
    let moving = state.actions.get_shared(&actor, order(&place, transfer)?).await?;
    Ok(outgoing::lines(state, proof, answer(moving)))
}

fn order(place: &Place, transfer: SharedTransfer) -> Result<SharedOrder, Refusal> {
    Ok(SharedOrder {
        project: place.name("project")?,
        environment: place.name("environment")?,
        servers: transfer.servers,
        name: transfer.name,
        replaces: false,
        at_once: transfer.at_once,
    })
}

fn server(there: SharedThere) -> SharedServer {
    let (things, error) = match there.found {
        Ok(found) => (found.into_iter().map(row).collect(), None),
        Err(error) => (Vec::new(), Some(Trouble { message: error.message, hint: error.hint })),
    };
    SharedServer { server: there.server, things, error }
}

fn row((name, thing): (model::TreePath, actions::SharedThing)) -> SharedRow {
    SharedRow {
        name: name.to_string(),
        kind: match thing.kind {
            actions::SharedKind::Missing => SharedKind::Missing,
            actions::SharedKind::File => SharedKind::File,
            actions::SharedKind::Folder => SharedKind::Folder,
            actions::SharedKind::Other => SharedKind::Other,
        },
        mode: thing.mode.map(|mode| format!("{mode:o}")),
        size: thing.size,
        modified_at: thing.modified,
        sha256: thing.sum,
    }
}
