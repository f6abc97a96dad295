//! Short ways to the machines of these tests.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::sshd::{Fleet, FleetSpec, ServerSpec};
use tokio::net::TcpSocket;
use transport::server::Server;
use transport::{Auth, Error, KeyExchange, Output, Session, Target, Timeouts};

/// The password of in-process servers.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) fn one_sshd(spec: ServerSpec) -> Fleet {
    Fleet::start(FleetSpec { servers: 1, each: spec, special: Vec::new() })
}

pub(crate) async fn sshd_session() -> (Fleet, Session) {
    let fleet = one_sshd(ServerSpec::default());
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    (fleet, session)
}

/// A target that is the in-process server.
pub(crate) fn target(server: &Server, auth: Vec<Auth>) -> Target {
    Target {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        user: "demo".to_owned(),
        auth,
        host_keys: vec![server.host_key().clone()],
        authorities: Vec::new(),
        key_exchange: KeyExchange::default(),
        legacy_algorithms: false,
        timeouts: Timeouts::default(),
        jump: None,
    }
}

pub(crate) fn password(text: &str) -> Auth {
    Auth::Password(text.into())
}

pub(crate) fn key(text: &str, passphrase: Option<&str>) -> Auth {
    Auth::Key { openssh: text.into(), passphrase: passphrase.map(Into::into) }
}

pub(crate) async fn demo_session() -> (Server, Session) {
    let server = Server::builder().password(PASSWORD).start().await.unwrap();
    let session = Session::connect(&target(&server, vec![password(PASSWORD)])).await.unwrap();
    (server, session)
}

pub(crate) async fn refusal(target: &Target) -> Error {
    match Session::connect(target).await {
        Ok(_) => panic!("{} let us in", target.port),
        Err(error) => error,
    }
}

/// Tries until nobody listens there. A child that another test forks at this moment holds our
/// listening sockets open until its `exec`.
pub(crate) async fn refused_at_last(target: &Target) {
    for _ in 0..500 {
        match refusal(target).await {
            Error::Refused { .. } => return,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("somebody still listens at {}", target.port);
}

/// A port that is taken but where nobody listens, as long as the socket lives.
pub(crate) fn deaf_port() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

pub(crate) async fn run(session: &Session, command: &str) -> Output {
    session.exec(command).await.unwrap().output().await.unwrap()
}

/// The same on a server whose sessions may all be in use: sshd gives a place back a moment after
/// the end of a command has been told.
pub(crate) async fn run_when_free(session: &Session, command: &str) -> Output {
    for _ in 0..500 {
        match session.exec(command).await {
            Err(Error::SessionRefused { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            started => return started.unwrap().output().await.unwrap(),
        }
    }
    panic!("no session becomes free");
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Timeouts that let a test of them end soon.
pub(crate) fn short() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(5),
        handshake: Duration::from_millis(300),
        keepalive: Duration::from_millis(200),
        keepalive_limit: 2,
    }
}

/// Waits for something that happens outside this process and tells nobody.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs a program that must succeed.
pub(crate) fn tool(program: &str, args: &[&str], folder: &Path) -> String {
    let output = Command::new(program).args(args).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
