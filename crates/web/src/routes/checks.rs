//! Routes that ask a server something: whether releases can run there, and what it is.

use actions::{Actor, Checkup, Facts, Proof, Verdict};
use api::{Finding, FindingStatus, Page, Room, ServerFacts, ServerTool};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::channel::mpsc;
use futures::{Stream, StreamExt, stream};

use crate::AppState;
use crate::error::Refusal;
use crate::input::Place;
use crate::outgoing;

/// Connects and logs in as a release does, and looks for all that a release needs there. What is wrong is a finding.
/// With `Accept: application/x-ndjson` each finding is a line, sent when it is found.
#[utoipa::path(post, path = "/api/v1/servers/{server}/check", tag = "servers", params(("server" = String, Path)), responses((status = 200, content(
    (Page<Finding> = "application/json"), (Finding = "application/x-ndjson"),
))))]
pub(crate) async fn check(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
    place: Place,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let checkup = state.actions.check_server(&actor, &place.name("server")?).await?;
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepted.split(',').any(|kind| kind.split(';').next().unwrap_or_default().trim() == outgoing::LINES) {
        return Ok(outgoing::lines(state, proof, told(checkup)));
    }
    let findings = checkup.all().await.into_iter().map(finding).collect();
    Ok(Json(Page::all(findings)).into_response())
}

/// The findings as they are found. Whoever does not listen any more ends the check.
fn told(checkup: Checkup) -> impl Stream<Item = Finding> {
    let (told, findings) = mpsc::unbounded();
    // Its end drops the sender, which ends the list.
    let run = checkup.run(move |finding| _ = told.unbounded_send(finding));
    let run = stream::once(run).filter_map(|()| std::future::ready(None::<actions::Finding>));
    stream::select(findings, run).map(finding)
}

fn finding(found: actions::Finding) -> Finding {
    let status = match found.verdict {
        Verdict::Ok => FindingStatus::Ok,
        Verdict::Warning => FindingStatus::Warning,
        Verdict::Failed => FindingStatus::Failed,
    };
    let ok = status != FindingStatus::Failed;
    Finding { what: found.what, ok, status, detail: found.detail, hint: found.hint }
}

/// Connects and logs in as a release does, and asks what the machine is and what is on it.
#[utoipa::path(post, path = "/api/v1/servers/{server}/facts", tag = "servers", params(("server" = String, Path)), responses((status = 200, body = ServerFacts)))]
pub(crate) async fn facts(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<ServerFacts>, Refusal> {
    Ok(Json(shown(state.actions.server_facts(&actor, &place.name("server")?).await?)))
}

fn shown(facts: Facts) -> ServerFacts {
    let room = |room: actions::Room| Room { total: room.total, free: room.free };
    let tool =
        |tool: actions::ServerTool| ServerTool { name: tool.name, path: tool.path, version: tool.version };
    ServerFacts {
        os: facts.os,
        kernel: facts.kernel,
        architecture: facts.architecture,
        cpus: facts.cpus,
        memory: facts.memory.map(room),
        disk: facts.disk.map(room),
        uptime_seconds: facts.uptime.map(|uptime| uptime.as_secs()),
        now: facts.now,
        zone: facts.zone,
        user: facts.user,
        shell: facts.shell,
        tools: facts.tools.into_iter().map(tool).collect(),
    }
}
