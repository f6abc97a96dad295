//! Jump hosts: connections that another server carries, each with its own host keys, user and credentials.

use std::time::Duration;

use testkit::sshd::{Fleet, FleetSpec, ServerSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use transport::server::Server;
use transport::{Error, HostKey, Pool, Session, Target, Timeouts, scan};

use crate::rig::{PASSWORD, deaf_port, one_sshd, password, refusal, run, short, target, text, until};

/// Longer than any test.
const LONG: Duration = Duration::from_mins(10);

fn servers(count: usize) -> Fleet {
    Fleet::start(FleetSpec { servers: count, ..FleetSpec::default() })
}

/// The last server, through all the others in their order.
fn chain(fleet: &Fleet) -> Target {
    let way = (0..fleet.servers.len()).map(|index| fleet.target(index));
    way.reduce(|jump, next| through(next, jump)).unwrap()
}

fn through(mut target: Target, jump: Target) -> Target {
    target.jump = Some(Box::new(jump));
    target
}

fn logins(fleet: &Fleet, index: usize) -> usize {
    fleet.servers[index].log().matches("Accepted publickey").count()
}

#[tokio::test]
async fn a_server_behind_two_others_is_used_like_any_other() {
    let fleet = servers(3);
    let session = Session::connect(&chain(&fleet)).await.unwrap();
    let shown = run(&session, "echo $SSH_CONNECTION").await.stdout;
    assert!(text(&shown).ends_with(&format!(" {}\n", fleet.servers[2].port)), "{}", text(&shown));
    // More than any window on the way, both ways at once.
    let process = session.exec("cat").await.unwrap();
    let (mut stdin, mut stdout, _, mut running) = process.into_parts();
    let sent = vec![7_u8; 12 << 20];
    let writing = async {
        stdin.write_all(&sent).await.unwrap();
        stdin.shutdown().await.unwrap();
    };
    let mut back = Vec::new();
    let ((), read) = tokio::join!(writing, stdout.read_to_end(&mut back));
    read.unwrap();
    assert!(back == sent && running.wait().await.unwrap().is_success());
    // A port as seen from the last server.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    session.forward("127.0.0.1", listener.local_addr().unwrap().port()).await.unwrap();
}

/// Whether somebody is connected to this port of this machine; the kernel knows, whatever sshd says in its log.
fn is_connected(port: u16) -> bool {
    let here = format!("0100007F:{port:04X}");
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // 01 is ESTABLISHED.
    sockets.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some(here.as_str()) && words.nth(1) == Some("01")
    })
}

async fn all_see_the_end(fleet: &Fleet) {
    for server in &fleet.servers {
        until("sshd ends the connection", || !is_connected(server.port)).await;
    }
}

#[tokio::test]
async fn a_session_that_is_closed_closes_its_whole_way() {
    let fleet = servers(3);
    let session = Session::connect(&chain(&fleet)).await.unwrap();
    run(&session, "true").await;
    assert!(fleet.servers.iter().all(|server| is_connected(server.port)));
    session.close().await;
    all_see_the_end(&fleet).await;
}

#[tokio::test]
async fn a_session_that_is_dropped_closes_its_whole_way() {
    let fleet = servers(3);
    let session = Session::connect(&chain(&fleet)).await.unwrap();
    run(&session, "true").await;
    drop(session);
    all_see_the_end(&fleet).await;
}

#[tokio::test]
async fn a_jump_host_that_dies_is_named_as_the_reason() {
    let mut fleet = servers(3);
    let session = Session::connect(&chain(&fleet)).await.unwrap();
    let mut process = session.exec("sleep 1000").await.unwrap();
    let middle = format!("127.0.0.1:{}", fleet.servers[1].port);
    fleet.servers[1].stop();
    let error = process.wait().await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.contains(&format!("the jump host {middle} (through")) && said.contains("is gone"), "{said}");
}

#[tokio::test]
async fn the_pin_of_a_jump_host_never_stands_for_the_server_behind_it() {
    let fleet = servers(2);
    let (jump, server) = (fleet.target(0), fleet.target(1));
    let mut mistaken = through(server.clone(), jump.clone());
    mistaken.host_keys.clone_from(&jump.host_keys);
    let error = refusal(&mistaken).await;
    assert!(matches!(&error, Error::HostKeyChanged { .. }), "{error}");
    assert_eq!(error.hops(), 0);
    let mut mistaken = through(server.clone(), jump.clone());
    mistaken.jump.as_mut().unwrap().host_keys.clone_from(&server.host_keys);
    let error = refusal(&mistaken).await;
    assert!(matches!(error.cause(), Error::HostKeyChanged { .. }), "{error}");
    assert_eq!(error.hops(), 1);
    // Whoever answers behind the jump host proves himself, or gets no credential.
    let thief = Server::builder().password(PASSWORD).start().await.unwrap();
    let mut stolen = through(target(&thief, vec![password(PASSWORD)]), jump);
    stolen.host_keys = server.host_keys;
    assert!(matches!(refusal(&stolen).await, Error::HostKeyChanged { .. }));
    assert_eq!(thief.attempts(), Vec::<String>::new());
}

