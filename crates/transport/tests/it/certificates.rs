//! OpenSSH certificates on a real sshd: of users, and of hosts.

use std::path::Path;

use tempfile::TempDir;
use testkit::sshd::{Fleet, ServerSpec};
use transport::{Auth, Authority, Error, HostKey, Session, Target};

use crate::auth::Agent;
use crate::rig::{key, one_sshd, refusal, run, text, tool};

/// A folder with an authority `ca`, another one `other`, and keys of all types, none of them authorized anywhere.
fn keys() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, kind) in
        [("ca", "ed25519"), ("other", "ed25519"), ("ed25519", "ed25519"), ("ecdsa", "ecdsa"), ("rsa", "rsa")]
    {
        tool("ssh-keygen", &["-q", "-N", "", "-t", kind, "-f", name], folder.path());
    }
    folder
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// Signs `key` by `ca`, with more words for ssh-keygen; the key with its certificate.
fn signed(folder: &Path, ca: &str, name: &str, words: &[&str]) -> Auth {
    let mut all = vec!["-q", "-s", ca, "-I", "the deployers"];
    all.extend(words);
    all.push(name);
    tool("ssh-keygen", &all, folder);
    key(&(read(folder, name) + &read(folder, &format!("{name}-cert.pub"))), None)
}

/// An sshd that trusts the authority `ca` for users.
fn trusting(folder: &Path) -> Fleet {
    let extra_config = format!("TrustedUserCAKeys {}", folder.join("ca.pub").display());
    one_sshd(ServerSpec { extra_config, ..ServerSpec::default() })
}

