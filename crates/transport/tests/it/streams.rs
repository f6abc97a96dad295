//! Much data, slow readers, many channels.

use std::time::Duration;

use testkit::sshd::ServerSpec;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use transport::{Error, Process, Session};

use crate::rig::{demo_session, one_sshd, run, run_when_free, sshd_session, text};

const MIB: usize = 1024 * 1024;

/// Bytes that show when a piece is lost, doubled or misplaced.
fn pattern(length: usize) -> Vec<u8> {
    let mut state: u32 = 7;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()
    };
    (0..length / 4).flat_map(next).collect()
}

async fn both_ways(session: &Session) {
    let sent = pattern(24 * MIB);
    let Process { mut stdin, mut stdout, .. } = session.exec("cat").await.unwrap();
    let writing = async {
        stdin.write_all(&sent).await.unwrap();
        drop(stdin);
    };
    let mut got = Vec::new();
    let reading = async { stdout.read_to_end(&mut got).await.unwrap() };
    tokio::join!(writing, reading);
    assert!(got == sent, "{} of {} bytes came back, or others", got.len(), sent.len());
}

#[tokio::test]
async fn twenty_four_mib_go_both_ways_on_openssh() {
    let (_fleet, session) = sshd_session().await;
    both_ways(&session).await;
}

#[tokio::test]
async fn twenty_four_mib_go_both_ways_on_the_in_process_server() {
    let (_server, session) = demo_session().await;
    both_ways(&session).await;
}

#[tokio::test]
async fn twenty_four_mib_go_both_ways_while_the_server_changes_keys() {
    let fleet = one_sshd(ServerSpec { extra_config: "RekeyLimit 3M".to_owned(), ..ServerSpec::default() });
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let (one, two) = (session.clone(), session.clone());
    tokio::join!(both_ways(&one), both_ways(&two));
}

/// More than every buffer on the way: the library's queue, the window, and our memory.
const FLOOD: usize = 32 * MIB;

async fn an_undrained_channel_does_not_stall_another(session: &Session) {
    let command = format!("head -c {FLOOD} /dev/zero; echo flooded >&2");
    let mut flood = session.exec(&command).await.unwrap();
    // The flood has left the server completely, and nobody has read a byte of it.
    let mut said = [0; 8];
    timeout(Duration::from_secs(30), flood.stderr.read_exact(&mut said)).await.expect("stalled").unwrap();
    assert_eq!(text(&said), "flooded\n");
    let other = timeout(Duration::from_secs(10), run(session, "echo alive")).await.expect("stalled");
    assert_eq!(text(&other.stdout), "alive\n");
    // And nothing of it is lost.
    assert_eq!(count(&mut flood.stdout).await, FLOOD);
    assert!(flood.wait().await.unwrap().is_success());
}

#[tokio::test]
async fn an_undrained_channel_does_not_stall_another_on_openssh() {
    let (_fleet, session) = sshd_session().await;
    an_undrained_channel_does_not_stall_another(&session).await;
}

#[tokio::test]
async fn an_undrained_channel_does_not_stall_another_on_the_in_process_server() {
    let (_server, session) = demo_session().await;
    an_undrained_channel_does_not_stall_another(&session).await;
}

#[tokio::test]
async fn more_output_than_the_spool_holds_is_a_clear_error() {
    let (_fleet, session) = sshd_session().await;
    let mut process = session.exec("head -c 400000000 /dev/zero").await.unwrap();
    let error = timeout(Duration::from_mins(1), process.wait()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Unread { .. }), "{error}");
    let said = run(&session, "echo alive").await;
    assert_eq!(text(&said.stdout), "alive\n");
}

