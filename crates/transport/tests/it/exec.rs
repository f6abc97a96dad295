//! What a command looks like from here is the same on every kind of machine.

use std::time::Duration;

use testkit::sshd::{ServerSpec, Shell};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use transport::{Exit, OUTPUT_LIMIT, Process, Session, Signal};

use crate::rig::{demo_session, one_sshd, run, sshd_session, text};

/// The whole suite on one session.
async fn behaves(session: Session) {
    streams_are_separate(&session).await;
    input_reaches_the_command(&session).await;
    exits_are_told(&session).await;
    signals_are_told(&session).await;
    text_is_not_touched(&session).await;
    a_command_that_does_not_read_breaks_the_pipe(&session).await;
    exit_is_known_before_a_daemon_closes_the_output(&session).await;
    long_output_is_cut_off(&session).await;
    parts_may_be_dropped_one_by_one(&session).await;
}

#[tokio::test]
async fn on_this_machine() {
    behaves(Session::local()).await;
    signals_arrive(&Session::local()).await;
}

#[tokio::test]
async fn on_openssh() {
    let (_fleet, session) = sshd_session().await;
    behaves(session).await;
}

#[tokio::test]
async fn on_the_in_process_server() {
    let (_server, session) = demo_session().await;
    signals_arrive(&session).await;
    behaves(session).await;
}

#[tokio::test]
async fn on_a_server_with_busybox_only() {
    let fleet = one_sshd(ServerSpec { shell: Shell::Busybox, ..ServerSpec::default() });
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let found = run(&session, "command -v tar; command -v bash || echo no bash").await;
    let applets = fleet.servers[0].home.parent().unwrap().join("applets/tar");
    assert_eq!(text(&found.stdout), format!("{}\nno bash\n", applets.display()));
    behaves(session).await;
}

#[tokio::test]
async fn on_a_server_with_fish() {
    let fleet = one_sshd(ServerSpec { shell: Shell::Fish, ..ServerSpec::default() });
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let said = run(&session, "echo (math 1 + 1)").await;
    assert_eq!(text(&said.stdout), "2\n");
    let said = run(&session, "sh -c 'echo $0 $# $1' sh a.b").await;
    assert_eq!(text(&said.stdout), "sh 1 a.b\n");
}

#[tokio::test]
async fn on_a_server_with_tcsh() {
    let fleet = one_sshd(ServerSpec { shell: Shell::Tcsh, ..ServerSpec::default() });
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let said = run(&session, "@ n = 1 + 1; echo $n").await;
    assert_eq!(text(&said.stdout), "2\n");
    let said = run(&session, "sh -c 'echo $0 $# $1' sh a.b").await;
    assert_eq!(text(&said.stdout), "sh 1 a.b\n");
}

#[tokio::test]
async fn a_server_has_its_own_home_and_path() {
    let fleet =
        one_sshd(ServerSpec { path: Some("/nowhere:/usr/bin:/bin".to_owned()), ..ServerSpec::default() });
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let said = run(&session, "echo $HOME; echo $PATH").await;
    let home = fleet.servers[0].home.display();
    assert_eq!(text(&said.stdout), format!("{home}\n/nowhere:/usr/bin:/bin\n"));
}

async fn streams_are_separate(session: &Session) {
    let said = run(session, "echo out; echo err >&2; echo more").await;
    assert_eq!(text(&said.stdout), "out\nmore\n");
    assert_eq!(text(&said.stderr), "err\n");
    assert!(said.exit.is_success() && !said.truncated);
}

async fn input_reaches_the_command(session: &Session) {
    let mut process = session.exec("tr a-z A-Z; echo end").await.unwrap();
    process.stdin.write_all(b"hello ").await.unwrap();
    process.stdin.write_all(b"").await.unwrap();
    process.stdin.write_all(b"there\n").await.unwrap();
    process.stdin.shutdown().await.unwrap();
    assert!(process.stdin.write_all(b"late").await.is_err(), "a write after the end of file");
    let mut said = String::new();
    process.stdout.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "HELLO THERE\nend\n");
    assert!(process.wait().await.unwrap().is_success());
    // Asking again gives the same answer.
    assert!(process.wait().await.unwrap().is_success());
}

async fn exits_are_told(session: &Session) {
    for code in [0, 1, 3, 126, 255] {
        let exit = run(session, &format!("exit {code}")).await.exit;
        assert_eq!(exit, Exit { code: Some(code), signal: None });
    }
    assert_eq!(run(session, "no-such-command-here").await.exit.code, Some(127));
}

async fn signals_are_told(session: &Session) {
    for signal in ["TERM", "KILL", "INT"] {
        let exit = run(session, &format!("kill -{signal} $$; sleep 1000")).await.exit;
        assert_eq!(exit, Exit { code: None, signal: Some(signal.to_owned()) });
    }
}

/// Not on OpenSSH: it drops signals to commands of root, who runs these tests in most places.
async fn signals_arrive(session: &Session) {
    for (signal, name) in [(Signal::Terminate, "TERM"), (Signal::Kill, "KILL"), (Signal::Interrupt, "INT")] {
        let mut process = session.exec("echo ready; exec sleep 1000").await.unwrap();
        let mut ready = [0; 6];
        process.stdout.read_exact(&mut ready).await.unwrap();
        process.signal(signal).await.unwrap();
        let exit = process.wait().await.unwrap();
        assert_eq!(exit, Exit { code: None, signal: Some(name.to_owned()) });
        process.signal(signal).await.unwrap();
    }
}

async fn text_is_not_touched(session: &Session) {
    let said = run(session, "printf '%s|' \"a  b\" 'it'\\''s' '$HOME' '`x`' 'ä€' 'two\nlines'").await;
    assert_eq!(text(&said.stdout), "a  b|it's|$HOME|`x`|ä€|two\nlines|");
}

async fn a_command_that_does_not_read_breaks_the_pipe(session: &Session) {
    let mut process = session.exec("exit 0").await.unwrap();
    let piece = vec![b'x'; 1024 * 1024];
    let writing = async {
        loop {
            if let Err(error) = process.stdin.write_all(&piece).await {
                return error;
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(20), writing).await.expect("writes wait for ever");
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    assert!(process.wait().await.unwrap().is_success());
}

async fn exit_is_known_before_a_daemon_closes_the_output(session: &Session) {
    let mut process = session.exec("sleep 1000 & echo $!; exit 4").await.unwrap();
    assert_eq!(process.wait().await.unwrap().code, Some(4));
    let mut daemon = [0; 16];
    let count = process.stdout.read(&mut daemon).await.unwrap();
    run(session, &format!("kill {}", text(&daemon[..count]).trim())).await;
    let mut rest = Vec::new();
    process.stdout.read_to_end(&mut rest).await.unwrap();
}

async fn long_output_is_cut_off(session: &Session) {
    let said = run(session, "head -c 3000000 /dev/zero; echo end >&2").await;
    assert!(said.truncated);
    assert_eq!(said.stdout.len(), OUTPUT_LIMIT);
    assert_eq!(text(&said.stderr), "end\n");
}

async fn parts_may_be_dropped_one_by_one(session: &Session) {
    let Process { stdin, mut stdout, .. } = session.exec("cat; echo end").await.unwrap();
    drop(stdin);
    let mut said = String::new();
    stdout.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "end\n");
}
