//! `MaxStartups`: a real sshd that takes two logins at a time.

use std::net::TcpStream;

use testkit::sshd::{Fleet, FleetSpec, ServerSpec};
use tokio::task::JoinSet;
use transport::{Error, Session};

use crate::rig::{one_sshd, refusal, run, short, text, until};

fn two_at_a_time() -> ServerSpec {
    ServerSpec { extra_config: "MaxStartups 2:100:2".to_owned(), ..ServerSpec::default() }
}

/// Takes both places of a server, and gives them back when it is dropped.
async fn full(fleet: &Fleet) -> [TcpStream; 2] {
    let server = &fleet.servers[0];
    let taken = [0, 1].map(|_| TcpStream::connect(("127.0.0.1", server.port)).unwrap());
    until("both places are taken", || server.log().matches("Connection from").count() >= 2).await;
    taken
}

#[tokio::test]
async fn a_server_that_is_full_is_tried_again_until_it_has_room() {
    let fleet = one_sshd(two_at_a_time());
    let taken = full(&fleet).await;
    let target = fleet.target(0);
    let connecting = tokio::spawn(async move { Session::connect(&target).await });
    until("it was turned away", || fleet.servers[0].log().contains("past MaxStartups")).await;
    drop(taken);
    let session = connecting.await.unwrap().unwrap();
    assert_eq!(text(&run(&session, "echo in").await.stdout), "in\n");
}

#[tokio::test]
async fn a_server_that_stays_full_is_told_in_plain_words() {
    let fleet = one_sshd(two_at_a_time());
    let _taken = full(&fleet).await;
    let mut target = fleet.target(0);
    target.timeouts = short();
    let error = refusal(&target).await;
    assert!(matches!(error, Error::TurnedAway { tries: 2.., .. }) && error.is_temporary(), "{error}");
    assert!(error.to_string().contains("takes no logins at this moment"), "{error}");
    assert!(error.hint().contains("MaxStartups"), "{}", error.hint());
    assert!(!fleet.servers[0].log().contains("publickey"), "no credential was shown");
}

#[tokio::test]
async fn many_who_come_at_once_all_get_in_and_so_do_those_behind_it() {
    let fleet =
        Fleet::start(FleetSpec { servers: 2, special: vec![(0, two_at_a_time())], ..FleetSpec::default() });
    let mut all = JoinSet::new();
    for number in 0..8 {
        let direct = fleet.target(0);
        let mut behind = fleet.target(1);
        behind.jump = Some(Box::new(direct.clone()));
        all.spawn(async move { Session::connect(if number % 2 == 0 { &direct } else { &behind }).await });
    }
    for session in all.join_all().await {
        assert_eq!(text(&run(&session.unwrap(), "echo in").await.stdout), "in\n");
    }
}
