//! A line in between: TCP that is passed on later and slower than loopback does, and counted.

mod clock;
mod line;
mod tally;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

pub use line::Line;
use tally::Book;
pub use tally::{Counts, Turn};

/// A running line to one address, from a port of 127.0.0.1. Dropping it closes everything.
///
/// Both of its ends set TCP_NODELAY and acknowledge at once, so it adds no waiting of its own. What a real line would
/// add to a sender that waits for acknowledgements (without TCP_NODELAY, Nagle) it does not add either.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    book: Arc<Book>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// Starts it on a free port. Needs a runtime. Whom it leads to is called when somebody connects.
    pub async fn start(to: SocketAddr, line: Line) -> io::Result<Proxy> {
        Proxy::start_on(0, to, line).await
    }

    /// The same on this port.
    pub async fn start_on(port: u16, to: SocketAddr, line: Line) -> io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let book = Arc::new(Book::default());
        let listening = tokio::spawn(listen(listener, to, line, Arc::clone(&book)));
        Ok(Proxy { address, book, listening })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was said on each connection since the start, or the last [`reset`](Self::reset).
    pub fn counts(&self) -> Vec<Counts> {
        self.book.counts()
    }

    /// The turns of all connections, by connection and time; of each the first [`Turn::KEPT`].
    pub fn turns(&self) -> Vec<Turn> {
        self.book.turns()
    }

    /// Counts from zero. Connections that are open stay, with their numbers; what their clients say next is a round trip.
    pub fn reset(&self) {
        self.book.reset();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, to: SocketAddr, line: Line, book: Arc<Book>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => drop(open.spawn(carry(client, to, line, Arc::clone(&book)))),
                // Out of file descriptors, most likely: give others time to free some.
                Err(_) => sleep(Duration::from_millis(50)).await,
            },
            Some(_) = open.join_next() => {}
        }
    }
}

/// One connection, until both sides have ended it or one of them is gone.
async fn carry(client: TcpStream, to: SocketAddr, line: Line, book: Arc<Book>) -> io::Result<()> {
    let talk = book.open();
    client.set_nodelay(true)?;
    // On a real line the client would know only now, a round trip later, that it is connected; and the server when the
    // client's last packet of the handshake has come.
    let begun = Instant::now();
    clock::until(begun + line.delay * 2).await;
    let (from_client, to_client) = client.into_split();
    let (entrance, exit) = line.direction();
    let up = entrance.take_in(from_client, |bytes| talk.said(bytes));
    let rest = async {
        clock::until(begun + line.delay * 3).await;
        let server = TcpStream::connect(to).await?;
        server.set_nodelay(true)?;
        let (from_server, to_server) = server.into_split();
        let (back, front) = line.direction();
        tokio::try_join!(
            exit.let_out(to_server, |_| {}),
            back.take_in(from_server, |_| {}),
            front.let_out(to_client, |bytes| talk.heard(bytes)),
        )?;
        Ok(())
    };
    tokio::try_join!(up, rest)?;
    Ok(())
}
