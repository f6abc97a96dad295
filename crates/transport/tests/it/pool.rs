//! The pool: who shares a connection, who gets one of their own, and when one is closed.

use std::time::Duration;

use testkit::sshd::ServerSpec;
use transport::{Auth, Error, KeyExchange, Pool, Session};

use crate::rig::{PASSWORD, key, one_sshd, password, run, run_when_free, target, text, until};

/// Longer than any test.
const LONG: Duration = Duration::from_mins(10);

/// The process of sshd that serves this session's connection.
async fn served_by(session: &Session) -> String {
    text(&run(session, "echo $PPID").await.stdout).trim().to_owned()
}

#[tokio::test]
async fn who_asks_for_the_same_server_shares_a_connection() {
    let fleet = one_sshd(ServerSpec::default());
    let pool = Pool::new(LONG);
    let one = pool.session(&fleet.target(0)).await.unwrap();
    let first = served_by(&one).await;
    assert_eq!(served_by(&pool.session(&fleet.target(0)).await.unwrap()).await, first);
    drop(one);
    assert_eq!(served_by(&pool.session(&fleet.target(0)).await.unwrap()).await, first, "it was not kept");
}

#[tokio::test]
async fn who_asks_at_the_same_time_waits_for_one_handshake() {
    let fleet = one_sshd(ServerSpec::default());
    let pool = Pool::new(LONG);
    let target = fleet.target(0);
    let ((), one, two) = tokio::join!(pool.prepare(&target), pool.session(&target), pool.session(&target));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(served_by(&one).await, served_by(&two).await);
}

#[tokio::test]
async fn other_credentials_host_keys_or_wishes_never_ride_on_an_old_login() {
    let server = transport::server::Server::builder().password(PASSWORD).start().await.unwrap();
    let pool = Pool::new(LONG);
    let good = target(&server, vec![password(PASSWORD)]);
    let kept = pool.session(&good).await.unwrap();
    let refused = pool.session(&target(&server, vec![password("another")])).await;
    assert!(matches!(refused, Err(Error::PasswordRefused { .. })), "{refused:?}");
    let refused = pool.session(&target(&server, vec![key("no key", None)])).await;
    assert!(matches!(refused, Err(Error::KeyMalformed { .. })), "{refused:?}");
    let mut stranger = good.clone();
    stranger.host_keys.clear();
    let refused = pool.session(&stranger).await;
    assert!(matches!(refused, Err(Error::HostKeyUnknown { .. })), "{refused:?}");
    assert!(!kept.is_closed());
    let two = vec![Auth::Agent { socket: None }, password(PASSWORD)];
    assert!(pool.session(&target(&server, two)).await.is_ok() || std::env::var_os("SSH_AUTH_SOCK").is_none());
}

#[tokio::test]
async fn a_post_quantum_wish_gets_a_connection_of_its_own() {
    let fleet = one_sshd(ServerSpec::default());
    let pool = Pool::new(LONG);
    let first = served_by(&pool.session(&fleet.target(0)).await.unwrap()).await;
    let mut wish = fleet.target(0);
    wish.key_exchange = KeyExchange::PostQuantum;
    assert_ne!(served_by(&pool.session(&wish).await.unwrap()).await, first);
}

#[tokio::test]
async fn a_connection_that_broke_is_replaced_and_one_that_is_full_gets_company() {
    let fleet = one_sshd(ServerSpec::default());
    let pool = Pool::new(LONG);
    let one = pool.session(&fleet.target(0)).await.unwrap();
    let first = served_by(&one).await;
    one.close().await;
    let two = pool.session(&fleet.target(0)).await.unwrap();
    let second = served_by(&two).await;
    assert_ne!(second, first);
    two.distrust();
    let three = pool.session(&fleet.target(0)).await.unwrap();
    let third = served_by(&three).await;
    assert_ne!(third, second);
    assert_eq!(served_by(&two).await, second, "whoever has it keeps it");
    let mut busy = Vec::new();
    for _ in 0..7 {
        busy.push(three.exec("sleep 1000").await.unwrap());
    }
    let four = pool.session(&fleet.target(0)).await.unwrap();
    assert_ne!(served_by(&four).await, third);
}

#[tokio::test]
async fn what_nobody_uses_is_closed_and_what_is_used_is_not() {
    let fleet = one_sshd(ServerSpec::default());
    let pool = Pool::new(Duration::from_millis(200));
    let held = pool.session(&fleet.target(0)).await.unwrap();
    let process = held.exec("sleep 1; echo done").await.unwrap();
    // What runs is a use, and so is a session that somebody has.
    drop(held);
    assert_eq!(text(&process.output().await.unwrap().stdout), "done\n");
    let pid = served_by(&pool.session(&fleet.target(0)).await.unwrap()).await;
    until("sshd ends the connection", || !std::path::Path::new(&format!("/proc/{pid}")).exists()).await;
    assert_ne!(served_by(&pool.session(&fleet.target(0)).await.unwrap()).await, pid);
}

#[tokio::test]
async fn without_a_time_nothing_is_kept() {
    let fleet = one_sshd(ServerSpec::default());
    let pool = Pool::new(Duration::ZERO);
    pool.prepare(&fleet.target(0)).await;
    let one = pool.session(&fleet.target(0)).await.unwrap();
    let two = pool.session(&fleet.target(0)).await.unwrap();
    assert_ne!(served_by(&one).await, served_by(&two).await);
}

#[tokio::test]
async fn a_channel_that_is_open_ahead_serves_the_next_command_and_is_opened_again() {
    let fleet = one_sshd(ServerSpec::default());
    let pool = Pool::new(LONG);
    pool.prepare(&fleet.target(0)).await;
    let session = pool.session(&fleet.target(0)).await.unwrap();
    for _ in 0..20 {
        assert_eq!(text(&run(&session, "echo here").await.stdout), "here\n");
    }
    // With the one ahead there are never more than a server allows.
    let mut all = tokio::task::JoinSet::new();
    for number in 10..26 {
        let session = session.clone();
        all.spawn(async move { run_when_free(&session, &format!("sleep 0.05; echo {number}")).await.stdout });
    }
    let mut said = all.join_all().await;
    said.sort();
    let all: Vec<Vec<u8>> = (10..26).map(|number| format!("{number}\n").into_bytes()).collect();
    assert_eq!(said, all);
}

#[tokio::test]
async fn a_silent_connection_is_asked_before_it_is_trusted() {
    let fleet = one_sshd(ServerSpec::default());
    let pool = Pool::new(LONG);
    let mut target = fleet.target(0);
    target.timeouts.keepalive = Duration::from_millis(60);
    target.timeouts.keepalive_limit = u32::MAX;
    let first = served_by(&pool.session(&target).await.unwrap()).await;
    // Alive, it is heard often enough to be trusted, however long nobody uses it.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(served_by(&pool.session(&target).await.unwrap()).await, first);
    let pid = nix::unistd::Pid::from_raw(first.parse().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let second = served_by(&pool.session(&target).await.unwrap()).await;
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    assert_ne!(second, first, "it does not answer any more");
}
