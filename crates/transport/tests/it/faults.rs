//! Servers that are down, silent, strange or suddenly gone.

use std::time::{Duration, Instant};

use testkit::ssh_script::{Faults, Script, ScriptedServer};
use testkit::sshd::{Fleet, ServerSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use transport::{Error, Session, Target, scan};

use crate::rig::{deaf_port, one_sshd, refusal, refused_at_last, run, short, sshd_session, text, until};

/// Long enough for a loaded machine, short enough to notice a wait for ever.
const PATIENCE: Duration = Duration::from_secs(20);

fn at(fleet: &Fleet, port: u16) -> Target {
    let mut target = fleet.target(0);
    target.port = port;
    target.timeouts = short();
    target
}

async fn scripted(script: Script) -> (Fleet, ScriptedServer, Target) {
    let fleet = one_sshd(ServerSpec::default());
    let server = ScriptedServer::start(script).await;
    let target = at(&fleet, server.port());
    (fleet, server, target)
}

/// A relay to a real sshd, with time enough for its handshake.
async fn relayed(faults: Faults) -> (Fleet, ScriptedServer, Target) {
    let fleet = one_sshd(ServerSpec::default());
    let to = ([127, 0, 0, 1], fleet.servers[0].port).into();
    let server = ScriptedServer::start(Script::Relay { to, faults }).await;
    let mut target = at(&fleet, server.port());
    target.timeouts.handshake = PATIENCE;
    (fleet, server, target)
}

#[tokio::test]
async fn a_port_where_nobody_listens_refuses() {
    let fleet = one_sshd(ServerSpec::default());
    let (_socket, deaf) = deaf_port();
    let error = refusal(&at(&fleet, deaf)).await;
    assert!(matches!(error, Error::Refused { .. }) && error.is_temporary(), "{error}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_not_resolved() {
    let fleet = one_sshd(ServerSpec::default());
    let mut target = fleet.target(0);
    target.host = "no-such-host.invalid".to_owned();
    let error = refusal(&target).await;
    assert!(matches!(&error, Error::Resolve { host, .. } if host == "no-such-host.invalid"), "{error}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    let (_fleet, server, target) = scripted(Script::Silent).await;
    let start = Instant::now();
    let error = refusal(&target).await;
    assert!(matches!(error, Error::Silent { .. }), "{error}");
    assert!(start.elapsed() >= short().handshake && start.elapsed() < PATIENCE);
    assert_eq!(server.connections(), 1);
    let error = scan("127.0.0.1", server.port(), false, short()).await.unwrap_err();
    assert!(matches!(error, Error::Silent { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_of_the_handshake_is_given_up_in_time() {
    let words = b"SSH-2.0-sleepy\r\n".to_vec();
    let (_fleet, _server, mut target) = scripted(Script::SaysAndWaits(words)).await;
    target.timeouts.handshake = Duration::from_secs(1);
    let error = refusal(&target).await;
    assert!(matches!(error, Error::HandshakeTimeout { .. }), "{error}");
}

#[tokio::test]
async fn a_banner_without_end_is_not_read_to_its_end() {
    let (_fleet, _server, mut target) = scripted(Script::EndlessBanner).await;
    target.timeouts.handshake = PATIENCE;
    let error = refusal(&target).await;
    assert!(
        matches!(&error, Error::NotSsh { text: Some(text), .. } if text == "please hold the line"),
        "{error}"
    );
}

#[tokio::test]
async fn what_a_server_says_before_it_closes_is_shown() {
    for (words, shown) in [
        ("Exceeded MaxStartups\r\n", Some("Exceeded MaxStartups")),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", Some("HTTP/1.1 400 Bad Request")),
        ("", None),
    ] {
        let (_fleet, _server, target) = scripted(Script::Says(words.as_bytes().to_vec())).await;
        match refusal(&target).await {
            Error::TurnedAway { text, .. } | Error::NotSsh { text, .. } => {
                assert_eq!(text.as_deref(), shown);
            }
            other => panic!("{words:?}: {other}"),
        }
    }
}

#[tokio::test]
async fn rubbish_after_the_banner_ends_the_handshake_at_once() {
    for rubbish in
        [&b"\xff\xff\xff\xff"[..], &[0; 64], &[0, 0, 0x7f, 0xff, 4, 20], &b"\0\0\0\x0c\x0a\x14shorter.."[..]]
    {
        let words = [&b"SSH-2.0-rubbish\r\n"[..], rubbish].concat();
        let (_fleet, _server, mut target) = scripted(Script::Says(words)).await;
        target.timeouts.handshake = Duration::from_hours(1);
        let error = timeout(PATIENCE, refusal(&target)).await.expect("waits for more rubbish");
        assert!(matches!(error, Error::Handshake { .. } | Error::HungUp { .. }), "{error}");
    }
}

#[tokio::test]
async fn weak_algorithms_are_refused() {
    for (config, kind) in [
        ("KexAlgorithms diffie-hellman-group14-sha1", "key exchange"),
        ("Ciphers aes256-cbc", "cipher"),
        ("Ciphers aes256-ctr\nMACs hmac-sha1,hmac-md5", "MAC"),
    ] {
        let fleet = one_sshd(ServerSpec { extra_config: config.to_owned(), ..ServerSpec::default() });
        match refusal(&fleet.target(0)).await {
            Error::Algorithms { kind: told, offered, .. } => {
                assert_eq!(told, kind);
                assert!(!offered.is_empty());
            }
            other => panic!("{config}: {other}"),
        }
    }
}

#[tokio::test]
async fn each_cipher_on_our_list_works_with_openssh() {
    for cipher in ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr", "aes128-ctr"] {
        let extra_config = format!("Ciphers {cipher}");
        let fleet = one_sshd(ServerSpec { extra_config, ..ServerSpec::default() });
        let session = Session::connect(&fleet.target(0)).await.unwrap();
        assert_eq!(text(&run(&session, "echo in").await.stdout), "in\n");
    }
}

#[tokio::test]
async fn a_connection_that_drops_in_mid_stream_is_lost_and_not_an_end_of_file() {
    let (_fleet, _server, target) = relayed(Faults { cut_after: Some(1_000_000), ..Faults::default() }).await;
    let session = Session::connect(&target).await.unwrap();
    let mut process = session.exec("head -c 10000000 /dev/zero").await.unwrap();
    let mut got = Vec::new();
    let end = process.stdout.read_to_end(&mut got).await.unwrap_err();
    assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(!got.is_empty() && got.len() < 1_000_000, "{}", got.len());
    let error = process.wait().await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }) && error.is_temporary(), "{error}");
    until("the session is closed", || session.is_closed()).await;
    assert!(matches!(session.exec("true").await.unwrap_err(), Error::Lost { .. }));
    assert!(matches!(session.forward("127.0.0.1", 1).await.unwrap_err(), Error::Lost { .. }));
}

#[tokio::test]
async fn a_cable_that_is_pulled_is_noticed_within_the_keepalives() {
    let (_fleet, server, target) = relayed(Faults::default()).await;
    let session = Session::connect(&target).await.unwrap();
    let mut process = session.exec("sleep 1000").await.unwrap();
    server.freeze();
    let error = timeout(PATIENCE, process.wait()).await.expect("nobody noticed").unwrap_err();
    assert!(matches!(&error, Error::Lost { reason } if reason.contains("no sign of life")), "{error}");
}

#[tokio::test]
async fn a_cable_that_is_pulled_during_an_upload_is_noticed_too() {
    let (_fleet, server, target) = relayed(Faults::default()).await;
    let session = Session::connect(&target).await.unwrap();
    let mut process = session.exec("cat > /dev/null").await.unwrap();
    let piece = vec![0; 1024 * 1024];
    process.stdin.write_all(&piece).await.unwrap();
    server.freeze();
    let upload = async { while process.stdin.write_all(&piece).await.is_ok() {} };
    timeout(PATIENCE, upload).await.expect("nobody noticed");
    assert!(matches!(process.wait().await.unwrap_err(), Error::Lost { .. }));
}

#[tokio::test]
async fn a_slow_command_on_a_live_connection_is_not_lost() {
    let (_fleet, _server, target) =
        relayed(Faults { delay: Duration::from_millis(20), ..Faults::default() }).await;
    let session = Session::connect(&target).await.unwrap();
    // Longer than the whole patience of the keepalives.
    let seconds = short().silence().as_secs_f64() * 2.0;
    let said = run(&session, &format!("sleep {seconds}; echo done")).await;
    assert_eq!(text(&said.stdout), "done\n");
}

#[tokio::test]
async fn a_server_that_is_killed_is_lost_at_once_and_its_command_lives_on() {
    let (mut fleet, session) = sshd_session().await;
    let root = fleet.servers[0].root.clone();
    let command = format!(
        "cd {}; echo started > begun; while [ ! -e go ]; do sleep 0.05; done; touch done",
        root.display()
    );
    let mut process = session.exec(&command).await.unwrap();
    until("the command runs", || root.join("begun").exists()).await;
    fleet.servers[0].stop();
    let error = timeout(PATIENCE, process.wait()).await.expect("nobody noticed").unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error}");
    std::fs::write(root.join("go"), "").unwrap();
    until("the command ends", || root.join("done").exists()).await;

    refused_at_last(&fleet.target(0)).await;
    fleet.servers[0].start();
    let again = Session::connect(&fleet.target(0)).await.unwrap();
    assert_eq!(text(&run(&again, "echo back").await.stdout), "back\n");
}

#[tokio::test]
async fn a_fleet_leaves_no_process_behind() {
    let (fleet, session) = sshd_session().await;
    let said = run(&session, "env -i setsid sleep 1000 > /dev/null 2>&1 < /dev/null & echo $!").await;
    let daemon = format!("/proc/{}/cmdline", text(&said.stdout).trim());
    let is_alive = move || std::fs::read(&daemon).is_ok_and(|line| !line.is_empty());
    // While it becomes `setsid` and then `sleep` it has no words.
    until("the daemon runs", &is_alive).await;
    drop(fleet);
    until("the daemon is gone", || !is_alive()).await;
}

#[tokio::test]
async fn closing_ends_what_runs_and_says_so() {
    let (_fleet, session) = sshd_session().await;
    let mut process = session.exec("sleep 1000").await.unwrap();
    let clone = session.clone();
    session.close().await;
    assert!(clone.is_closed());
    assert!(matches!(process.wait().await.unwrap_err(), Error::Lost { .. }));
    assert!(matches!(clone.exec("true").await.unwrap_err(), Error::Closed));
    session.close().await;
}

#[tokio::test]
async fn dropping_the_last_clone_closes_the_connection() {
    let (fleet, session) = sshd_session().await;
    let clone = session.clone();
    let mut process = session.exec("sleep 1000").await.unwrap();
    drop(session);
    assert_eq!(text(&run(&clone, "echo alive").await.stdout), "alive\n");
    drop(clone);
    let error = timeout(PATIENCE, process.wait()).await.expect("still connected").unwrap_err();
    assert!(matches!(&error, Error::Lost { reason } if reason == "closed by this side"), "{error}");
    let server = &fleet.servers[0];
    until("sshd has noticed", || {
        server.log().contains("Connection closed") || server.log().contains("disconnected")
    })
    .await;
}
