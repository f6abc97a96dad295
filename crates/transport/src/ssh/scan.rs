//! Which host keys a server presents, without logging in.

use std::sync::Arc;

use tokio::time::timeout;

use super::algorithms::{self, FAMILIES};
use super::connect::{HOST_KEY, Handshake};
use super::guard::{Halt, Policy};
use super::jump::Start;
use super::{Connection, HostKey};
use crate::{Error, KeyExchange, Timeouts};

/// Asks a server for its host keys, one connection per kind of key, and never authenticates. The
/// answer is what *somebody* at that address presents: pin it only after comparing fingerprints.
/// [`Session::scan`](crate::Session::scan) asks from another machine. With `legacy_algorithms` old servers are understood,
/// too: see [`Target`](crate::Target).
pub async fn scan(
    host: &str,
    port: u16,
    legacy_algorithms: bool,
    timeouts: Timeouts,
) -> Result<Vec<HostKey>, Error> {
    scan_from(Start::Here, host, port, legacy_algorithms, timeouts).await
}

impl Connection {
    /// The same as [`scan`], as seen from this server.
    pub(crate) async fn scan(
        self: &Arc<Self>,
        host: &str,
        port: u16,
        legacy_algorithms: bool,
        timeouts: Timeouts,
    ) -> Result<Vec<HostKey>, Error> {
        scan_from(Start::Jump(self), host, port, legacy_algorithms, timeouts).await
    }
}

async fn scan_from(
    start: Start<'_>,
    host: &str,
    port: u16,
    legacy_algorithms: bool,
    timeouts: Timeouts,
) -> Result<Vec<HostKey>, Error> {
    let mut keys = Vec::new();
    let mut refusal = None;
    for family in FAMILIES {
        let socket = start.reach(host, port, &timeouts).await?;
        let handshake = Handshake::new(start.address(host, port), timeouts);
        let mut preferred = algorithms::offer(family.to_vec(), KeyExchange::Fast);
        if legacy_algorithms {
            algorithms::add_legacy(&mut preferred);
        }
        let looked = handshake.shake(socket, Policy::Look, preferred);
        match timeout(timeouts.handshake, looked).await.map_err(|_| handshake.late())? {
            Err(Halt::Seen(key)) => keys.push(key),
            Err(halt) => match handshake.explain(halt) {
                // This server has no key of this kind.
                error @ Error::Algorithms { kind: HOST_KEY, .. } => refusal = Some(error),
                error => return Err(error),
            },
            // Looking always halts the handshake.
            Ok(_) => {}
        }
    }
    match refusal {
        Some(error) if keys.is_empty() => Err(error),
        _ => Ok(keys),
    }
}