#[tokio::test]
async fn a_certificate_of_every_type_of_key_lets_in_without_an_authorized_key() {
    let folder = keys();
    let fleet = trusting(folder.path());
    let server = &fleet.servers[0];
    // One whose number is short, too: of one in 512 it is.
    std::fs::write(folder.path().join("short"), include_str!("../short-ecdsa")).unwrap();
    std::fs::write(folder.path().join("short.pub"), include_str!("../short-ecdsa.pub")).unwrap();
    for name in ["ed25519", "ecdsa", "short", "rsa"] {
        let bare = server.target(vec![key(&read(folder.path(), name), None)]);
        let refused = refusal(&bare).await;
        assert!(matches!(refused, Error::KeyRefused { .. }), "{name}: {refused}");
        let auth = signed(folder.path(), "ca", name, &["-n", &server.user]);
        let session = Session::connect(&server.target(vec![auth])).await.unwrap();
        assert_eq!(text(&run(&session, "echo in").await.stdout), "in\n", "{name}");
    }
    assert!(server.log().contains("ID the deployers"), "{}", server.log());
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_in_plain_words() {
    let folder = keys();
    let fleet = trusting(folder.path());
    let server = &fleet.servers[0];
    let told = async |ca: &str, words: &[&str]| {
        refusal(&server.target(vec![signed(folder.path(), ca, "ed25519", words)])).await
    };
    let error = told("ca", &["-n", &server.user, "-V", "20200101:20200102"]).await;
    assert!(matches!(&error, Error::CertificateExpired { id, .. } if id == "the deployers"), "{error}");
    assert!(error.to_string().contains("days ago"), "{error}");
    let error = told("ca", &["-n", &server.user, "-V", "20990101:20990102"]).await;
    assert!(matches!(error, Error::CertificateNotYet { .. }), "{error}");
    assert!(!server.log().contains("Connection from"), "that is known before the network is touched");
    let error = told("ca", &["-n", "alice,bob"]).await;
    assert!(matches!(&error, Error::CertificateNames { names, .. } if names == "alice, bob"), "{error}");
    let error = told("other", &["-n", &server.user]).await;
    assert!(matches!(error, Error::CertificateRefused { .. }), "{error}");
    let error = told("ca", &["-h", "-n", &server.user]).await;
    assert!(matches!(error, Error::CertificateOfHost), "{error}");
    signed(folder.path(), "ca", "ecdsa", &["-n", &server.user]);
    let mixed = read(folder.path(), "ed25519") + &read(folder.path(), "ecdsa-cert.pub");
    let error = refusal(&server.target(vec![key(&mixed, None)])).await;
    assert!(matches!(error, Error::CertificateOfAnotherKey), "{error}");
    let broken = read(folder.path(), "ed25519") + "ssh-ed25519-cert-v01@openssh.com AAAA";
    let error = refusal(&server.target(vec![key(&broken, None)])).await;
    assert!(matches!(error, Error::CertificateMalformed), "{error}");
}

#[tokio::test]
async fn an_agent_shows_the_certificates_that_it_holds() {
    let folder = keys();
    let fleet = trusting(folder.path());
    let server = &fleet.servers[0];
    signed(folder.path(), "ca", "rsa", &["-n", &server.user]);
    let socket = folder.path().join("agent");
    let _agent = Agent::start(&socket).await;
    // ssh-add takes rsa-cert.pub along.
    tool("sh", &["-c", &format!("SSH_AUTH_SOCK={} ssh-add -q rsa", socket.display())], folder.path());
    Session::connect(&server.target(vec![Auth::Agent { socket: Some(socket) }])).await.unwrap();
    assert!(server.log().contains("ID the deployers"), "{}", server.log());
}

/// An sshd whose ECDSA key is certified by `ca`, with more words for ssh-keygen. Its other host key is not.
fn certified(folder: &Path, ca: &str, words: &[&str]) -> (Fleet, Target) {
    signed(folder, ca, "ecdsa", words);
    let place = folder.join("ecdsa");
    let extra_config = format!("HostKey {0}\nHostCertificate {0}-cert.pub", place.display());
    let fleet = one_sshd(ServerSpec { extra_config, ..ServerSpec::default() });
    let mut target = fleet.target(0);
    target.host_keys.clear();
    target.authorities = vec![authority(folder, "ca", "127.0.0.1,[127.0.0.1]:*")];
    (fleet, target)
}

fn authority(folder: &Path, name: &str, hosts: &str) -> Authority {
    Authority::parse(&format!("@cert-authority {hosts} {}", read(folder, &format!("{name}.pub")))).unwrap()
}

#[tokio::test]
async fn a_host_that_a_pinned_authority_vouches_for_is_trusted() {
    let folder = keys();
    let (fleet, target) = certified(folder.path(), "ca", &["-h", "-n", "web-1,127.0.0.*"]);
    let session = Session::connect(&target).await.unwrap();
    assert_eq!(text(&run(&session, "echo in").await.stdout), "in\n");
    // Where nobody may vouch, the bare key is what counts.
    let mut alone = target.clone();
    alone.authorities.clear();
    assert!(matches!(refusal(&alone).await, Error::HostKeyUnknown { .. }));
    // Pinned for another host it says nothing about this one.
    let mut elsewhere = target;
    elsewhere.authorities = vec![authority(folder.path(), "ca", "*.example.com")];
    assert!(matches!(refusal(&elsewhere).await, Error::HostKeyUnknown { .. }));
    // Nor does its certificate stand in the way of the bare key that is pinned.
    elsewhere.host_keys = fleet.target(0).host_keys;
    Session::connect(&elsewhere).await.unwrap();
}

#[tokio::test]
async fn a_host_is_not_trusted_by_a_certificate_that_does_not_prove_it() {
    let folder = keys();
    for (ca, words, part) in [
        ("other", &["-h", "-n", "127.0.0.1"][..], "which is not pinned"),
        ("ca", &["-h", "-n", "web-1,db.example.com"], "it is for web-1, db.example.com"),
        ("ca", &["-h"], "it names no host"),
        ("ca", &["-h", "-n", "127.0.0.1", "-V", "20200101:20200102"], "it expired"),
        ("ca", &["-h", "-n", "127.0.0.1", "-V", "20990101:20990102"], "it begins to hold in"),
    ] {
        let (fleet, target) = certified(folder.path(), ca, words);
        let error = refusal(&target).await;
        assert!(matches!(&error, Error::HostCertificate { reason, .. } if reason.contains(part)), "{error}");
        assert!(!fleet.servers[0].log().contains("publickey"), "no key was shown");
        // The key in it may be pinned all the same.
        let mut pinned = target;
        pinned.host_keys = vec![HostKey::parse(&read(folder.path(), "ecdsa.pub")).unwrap()];
        Session::connect(&pinned).await.unwrap();
    }
}

#[tokio::test]
async fn a_host_certificate_that_is_signed_with_sha_1_proves_nothing() {
    let folder = keys();
    for (hash, is_good) in [("rsa-sha2-256", true), ("ssh-rsa", false)] {
        let (_fleet, mut target) = certified(folder.path(), "rsa", &["-h", "-n", "127.0.0.1", "-t", hash]);
        target.authorities = vec![authority(folder.path(), "rsa", "*")];
        match Session::connect(&target).await {
            Ok(_) => assert!(is_good, "{hash} is believed"),
            Err(error) => {
                assert!(!is_good && error.to_string().contains("signed with SHA-1"), "{hash}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn several_pins_let_a_key_be_changed_without_a_gap() {
    let old = one_sshd(ServerSpec::default());
    let new = one_sshd(ServerSpec::default());
    let both = [&old, &new].map(|fleet| HostKey::parse(&fleet.servers[0].host_key).unwrap());
    for fleet in [&old, &new] {
        let mut target = fleet.target(0);
        target.host_keys = both.to_vec();
        Session::connect(&target).await.unwrap();
        target.host_keys.retain(|pin| *pin != HostKey::parse(&fleet.servers[0].host_key).unwrap());
        assert!(matches!(refusal(&target).await, Error::HostKeyChanged { .. }));
    }
}
