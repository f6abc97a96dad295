//! The route that runs commands on many servers.

use actions::{Actor, Ended, Proof, RunOrder, Running, Told, What};
use api::{Done, RunLine, RunRequest, ServerEnded, Trouble};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use futures::{Stream, stream};
use tokio::sync::mpsc::Receiver;

use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::outgoing;

/// Runs a command on servers and answers, line by line, what it writes there and how it ends. Whoever goes away before the last
/// line ends it.
#[utoipa::path(post, path = "/api/v1/run", tag = "servers", request_body = RunRequest, responses((status = 200, content_type = "application/x-ndjson", body = RunLine)))]
pub(crate) async fn run(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
    body: Input,
) -> Result<Response, Refusal> {
    let run = body.read::<RunRequest>()?.check()?;
    let order = RunOrder {
        servers: run.servers,
        command: run.command,
        stdin: run.stdin,
        place: run.place,
        at_once: run.at_once,
        longest: run.longest,
    };
    let Running { told, .. } = state.actions.run_command(&actor, order).await?;
    Ok(outgoing::lines(state, proof, answer(told)))
}

/// What is told, as lines; behind all of it how many did well.
fn answer(told: Receiver<Told>) -> impl Stream<Item = RunLine> + Send {
    stream::unfold((told, Some(Done::default())), |(mut told, done)| async move {
        let mut done = done?;
        let Some(Told { server, what }) = told.recv().await else {
            return Some((RunLine { done: Some(done), ..RunLine::default() }, (told, None)));
        };
        let mut line = RunLine { server: Some(server), ..RunLine::default() };
        match what {
            What::Started => line.started = true,
            What::Stdout(text) => line.stdout = Some(text),
            What::Stderr(text) => line.stderr = Some(text),
            What::Ended(Ended { exit, error, left_out }) => {
                if exit == Some(0) {
                    done.ok += 1;
                } else {
                    done.failed += 1;
                }
                let error = error.map(|error| Trouble { message: error.message, hint: error.hint });
                line.ended = Some(ServerEnded { exit, error, left_out });
            }
        }
        Some((line, (told, Some(done))))
    })
}