#[tokio::test]
async fn a_command_that_does_not_read_holds_the_writer_back() {
    let (_fleet, session) = sshd_session().await;
    let mut process = session.exec("echo $$; exec sleep 1000").await.unwrap();
    let mut accepted = 0;
    let piece = vec![0; 64 * 1024];
    let filling = async {
        loop {
            accepted += process.stdin.write(&piece).await.unwrap();
        }
    };
    // The window of OpenSSH is 2 MiB; the pipe and the library's queue add a little.
    assert!(timeout(Duration::from_secs(2), filling).await.is_err());
    assert!(accepted < 4 * MIB, "{accepted} bytes were taken by nobody");
    // A full window holds only its own channel back.
    let said = timeout(Duration::from_secs(10), run(&session, "echo alive")).await.expect("stalled");
    assert_eq!(text(&said.stdout), "alive\n");
    let mut id = [0; 16];
    let count = process.stdout.read(&mut id).await.unwrap();
    run(&session, &format!("kill -KILL {}", text(&id[..count]).trim())).await;
    assert_eq!(process.wait().await.unwrap().signal.as_deref(), Some("KILL"));
}

#[tokio::test]
async fn eight_commands_run_at_once_and_the_ninth_waits_for_its_turn() {
    let (_fleet, session) = sshd_session().await;
    let mut running = Vec::new();
    for number in 0..8 {
        running.push(session.exec(&format!("read line; echo {number} $line")).await.unwrap());
    }
    let ninth = session.clone();
    let mut ninth = tokio::spawn(async move { run(&ninth, "echo ninth").await });
    assert!(timeout(Duration::from_millis(200), &mut ninth).await.is_err(), "nine at once");
    for (number, mut process) in running.into_iter().enumerate() {
        process.stdin.write_all(b"go\n").await.unwrap();
        let said = process.output().await.unwrap();
        assert_eq!(text(&said.stdout), format!("{number} go\n"));
    }
    assert_eq!(text(&ninth.await.unwrap().stdout), "ninth\n");
}

#[tokio::test]
async fn a_server_that_allows_fewer_sessions_gives_a_clear_error() {
    let fleet = one_sshd(ServerSpec { extra_config: "MaxSessions 2".to_owned(), ..ServerSpec::default() });
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let first = session.exec("cat").await.unwrap();
    let second = session.exec("cat").await.unwrap();
    let error = session.exec("cat").await.unwrap_err();
    assert!(matches!(error, Error::SessionRefused { .. }), "{error}");
    assert!(error.hint().contains("MaxSessions"));
    // The refusal harms nobody, and a place that is free again can be taken.
    first.output().await.unwrap();
    assert_eq!(text(&run_when_free(&session, "echo third").await.stdout), "third\n");
    second.output().await.unwrap();
}

#[tokio::test]
async fn dropping_a_process_closes_its_channel_and_frees_its_place() {
    let (_fleet, session) = sshd_session().await;
    for _ in 0..30 {
        drop(session.exec("cat").await.unwrap());
    }
    assert_eq!(text(&run(&session, "echo still").await.stdout), "still\n");
}

#[tokio::test]
async fn a_command_that_was_dropped_keeps_no_place_from_the_next_one() {
    // The server counts it until its process has ended, and that is some time after we closed its channel.
    let fleet = one_sshd(ServerSpec { extra_config: "MaxSessions 2".to_owned(), ..ServerSpec::default() });
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    for _ in 0..30 {
        drop(session.exec("cat").await.unwrap());
    }
    assert_eq!(text(&run(&session, "echo still").await.stdout), "still\n");
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_no_channel_behind() {
    let fleet = one_sshd(ServerSpec { extra_config: "MaxSessions 3".to_owned(), ..ServerSpec::default() });
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    for patience in 0..20 {
        drop(timeout(Duration::from_micros(patience * 200), session.exec("cat")).await);
    }
    let said = run_when_free(&session, "echo free").await;
    assert_eq!(text(&said.stdout), "free\n");
}

async fn count(reader: &mut (impl AsyncRead + Unpin)) -> usize {
    let mut piece = vec![0; 256 * 1024];
    let mut total = 0;
    while let count @ 1.. = reader.read(&mut piece).await.unwrap() {
        total += count;
    }
    total
}
