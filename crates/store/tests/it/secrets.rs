//! Secrets: sealed in their place, kept when not given anew, and never readable in the files.

use std::fs;

use model::{ExposeSecret, SecretString};
use sea_orm::ConnectionTrait;
use store::{Change, CredentialKind, Error, NewCredential, Store};

use crate::rig::{self, Rig, name};

fn credential(text: &str, secret: Option<&str>, passphrase: Option<&str>) -> NewCredential {
    NewCredential {
        fingerprint: Some("SHA256:abc".into()),
        passphrase: passphrase.map(SecretString::from),
        ..rig::credential(text, CredentialKind::SshKey, secret)
    }
}

async fn put(store: &Store, credential: NewCredential) {
    store.change(vec![Change::PutCredential { credential, managed: false }], "li").await.unwrap();
}

async fn check(store: &Store, text: &str, secret: Option<&str>, passphrase: Option<&str>) {
    let unsealed = store.unseal(&name(text)).await.unwrap().unwrap();
    assert_eq!(unsealed.secret.as_ref().map(ExposeSecret::expose_secret), secret);
    assert_eq!(unsealed.passphrase.as_ref().map(ExposeSecret::expose_secret), passphrase);
}

#[tokio::test]
async fn what_is_not_given_is_kept_until_the_kind_changes() {
    let rig = Rig::new().await;
    let store = &rig.store;
    put(store, credential("deploy", Some("key one"), Some("pass one"))).await;
    put(store, credential("deploy", None, None)).await;
    check(store, "deploy", Some("key one"), Some("pass one")).await;
    put(store, credential("deploy", Some("key two"), None)).await;
    check(store, "deploy", Some("key two"), Some("pass one")).await;
    let agent =
        |secret| NewCredential { kind: CredentialKind::SshAgent, ..credential("deploy", secret, None) };
    put(store, agent(Some("not for an agent"))).await;
    check(store, "deploy", None, None).await;
    assert!(store.unseal(&name("other")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_digest_says_whether_storing_would_change_a_secret() {
    let rig = Rig::new().await;
    let store = &rig.store;
    assert_eq!(store.secret_digest(&name("deploy")).await.unwrap(), None);
    put(store, credential("deploy", Some("key"), Some("pass"))).await;
    let stored = store.secret_digest(&name("deploy")).await.unwrap().unwrap();
    assert!(!stored.contains("key"));
    let same = async |new: NewCredential| store.secret_digest_after(&new).await.unwrap() == stored;
    assert!(same(credential("deploy", Some("key"), Some("pass"))).await);
    assert!(same(credential("deploy", None, None)).await);
    assert!(same(credential("deploy", Some("key"), None)).await);
    assert!(!same(credential("deploy", Some("yek"), None)).await);
    assert!(!same(credential("deploy", None, Some("word"))).await);
    let token = NewCredential { kind: CredentialKind::GitToken, ..credential("deploy", None, None) };
    assert!(!same(token).await);
}

#[tokio::test]
async fn a_sealed_secret_does_not_open_in_another_place() {
    let rig = Rig::new().await;
    let store = &rig.store;
    put(store, credential("one", Some("key of one"), Some("pass of one"))).await;
    put(store, credential("two", Some("key of two"), Some("pass of two"))).await;
    let refused = async |text: &str| {
        let error = store.unseal(&name(text)).await.unwrap_err();
        assert!(matches!(error, Error::Sealed { .. }), "{error:?}");
        assert!(store.secret_digest(&name(text)).await.is_err());
    };
    let raw = rig.raw().await;
    let swap_rows = "CREATE TABLE before AS SELECT name, secret FROM credential; \
                     UPDATE credential SET secret = \
                         (SELECT before.secret FROM before WHERE before.name <> credential.name)";
    raw.execute_unprepared(swap_rows).await.unwrap();
    refused("one").await;
    refused("two").await;
    put(store, credential("one", Some("key of one"), None)).await;
    check(store, "one", Some("key of one"), Some("pass of one")).await;
    raw.execute_unprepared("UPDATE credential SET secret = passphrase, passphrase = secret").await.unwrap();
    refused("one").await;
}

#[tokio::test]
async fn the_files_tell_no_secret() {
    let rig = Rig::new().await;
    let secret = "correct horse battery staple";
    let passphrase = "Tr0ub4dor&3 and more";
    put(&rig.store, credential("deploy", Some(secret), Some(passphrase))).await;
    let look = || {
        for file in fs::read_dir(rig.dir.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            for part in [secret, passphrase] {
                let found = bytes.windows(part.len()).any(|window| window == part.as_bytes());
                assert!(!found, "{} holds a secret", path.display());
            }
        }
    };
    look();
    rig.store.close().await.unwrap();
    look();
}

#[test]
fn secrets_never_print() {
    let new = credential("deploy", Some("hunter2"), Some("hunter3"));
    assert!(!format!("{new:?}").contains("hunter"));
    testkit::has_none!(SecretString: std::fmt::Display, serde::Serialize);
    testkit::has_none!(NewCredential: std::fmt::Display, serde::Serialize);
    testkit::has_none!(store::NewSecret: std::fmt::Display, serde::Serialize);
    testkit::has_none!(store::Unsealed: std::fmt::Display, serde::Serialize);
}
