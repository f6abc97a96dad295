//! Servers that let us in and then mean harm: memory and time stay bounded, and others go on.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use transport::{Error, Output, Session};

use crate::hostile::{MEMORY, PATIENCE, peak};
use crate::rig::{run, sshd_session, text, until};
use crate::rogue::{Rogue, Words, message, string};

/// The limit that a caller sets to a command.
const LIMIT: Duration = Duration::from_secs(1);

/// Runs a command on a server that says this to it, and another one elsewhere. What becomes of the command by its limit?
async fn attacked(
    label: &str,
    other: &Session,
    words: impl Fn(u32) -> Words + Send + Sync + 'static,
) -> Option<Result<Output, Error>> {
    let rogue = Rogue::start(words);
    let mut target = rogue.target();
    target.timeouts.handshake = PATIENCE;
    // A server that takes nothing more is given up after these.
    target.timeouts.keepalive = Duration::from_millis(200);
    target.timeouts.keepalive_limit = 2;
    let session = Session::connect(&target).await.unwrap_or_else(|error| panic!("{label}: {error}"));
    let (before, begun) = (peak(), Instant::now());
    let limited = timeout(LIMIT, async { session.exec("anything").await?.output().await });
    let (ended, said) = tokio::join!(limited, timeout(PATIENCE, run(other, "echo goes on")));
    assert_eq!(text(&said.expect("the other one waits").stdout), "goes on\n", "{label}");
    assert!(begun.elapsed() < PATIENCE / 2, "{label}: the limit came after {:?}", begun.elapsed());
    timeout(PATIENCE, session.close()).await.unwrap_or_else(|_| panic!("{label}: it cannot be closed"));
    until("the session is closed", || session.is_closed()).await;
    let cost = peak().saturating_sub(before);
    assert!(cost < MEMORY, "{label}: {cost} bytes");
    ended.ok()
}

#[tokio::test]
async fn floods_after_the_login_cost_little_and_hold_back_nobody() {
    let (_fleet, other) = sshd_session().await;
    let long = || string(vec![b'x'; 30_000]);
    let open = |kind: &str, rest: &[Vec<u8>]| {
        let numbers = [7_u32, 1 << 21, 1 << 15].map(u32::to_be_bytes).concat();
        message(90, &[&string(kind), &numbers, &rest.concat()])
    };
    let place = || [string("there"), vec![0, 0, 0, 80], string("here"), vec![0, 0, 0, 81]];
    let floods = [
        ("questions to all", message(80, &[&string("x@y"), &[1]])),
        ("signs of life", message(80, &[&string("keepalive@openssh.com"), &[1]])),
        ("host keys", message(80, &[&string("hostkeys-00@openssh.com"), &[0], &long()])),
        ("answers to no question", message(81, &[])),
        ("refusals of no question", message(82, &[])),
        ("sessions", open("session", &[])),
        ("streams", open("direct-tcpip", &place())),
        ("ports", open("forwarded-tcpip", &place())),
        ("sockets", open("forwarded-streamlocal@openssh.com", &[string("/x"), string("")])),
        ("screens", open("x11", &[string("here"), vec![0, 0, 0, 81]])),
        ("agents", open("auth-agent@openssh.com", &[])),
        ("what nobody knows", open("x@y", &[long()])),
        ("IGNORE", message(2, &[&long()])),
        ("DEBUG", message(4, &[&[1], &long(), &string("en")])),
        ("UNIMPLEMENTED", message(3, &[&[0; 4]])),
        ("EXT_INFO", message(7, &[&[0, 0, 0, 1], &string("x"), &long()])),
        ("banners", message(53, &[&long(), &string("en")])),
        ("data for nobody", message(94, &[&[0xff; 4], &long()])),
        ("closed channels of nobody", message(97, &[&[0xff; 4]])),
        ("what is no message", message(255, &[&long()])),
    ];
    for (label, flood) in floods {
        let words = move |_| Words { again: vec![flood.clone()], ..Words::default() };
        let ended = attacked(label, &other, words).await;
        assert!(matches!(ended, None | Some(Err(Error::Lost { .. }))), "{label}: {ended:?}");
    }
}

