//! The route of the WebSocket.

use actions::{Actor, Proof};
use api::{Code, Problem};
use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;

use crate::AppState;
use crate::error::Refusal;
use crate::push::{Caller, socket};

/// Opens the WebSocket over which a page is told everything (see docs/api.md).
pub(crate) async fn open(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Extension(proof): Extension<Proof>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let upgrade = upgrade.map_err(|_| not_upgraded())?;
    let sockets = state.sockets.clone();
    let caller = Caller { actor, proof };
    Ok(upgrade
        // It is cleared for each look at what came, and kept for as long as the socket: pages say little.
        .read_buffer_size(1024)
        .max_message_size(socket::LARGEST)
        .max_frame_size(socket::LARGEST)
        .on_upgrade(move |socket| sockets.track_future(socket::run(socket, state, caller))))
}

/// The refusal of what is no WebSocket.
pub(super) fn not_upgraded() -> Problem {
    let detail =
        "a WebSocket is expected here (RFC 6455); a proxy in between may have taken its headers away";
    Problem::new(Code::NotUpgraded, detail)
}