#[tokio::test]
async fn what_goes_wrong_is_told_with_the_place_where_it_does() {
    let fleet = servers(3);
    let address = |index: usize| format!("127.0.0.1:{}", fleet.servers[index].port);
    let whole = format!("{} (through {}, {})", address(2), address(0), address(1));

    let mut wrong = chain(&fleet);
    wrong.user = "nobody-of-that-name".to_owned();
    let error = refusal(&wrong).await;
    assert!(error.to_string().starts_with(&whole) && error.hops() == 0, "{error}");

    // The last but one, seen by itself.
    let mut wrong = chain(&fleet);
    wrong.jump.as_mut().unwrap().user = "nobody-of-that-name".to_owned();
    let error = refusal(&wrong).await;
    assert_eq!(error.hops(), 1);
    assert!(matches!(error.cause(), Error::KeyRefused { .. }) && !error.is_temporary(), "{error}");
    let start = format!("on the way to {whole}: {} (through {}) refuses the key", address(1), address(0));
    assert!(error.to_string().starts_with(&start), "{error}");
    assert!(error.hint().contains("authorized_keys"), "{}", error.hint());

    let (_socket, deaf) = deaf_port();
    let mut wrong = chain(&fleet);
    wrong.jump.as_mut().unwrap().jump.as_mut().unwrap().port = deaf;
    let error = refusal(&wrong).await;
    assert_eq!(error.hops(), 2);
    assert!(matches!(error.cause(), Error::Refused { .. }) && error.is_temporary(), "{error}");

    let mut wrong = chain(&fleet);
    wrong.port = deaf;
    let error = refusal(&wrong).await;
    assert!(matches!(&error, Error::Unreachable { .. }) && error.hops() == 0, "{error}");
    assert!(error.to_string().contains("the jump host cannot connect to it"), "{error}");
}

#[tokio::test]
async fn a_jump_host_may_forbid_the_way() {
    let open = servers(1);
    let closed =
        one_sshd(ServerSpec { extra_config: "AllowTcpForwarding no".to_owned(), ..ServerSpec::default() });
    let error = refusal(&through(open.target(0), closed.target(0))).await;
    assert!(matches!(error.cause(), Error::ForwardRefused { .. }) && error.hops() == 1, "{error}");
    assert!(error.hint().contains("AllowTcpForwarding"));
}

#[tokio::test]
async fn a_silent_server_behind_a_jump_host_is_given_up_in_time() {
    let fleet = servers(1);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut deaf = through(fleet.target(0), fleet.target(0));
    deaf.port = silent.local_addr().unwrap().port();
    deaf.timeouts = short();
    let error = refusal(&deaf).await;
    assert!(matches!(error, Error::Silent { .. }), "{error}");
}

#[tokio::test]
async fn host_keys_are_looked_up_through_a_jump_host() {
    let fleet = servers(2);
    let jump = Session::connect(&fleet.target(0)).await.unwrap();
    let port = fleet.servers[1].port;
    let seen = jump.scan("127.0.0.1", port, false, Timeouts::default()).await.unwrap();
    assert_eq!(seen, vec![HostKey::parse(&fleet.servers[1].host_key).unwrap()]);
    assert_eq!(seen, scan("127.0.0.1", port, false, Timeouts::default()).await.unwrap());
    let (_socket, deaf) = deaf_port();
    let error = jump.scan("127.0.0.1", deaf, false, Timeouts::default()).await.unwrap_err();
    assert!(error.to_string().contains(&format!("127.0.0.1:{deaf} (through 127.0.0.1:")), "{error}");
}

#[tokio::test]
async fn servers_behind_one_jump_host_share_its_connections_ten_to_each() {
    let jump = one_sshd(ServerSpec {
        // A jump host that lets nobody run anything.
        extra_config: "MaxSessions 0".to_owned(),
        ..ServerSpec::default()
    });
    let fleet = servers(11);
    let pool = Pool::new(LONG);
    let mut all = JoinSet::new();
    for index in 0..11 {
        let (pool, target) = (pool.clone(), through(fleet.target(index), jump.target(0)));
        all.spawn(async move { pool.session(&target).await.unwrap() });
    }
    let sessions = all.join_all().await;
    for session in &sessions {
        assert_eq!(text(&run(session, "echo here").await.stdout), "here\n");
    }
    until("the logins are logged", || logins(&jump, 0) >= 2).await;
    assert_eq!(logins(&jump, 0), 2);
}

