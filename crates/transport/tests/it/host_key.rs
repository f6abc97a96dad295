//! Host keys are checked before anything secret is sent.

use testkit::sshd::{Fleet, FleetSpec, ServerSpec};
use transport::server::Server;
use transport::{Error, HostKey, Session, Timeouts, scan};

use crate::rig::{PASSWORD, one_sshd, password, refusal, target, until};

const STRANGER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1s4eqWVpVBNmsaWpDQqYULlgNZRZjMwgWuC0Kc2N7Q";

#[tokio::test]
async fn an_unknown_host_key_stops_before_authentication() {
    let fleet = one_sshd(ServerSpec::default());
    let mut unpinned = fleet.target(0);
    unpinned.host_keys.clear();
    match refusal(&unpinned).await {
        Error::HostKeyUnknown { presented, .. } => {
            assert_eq!(presented, HostKey::parse(&fleet.servers[0].host_key).unwrap());
        }
        other => panic!("{other}"),
    }
    nobody_tried_to_log_in(&fleet).await;
}

#[tokio::test]
async fn a_changed_host_key_stops_before_authentication_and_shows_both() {
    let fleet = one_sshd(ServerSpec::default());
    let mut mispinned = fleet.target(0);
    let pinned = vec![HostKey::parse(STRANGER).unwrap()];
    mispinned.host_keys.clone_from(&pinned);
    let error = refusal(&mispinned).await;
    let text = error.to_string();
    match error {
        Error::HostKeyChanged { presented, pinned: told, .. } => {
            assert_eq!(told, pinned);
            assert!(
                text.contains(&presented.fingerprint()) && text.contains(&pinned[0].fingerprint()),
                "{text}"
            );
        }
        other => panic!("{other}"),
    }
    nobody_tried_to_log_in(&fleet).await;
}

/// Logs in, and looks in the log for signs of any other try. A login that works comes later in
/// the log than the one that must not be there.
async fn nobody_tried_to_log_in(fleet: &Fleet) {
    Session::connect(&fleet.target(0)).await.unwrap();
    let server = &fleet.servers[0];
    // sshd writes its log a moment later than it acts.
    until("the login is logged", || server.log().contains("Accepted publickey")).await;
    let log = server.log();
    for sign in ["Postponed publickey", "Accepted publickey"] {
        assert!(log.matches(sign).count() <= 1, "{sign}: {log}");
    }
    for sign in ["Failed", "Invalid user"] {
        assert!(!log.contains(sign), "{sign}: {log}");
    }
}

#[tokio::test]
async fn no_password_is_sent_to_a_stranger() {
    let server = Server::builder().password(PASSWORD).start().await.unwrap();
    let mut wrong = target(&server, vec![password(PASSWORD)]);
    wrong.host_keys = vec![HostKey::parse(STRANGER).unwrap()];
    assert!(matches!(refusal(&wrong).await, Error::HostKeyChanged { .. }));
    wrong.host_keys.clear();
    assert!(matches!(refusal(&wrong).await, Error::HostKeyUnknown { .. }));
    assert_eq!(server.attempts(), Vec::<String>::new());
}

#[tokio::test]
async fn the_pinned_kind_is_asked_for_when_a_server_has_several() {
    let spec = ServerSpec { host_key_types: vec!["ed25519", "ecdsa", "rsa"], ..ServerSpec::default() };
    let fleet = one_sshd(spec);
    let server = &fleet.servers[0];
    let keys = scan("127.0.0.1", server.port, false, Timeouts::default()).await.unwrap();
    let kinds: Vec<_> = keys.iter().map(|key| key.algorithm.as_str()).collect();
    assert_eq!(kinds, ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"]);
    for key in keys {
        let mut pinned = fleet.target(0);
        pinned.host_keys = vec![key];
        Session::connect(&pinned).await.unwrap();
    }
}

#[tokio::test]
async fn scanning_shows_the_keys_and_never_logs_in() {
    let fleet = Fleet::start(FleetSpec { servers: 2, ..FleetSpec::default() });
    for server in &fleet.servers {
        let keys = scan("127.0.0.1", server.port, false, Timeouts::default()).await.unwrap();
        assert_eq!(keys, vec![HostKey::parse(&server.host_key).unwrap()]);
    }
    nobody_tried_to_log_in(&fleet).await;
}
