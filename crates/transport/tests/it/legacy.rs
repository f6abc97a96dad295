//! Old servers, which offer nothing that is safe: understood only where that was asked for.

use testkit::sshd::{Fleet, ServerSpec};
use transport::{Error, Session, Target, Timeouts, scan};

use crate::rig::{key, one_sshd, refusal, run, text, tool};

/// An sshd that offers nothing but these, with an RSA host key.
fn old(lines: &str) -> (Fleet, Target) {
    let spec =
        ServerSpec { extra_config: lines.to_owned(), host_key_types: vec!["rsa"], ..ServerSpec::default() };
    let fleet = one_sshd(spec);
    let target = fleet.target(0);
    (fleet, target)
}

fn switched_on(target: &Target) -> Target {
    Target { legacy_algorithms: true, ..target.clone() }
}

#[tokio::test]
async fn what_is_not_safe_is_used_only_where_it_is_switched_on() {
    for (lines, kind) in [
        ("KexAlgorithms diffie-hellman-group14-sha1", "key exchange"),
        ("HostKeyAlgorithms ssh-rsa", "host key"),
        ("Ciphers aes128-cbc\nMACs hmac-sha1", "cipher"),
        ("Ciphers aes256-ctr\nMACs hmac-sha1", "MAC"),
    ] {
        let (fleet, target) = old(lines);
        let error = refusal(&target).await;
        assert!(matches!(&error, Error::Algorithms { kind: told, .. } if *told == kind), "{lines}: {error}");
        assert!(!fleet.servers[0].log().contains("publickey"), "no credential was shown");
        let session = Session::connect(&switched_on(&target)).await.unwrap();
        assert_eq!(text(&run(&session, "echo in").await.stdout), "in\n", "{lines}");
    }
}

#[tokio::test]
async fn a_server_that_knows_nothing_better_at_all_is_used() {
    let all = "KexAlgorithms diffie-hellman-group14-sha1\nHostKeyAlgorithms ssh-rsa\nCiphers aes256-cbc\n\
               MACs hmac-sha1\nPubkeyAcceptedAlgorithms ssh-rsa";
    let (fleet, target) = old(all);
    let server = &fleet.servers[0];
    tool("ssh-keygen", &["-q", "-t", "rsa", "-N", "", "-f", "old"], &server.root);
    std::fs::copy(server.root.join("old.pub"), server.home.parent().unwrap().join("authorized_keys"))
        .unwrap();
    let auth = vec![key(&std::fs::read_to_string(server.root.join("old")).unwrap(), None)];
    let session = Session::connect(&Target { auth, ..switched_on(&target) }).await.unwrap();
    // Some MB, so that the old cipher is really at work.
    let said = run(&session, "head -c 1000000 /dev/zero | wc -c; sha256sum </dev/null | cut -c1-8").await;
    assert_eq!(text(&said.stdout), "1000000\ne3b0c442\n");
    let keys = scan("127.0.0.1", target.port, true, Timeouts::default()).await.unwrap();
    assert_eq!(keys, target.host_keys);
    assert!(scan("127.0.0.1", target.port, false, Timeouts::default()).await.is_err());
}

#[tokio::test]
async fn the_switch_changes_nothing_with_a_server_that_knows_better() {
    let fleet = one_sshd(ServerSpec { extra_config: "LogLevel DEBUG".to_owned(), ..ServerSpec::default() });
    let session = Session::connect(&switched_on(&fleet.target(0))).await.unwrap();
    assert_eq!(text(&run(&session, "echo in").await.stdout), "in\n");
    let log = fleet.servers[0].log();
    let agreed: Vec<&str> = log.lines().filter(|line| line.contains("kex: ")).collect();
    assert!(
        agreed.len() >= 4 && !agreed.iter().any(|line| line.contains("sha1") || line.contains("cbc")),
        "{agreed:?}"
    );
}

#[tokio::test]
async fn nothing_older_is_ever_agreed_to() {
    for lines in [
        "KexAlgorithms diffie-hellman-group1-sha1",
        "KexAlgorithms diffie-hellman-group-exchange-sha1",
        "Ciphers 3des-cbc",
        "MACs hmac-md5\nCiphers aes128-ctr",
    ] {
        let (_fleet, target) = old(lines);
        assert!(matches!(refusal(&switched_on(&target)).await, Error::Algorithms { .. }), "{lines}");
    }
}