#[tokio::test]
async fn floods_on_the_channel_of_a_command_cost_little_and_hold_back_nobody() {
    let (_fleet, other) = sshd_session().await;
    let long = || string(vec![b'x'; 30_000]);
    for (label, once, again) in [
        ("a window that overflows", None, message(93, &[b"CHAN", &[0xff; 4]])),
        ("output without end", None, message(94, &[b"CHAN", &long()])),
        ("errors without end", None, message(95, &[b"CHAN", &[0, 0, 0, 1], &long()])),
        ("output of no kind", None, message(95, &[b"CHAN", &[0, 0, 0, 9], &long()])),
        ("output behind its end", Some(message(96, &[b"CHAN"])), message(94, &[b"CHAN", &long()])),
        ("output behind the close", Some(message(97, &[b"CHAN"])), message(94, &[b"CHAN", &long()])),
        ("ends", None, message(96, &[b"CHAN"])),
        ("closes", None, message(97, &[b"CHAN"])),
        ("the channel opened again", None, message(91, &[b"CHAN", &[0; 4], &[0xff; 4], &[0xff; 4]])),
        ("answers", None, message(99, &[b"CHAN"])),
        ("signs of life", None, message(98, &[b"CHAN", &string("keepalive@openssh.com"), &[1]])),
        ("questions", None, message(98, &[b"CHAN", &string("x@y"), &[1], &long()])),
        ("exit codes", None, message(98, &[b"CHAN", &string("exit-status"), &[0; 5]])),
    ] {
        let words = move |channel: u32| {
            let named = |payload: &Vec<u8>| {
                let mut payload = payload.clone();
                payload[1..5].copy_from_slice(&channel.to_be_bytes());
                payload
            };
            Words { once: once.iter().map(named).collect(), again: vec![named(&again)], is_deaf: false }
        };
        attacked(label, &other, words).await;
    }
}

#[tokio::test]
async fn a_server_that_floods_and_takes_no_answers_holds_back_nobody() {
    let (_fleet, other) = sshd_session().await;
    for question in [message(80, &[&string("x@y"), &[1]]), message(90, &[&string("session"), &[0; 12]])] {
        let words = move |_| Words { again: vec![question.clone()], is_deaf: true, ..Words::default() };
        attacked("deaf", &other, words).await;
    }
}

#[tokio::test]
async fn only_the_first_end_of_a_command_counts() {
    let (_fleet, other) = sshd_session().await;
    let words = |channel: u32| {
        let channel = channel.to_be_bytes();
        let exit = |code: u8| message(98, &[&channel, &string("exit-status"), &[0, 0, 0, 0, code]]);
        let signal =
            [string("exit-signal"), vec![0], string("KILL"), vec![0], string(""), string("")].concat();
        let once = vec![
            message(94, &[&channel, &string("said")]),
            message(96, &[&channel]),
            exit(3),
            exit(0),
            message(98, &[&channel, &signal]),
            message(94, &[&channel, &string("and more")]),
            message(96, &[&channel]),
            message(97, &[&channel]),
            message(97, &[&channel]),
            exit(4),
        ];
        Words { once, ..Words::default() }
    };
    let output = attacked("ends", &other, words).await.expect("it waits").unwrap();
    assert_eq!(output.exit.code, Some(3));
    assert_eq!(text(&output.stdout), "said", "what comes behind the end is not read");
}

#[tokio::test]
async fn a_server_that_says_good_bye_again_and_again_has_gone_once() {
    let (_fleet, other) = sshd_session().await;
    let words = |_| {
        let bye = message(1, &[&[0, 0, 0, 11], &string("enough"), &string("")]);
        Words { again: vec![bye], ..Words::default() }
    };
    let ended = attacked("good-bye", &other, words).await;
    let Some(Err(error)) = ended else { panic!("{ended:?}") };
    assert!(matches!(&error, Error::Lost { reason } if reason.contains("enough")), "{error}");
}
