//! The route of shells.

use actions::{Actor, Proof, ShellRequest, Terminal, TerminalSize};
use api::FieldError;
use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;

use super::push::not_upgraded;
use crate::AppState;
use crate::error::Refusal;
use crate::input::{Parameters, Place};
use crate::push::Caller;
use crate::shell;

/// What a terminal is that does not say what it is.
const TERMINAL: &str = "xterm-256color";

/// Opens a WebSocket to a shell on a server (see docs/api.md).
#[utoipa::path(get, path = "/api/v1/servers/{server}/shell", tag = "servers", params(
    ("server" = String, Path),
    ("columns" = Option<u16>, Query, description = "How wide the terminal is, 1 to 1000; with `rows`"),
    ("rows" = Option<u16>, Query, description = "How high it is, 1 to 1000; without both there is no terminal"),
    ("term" = Option<String>, Query, description = "What it understands, as in `TERM`; xterm-256color when nothing is said"),
    ("command" = Option<String>, Query, description = "The command; a login shell when nothing is said"),
), responses((status = 101)))]
pub(crate) async fn open(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
    place: Place,
    parameters: Parameters,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let server = place.name("server")?;
    let request = ShellRequest {
        terminal: terminal(&parameters)?,
        command: parameters.text("command").map(str::to_owned),
    };
    let admitted = state.actions.admit_shell(&actor, &server, request).await?;
    let upgrade = upgrade.map_err(|_| not_upgraded())?;
    let sockets = state.sockets.clone();
    let caller = Caller { actor, proof };
    Ok(upgrade
        .max_message_size(shell::LARGEST)
        .max_frame_size(shell::LARGEST)
        .on_upgrade(move |socket| sockets.track_future(shell::run(socket, state, caller, server, admitted))))
}

fn terminal(parameters: &Parameters) -> Result<Option<Terminal>, FieldError> {
    let size = (parameters.value("columns", "a number")?, parameters.value("rows", "a number")?);
    match size {
        (None, None) => Ok(None),
        (Some(columns), Some(rows)) => {
            let kind = parameters.text("term").unwrap_or(TERMINAL).to_owned();
            Ok(Some(Terminal { kind, size: TerminalSize { columns, rows } }))
        }
        (Some(_), None) => Err(FieldError::new("rows", "is missing beside columns")),
        (None, Some(_)) => Err(FieldError::new("columns", "is missing beside rows")),
    }
}
