//! A key is replaced only when every server that is logged in to with it has the new one.

use model::{Address, Server};
use store::{Change, CredentialKind, KeyRotation, NewCredential};

use crate::rig::{Rig, by_ann, credential, name, server};

fn put(server: Server) -> Change {
    Change::PutServer { server, managed: false }
}

fn key(text: &str) -> Change {
    let credential = NewCredential {
        fingerprint: Some("SHA256:old".into()),
        public_key: Some("ssh-ed25519 OLD".into()),
        ..credential(text, CredentialKind::SshKey, Some("old"))
    };
    Change::PutCredential { credential, managed: false }
}

fn new_key() -> KeyRotation {
    KeyRotation {
        secret: Some("new".into()),
        public_key: "ssh-ed25519 NEW".into(),
        fingerprint: "SHA256:new".into(),
        old_public_key: "ssh-ed25519 OLD".into(),
    }
}

async fn key_in_use(rig: &Rig) -> String {
    rig.store.credential(&name("deploy")).await.unwrap().unwrap().public_key.unwrap()
}

#[tokio::test]
async fn the_new_key_is_used_when_every_server_has_it() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let (one, two) = (server("web-1", "deploy"), server("web-2", "deploy"));
    let third = put(server("web-3", "other"));
    let keys = [key("deploy"), key("other")];
    store.change(keys.into_iter().chain([put(one.clone()), third]).collect(), "ann").await.unwrap();
    let rotation = new_key();
    let read = store.credential(&name("deploy")).await.unwrap().unwrap();
    assert!(store.begin_key_rotation(&read, &rotation, by_ann()).await.unwrap());
    let take =
        async |brought: &[Server]| store.take_new_key(&name("deploy"), &rotation, brought).await.unwrap();
    // Since it was brought to web-1, web-2 came.
    store.change(vec![put(two.clone())], "bob").await.unwrap();
    assert!(!take(std::slice::from_ref(&one)).await);
    // And this is another machine under the same name.
    let mut elsewhere = two.clone();
    let Address::Ssh(address) = &mut elsewhere.address else { panic!("{elsewhere:?}") };
    address.host = "10.0.0.9".into();
    assert!(!take(&[one.clone(), elsewhere]).await);
    assert_eq!(key_in_use(&rig).await, "ssh-ed25519 OLD");
    assert!(store.key_rotation(&name("deploy")).await.unwrap().unwrap().secret.is_some(), "it goes on");
    assert!(take(&[one, two]).await);
    assert_eq!(key_in_use(&rig).await, "ssh-ed25519 NEW");
}

#[tokio::test]
async fn the_key_of_a_credential_that_became_another_is_not_replaced() {
    let rig = Rig::new().await;
    let store = &rig.store;
    store.change(vec![key("deploy"), put(server("web-1", "deploy"))], "ann").await.unwrap();
    let deploy = async || store.credential(&name("deploy")).await.unwrap().unwrap();
    let (read, new) = (deploy().await, new_key());
    // Somebody stores another key, between the look at the old one and the begin.
    store.change(vec![key("deploy")], "bob").await.unwrap();
    assert!(!store.begin_key_rotation(&read, &new, by_ann()).await.unwrap());
    assert!(store.key_rotation(&name("deploy")).await.unwrap().is_none());
    assert!(store.begin_key_rotation(&deploy().await, &new, by_ann()).await.unwrap());
    // And then says that an agent has the key. There is no secret in that which could end the rotation.
    let agent = credential("deploy", CredentialKind::SshAgent, None);
    store.change(vec![Change::PutCredential { credential: agent, managed: false }], "bob").await.unwrap();
    assert!(store.key_rotation(&name("deploy")).await.unwrap().is_none());
    store.take_new_key(&name("deploy"), &new, &[server("web-1", "deploy")]).await.unwrap_err();
    assert_eq!(deploy().await.kind, CredentialKind::SshAgent);
}