#[tokio::test]
async fn the_same_address_behind_another_jump_host_is_another_machine() {
    let fleet = servers(3);
    let pool = Pool::new(LONG);
    let one = pool.session(&through(fleet.target(2), fleet.target(0))).await.unwrap();
    let other = pool.session(&through(fleet.target(2), fleet.target(1))).await.unwrap();
    let direct = pool.session(&fleet.target(2)).await.unwrap();
    let again = pool.session(&through(fleet.target(2), fleet.target(0))).await.unwrap();
    let mut served = Vec::new();
    for session in [&one, &other, &direct, &again] {
        served.push(run(session, "echo $PPID").await.stdout);
    }
    assert_eq!(served[0], served[3]);
    served.pop();
    served.sort();
    served.dedup();
    assert_eq!(served.len(), 3);
    // A login at a jump host that would not be made any more carries nobody.
    let mut stranger = through(fleet.target(2), fleet.target(0));
    stranger.jump.as_mut().unwrap().host_keys.clear();
    let refused = pool.session(&stranger).await.unwrap_err();
    assert!(matches!(refused.cause(), Error::HostKeyUnknown { .. }), "{refused}");
}

#[tokio::test]
async fn a_jump_host_is_kept_while_it_carries_somebody_and_closed_afterwards() {
    let fleet = servers(2);
    let pool = Pool::new(Duration::from_millis(200));
    let target = through(fleet.target(1), fleet.target(0));
    let session = pool.session(&target).await.unwrap();
    let process = session.exec("sleep 1; echo done").await.unwrap();
    assert_eq!(text(&process.output().await.unwrap().stdout), "done\n");
    assert!(is_connected(fleet.servers[0].port));
    drop(session);
    all_see_the_end(&fleet).await;
}

#[tokio::test]
async fn a_jump_host_that_broke_is_replaced() {
    let mut fleet = servers(2);
    let pool = Pool::new(LONG);
    let target = through(fleet.target(1), fleet.target(0));
    let session = pool.session(&target).await.unwrap();
    fleet.servers[0].stop();
    fleet.servers[0].start();
    until("the break is noticed", || session.is_closed()).await;
    let session = pool.session(&target).await.unwrap();
    assert_eq!(text(&run(&session, "echo again").await.stdout), "again\n");
}

#[tokio::test]
async fn a_silent_jump_host_is_asked_before_it_is_trusted() {
    let fleet = servers(2);
    let pool = Pool::new(LONG);
    let mut jump = fleet.target(0);
    jump.timeouts.keepalive = Duration::from_millis(60);
    jump.timeouts.keepalive_limit = u32::MAX;
    let hold = pool.session(&through(fleet.target(1), jump.clone())).await.unwrap();
    let first = pool.session(&jump).await.unwrap();
    let pid: i32 = text(&run(&first, "echo $PPID").await.stdout).trim().parse().unwrap();
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut another = through(fleet.target(1), jump);
    another.user.push('x');
    // Another user: nobody has a connection yet, so the jump host has to carry one more.
    let error = pool.session(&another).await.unwrap_err();
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    assert!(matches!(error, Error::KeyRefused { .. }), "{error}");
    until("the break is noticed", || hold.is_closed()).await;
}

#[tokio::test]
async fn a_dead_jump_host_is_waited_for_once() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fleet = servers(1);
    let mut jump = fleet.target(0);
    jump.port = silent.local_addr().unwrap().port();
    // Long enough for all of them to ask while the first one waits.
    jump.timeouts = Timeouts { handshake: Duration::from_secs(2), ..short() };
    let pool = Pool::new(LONG);
    let mut all = JoinSet::new();
    for number in 0..20 {
        let (pool, mut target) = (pool.clone(), through(fleet.target(0), jump.clone()));
        target.host = format!("10.0.0.{number}");
        all.spawn(async move { pool.session(&target).await.unwrap_err() });
    }
    for error in all.join_all().await {
        assert!(matches!(error.cause(), Error::Silent { .. }), "{error}");
        assert!(error.to_string().starts_with("on the way to 10.0.0."), "{error}");
    }
    let mut tries = 0;
    while let Ok(Ok(_)) = tokio::time::timeout(Duration::from_millis(50), silent.accept()).await {
        tries += 1;
    }
    assert_eq!(tries, 1);
}
