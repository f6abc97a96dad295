//! Jump hosts: a connection that carries others, each as a stream to a port as seen from there.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::connect::dial;
use super::wire::Socket;
use super::{Connection, PROOF};
use crate::target::{address, behind};
use crate::{Error, Stream, Target, Timeouts};

/// Connections that one connection to a jump host carries. OpenSSH sets no limit (`MaxSessions` does not count
/// streams), but all of them share one of its processes, and so one core; and other servers count.
pub(super) const PASSENGERS: usize = 10;

/// A place on a connection to a jump host. The connection stays open for as long as somebody has one.
#[derive(Debug)]
pub(crate) struct Passage {
    carrier: Arc<Connection>,
    _place: OwnedSemaphorePermit,
}

/// A place in the making; none where no jump host is wanted. Several may have waited for the same failure.
pub(crate) type Booking<'a> = Pin<Box<dyn Future<Output = Result<Option<Passage>, Arc<Error>>> + Send + 'a>>;

impl Passage {
    /// Connects to the jump host of `target`, and to those before it, for this one passenger.
    pub(crate) fn alone(target: &Target) -> Booking<'_> {
        Box::pin(async move {
            let Some(jump) = &target.jump else { return Ok(None) };
            let carrier = Arc::new(Connection::open(jump, Passage::alone(jump)).await?);
            Passage::on(&carrier).map(Some).ok_or_else(|| Arc::new(Error::Closed))
        })
    }

    /// A place on this connection, where one is free.
    pub(crate) fn on(carrier: &Arc<Connection>) -> Option<Passage> {
        let place = Arc::clone(&carrier.passengers).try_acquire_owned().ok()?;
        Some(Passage { carrier: Arc::clone(carrier), _place: place })
    }

    /// Closes the connection in good order where nobody else uses it.
    pub(super) fn leave(self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            if let Some(carrier) = Arc::into_inner(self.carrier) {
                carrier.close().await;
            }
        })
    }
}

impl Connection {
    /// Whether the server is there: by what was heard of it not long ago, or by its answer to a question that
    /// needs no session. A jump host may allow none.
    pub(crate) async fn answers_as_jump(&self, silence: Duration) -> bool {
        if self.ending.silence() <= silence {
            return true;
        }
        let asked = timeout(PROOF, self.handle.send_ping()).await;
        matches!(asked, Ok(Ok(()))) && !self.is_closed()
    }
}

/// Where a connection begins.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    /// At this machine.
    Here,
    /// At a jump host.
    Jump(&'a Arc<Connection>),
}

impl<'a> Start<'a> {
    pub(super) fn of(passage: Option<&'a Passage>) -> Start<'a> {
        passage.map_or(Start::Here, |passage| Start::Jump(&passage.carrier))
    }

    /// What messages call `host`:`port` when it is reached from here.
    pub(super) fn address(self, host: &str, port: u16) -> String {
        match self {
            Start::Here => address(host, port),
            Start::Jump(carrier) => behind(&address(host, port), &carrier.way),
        }
    }

    /// Reaches `host`:`port`. SSH is not spoken yet.
    pub(super) async fn reach(self, host: &str, port: u16, timeouts: &Timeouts) -> Result<Socket, Error> {
        let Start::Jump(carrier) = self else {
            let stream = Stream::of_socket(dial(host, port, timeouts).await?);
            return Ok(Socket { stream, carrier: None });
        };
        let address = || self.address(host, port);
        let stream = match timeout(timeouts.connect, carrier.forward(host, port)).await {
            Ok(Ok(stream)) => stream,
            // The jump host knows whether it was refused, unreachable or unknown, but its answer has one word for all.
            Ok(Err(Error::ForwardFailed { .. })) => {
                let source = std::io::Error::other("the jump host cannot connect to it");
                return Err(Error::Unreachable { address: address(), source });
            }
            Ok(Err(error)) => return Err(Error::JumpHost { to: address(), source: Arc::new(error) }),
            Err(_) => return Err(Error::ConnectTimeout { address: address(), after: timeouts.connect }),
        };
        Ok(Socket { stream, carrier: Some((carrier.address.clone(), Arc::clone(&carrier.ending))) })
    }
}
