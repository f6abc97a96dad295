//! Streams to ports as seen from the machine.

use testkit::sshd::ServerSpec;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use transport::server::Server;
use transport::{Error, Session};

use crate::rig::{PASSWORD, deaf_port, demo_session, one_sshd, password, run, sshd_session, target, text};

async fn reaches_a_port(session: Session) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let echo = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        socket.read_to_end(&mut heard).await.unwrap();
        socket.write_all(&heard.to_ascii_uppercase()).await.unwrap();
    });
    let mut stream = session.forward("127.0.0.1", port).await.unwrap();
    stream.write_all(b"get / http/1.1\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "GET / HTTP/1.1\r\n");
    echo.await.unwrap();

    let (_socket, deaf) = deaf_port();
    let error = session.forward("127.0.0.1", deaf).await.unwrap_err();
    assert!(matches!(error, Error::ForwardFailed { .. }), "{error}");
}

#[tokio::test]
async fn a_port_is_reached_from_this_machine() {
    reaches_a_port(Session::local()).await;
}

#[tokio::test]
async fn a_port_is_reached_from_openssh() {
    let (_fleet, session) = sshd_session().await;
    reaches_a_port(session).await;
}

#[tokio::test]
async fn a_port_is_reached_from_the_in_process_server() {
    let (_server, session) = demo_session().await;
    reaches_a_port(session).await;
}

#[tokio::test]
async fn forwarding_that_openssh_refuses_has_its_own_error_and_harms_nothing() {
    let spec = ServerSpec { extra_config: "AllowTcpForwarding no".to_owned(), ..ServerSpec::default() };
    let fleet = one_sshd(spec);
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let error = session.forward("127.0.0.1", fleet.servers[0].port).await.unwrap_err();
    assert!(matches!(error, Error::ForwardRefused { .. }), "{error}");
    assert!(error.hint().contains("AllowTcpForwarding"));
    assert_eq!(text(&run(&session, "echo alive").await.stdout), "alive\n");
}

#[tokio::test]
async fn the_in_process_server_forwards_to_loopback_only() {
    let (_server, session) = demo_session().await;
    let error = session.forward("192.0.2.1", 80).await.unwrap_err();
    assert!(matches!(error, Error::ForwardRefused { .. }), "{error}");

    let closed = Server::builder().password(PASSWORD).refuse_forwarding().start().await.unwrap();
    let session = Session::connect(&target(&closed, vec![password(PASSWORD)])).await.unwrap();
    let error = session.forward("127.0.0.1", closed.port()).await.unwrap_err();
    assert!(matches!(error, Error::ForwardRefused { .. }), "{error}");
}
