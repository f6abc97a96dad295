//! The in-process server: what it refuses, and that it stops cleanly.

use tokio::io::AsyncReadExt;
use transport::server::Server;
use transport::{Error, Session};

use crate::rig::{PASSWORD, key, password, refusal, refused_at_last, run, target, text, tool, until};

#[tokio::test]
async fn it_lets_in_the_holder_of_a_key() {
    let folder = testkit::sshd::Fleet::start(testkit::sshd::FleetSpec { servers: 1, ..Default::default() });
    let root = &folder.servers[0].root;
    tool("ssh-keygen", &["-q", "-t", "ecdsa", "-N", "", "-f", "key"], root);
    let private = std::fs::read_to_string(root.join("key")).unwrap();
    let public = std::fs::read_to_string(root.join("key.pub")).unwrap();
    let server = Server::builder().authorized_key(public).start().await.unwrap();
    Session::connect(&target(&server, vec![key(&private, None)])).await.unwrap();
    let error = refusal(&target(&server, vec![key(&folder.client_key, None)])).await;
    assert!(matches!(error, Error::KeyRefused { .. }), "{error}");
}

#[tokio::test]
async fn commands_find_the_surroundings_that_were_given() {
    let server = Server::builder()
        .password(PASSWORD)
        .home("/usr")
        .directory("/tmp")
        .path("/usr/bin:/bin")
        .start()
        .await
        .unwrap();
    let session = Session::connect(&target(&server, vec![password(PASSWORD)])).await.unwrap();
    let said = run(&session, "echo $HOME $PATH $USER; pwd; env | grep -c CARGO").await;
    assert_eq!(text(&said.stdout), "/usr /usr/bin:/bin demo\n/tmp\n0\n");
}

#[tokio::test]
async fn it_refuses_sessions_and_commands_when_told_to() {
    let server = Server::builder().password(PASSWORD).max_sessions(1).start().await.unwrap();
    let session = Session::connect(&target(&server, vec![password(PASSWORD)])).await.unwrap();
    let first = session.exec("cat").await.unwrap();
    let error = session.exec("true").await.unwrap_err();
    assert!(matches!(error, Error::SessionRefused { .. }), "{error}");
    first.output().await.unwrap();

    let server = Server::builder().password(PASSWORD).refuse_commands().start().await.unwrap();
    let session = Session::connect(&target(&server, vec![password(PASSWORD)])).await.unwrap();
    let mut process = session.exec("true").await.unwrap();
    let error = process.wait().await.unwrap_err();
    assert!(matches!(error, Error::ExecRefused { .. }), "{error}");
}

#[tokio::test]
async fn stopping_ends_connections_and_kills_commands() {
    let server = Server::builder().password(PASSWORD).start().await.unwrap();
    let goal = target(&server, vec![password(PASSWORD)]);
    let session = Session::connect(&goal).await.unwrap();
    let mut process = session.exec("echo $$; exec sleep 1000").await.unwrap();
    let mut id = [0; 16];
    let count = process.stdout.read(&mut id).await.unwrap();
    let command = format!("/proc/{}/cmdline", text(&id[..count]).trim());
    assert!(std::fs::read(&command).is_ok());

    server.stop().await;
    until("the command is gone", || std::fs::read(&command).map_or(true, |line| line.is_empty())).await;
    assert!(process.wait().await.is_err());
    refused_at_last(&goal).await;
}

#[tokio::test]
async fn a_server_that_is_open_to_the_terrapin_attack_gets_no_password() {
    let server = Server::builder().password(PASSWORD).no_strict_key_exchange().start().await.unwrap();
    let error = refusal(&target(&server, vec![password(PASSWORD)])).await;
    assert!(matches!(error, Error::Terrapin { .. }), "{error}");
    assert_eq!(server.attempts(), Vec::<String>::new());
}
