//! The master key is replaced: whenever it is cut, everything opens, and at the end nothing opens with the old one.

use std::fs;

use model::{ExposeSecret, Scope, SecretString};
use sea_orm::ConnectionTrait;
use store::{Change, CredentialKind, Error, MasterKey, NewCredential, NewSecret, Store};

use crate::rig::{Rig, by_ann, credential, key, name, open};

/// So many that they take several transactions.
const SECRETS: usize = 45;

/// How a value begins that nobody may find in a file.
const VALUE: &str = "correct horse";

async fn fill(store: &Store) {
    let mut changes: Vec<Change> = (0..SECRETS).map(|n| secret(n, "battery")).collect();
    changes.push(Change::PutCredential {
        credential: NewCredential {
            passphrase: Some(format!("{VALUE} passphrase").into()),
            ..credential("deploy", CredentialKind::SshKey, Some(&format!("{VALUE} key")))
        },
        managed: false,
    });
    store.change(changes, "admin").await.unwrap();
}

fn secret(number: usize, end: &str) -> Change {
    let scope = match number % 3 {
        0 => Scope::Project(name("shop")),
        1 => Scope::Environment(name("shop"), name("production")),
        _ => Scope::Server(name("web-1")),
    };
    let value = SecretString::from(format!("{VALUE} {number} {end}"));
    Change::PutSecret(NewSecret { scope, name: format!("S{number}").parse().unwrap(), value, masked: true })
}

/// Everything opens, and says what it should; `other` has another end.
async fn check(store: &Store, other: &[usize]) {
    let scopes = [
        Scope::Project(name("shop")),
        Scope::Environment(name("shop"), name("production")),
        Scope::Server(name("web-1")),
    ];
    let mut seen = 0;
    for scope in &scopes {
        for (name, value) in store.secret_values(scope).await.unwrap() {
            let number: usize = name.as_str()[1..].parse().unwrap();
            let end = if other.contains(&number) { "staple" } else { "battery" };
            assert_eq!(value.expose_secret(), format!("{VALUE} {number} {end}"));
            seen += 1;
        }
    }
    assert_eq!(seen, SECRETS);
    let credential = store.unseal(&name("deploy")).await.unwrap().unwrap();
    assert_eq!(credential.secret.unwrap().expose_secret(), format!("{VALUE} key"));
    assert_eq!(credential.passphrase.unwrap().expose_secret(), format!("{VALUE} passphrase"));
}

async fn finish(store: &Store) {
    while store.seal_some_anew().await.unwrap() {}
}

#[tokio::test]
async fn cut_after_any_transaction_it_opens_and_goes_on() {
    let mut steps = 0;
    loop {
        let mut rig = Rig::new().await;
        fill(&rig.store).await;
        let old = fs::read_to_string(rig.dir.path().join("master.key")).unwrap();
        rig.store.begin_new_master_key(by_ann()).await.unwrap();
        let mut more = true;
        for _ in 0..steps {
            more = more && rig.store.seal_some_anew().await.unwrap();
        }
        rig.reopen().await;
        check(&rig.store, &[]).await;
        assert_eq!(rig.store.master_key_state().await.unwrap().version, 2);
        finish(&rig.store).await;
        check(&rig.store, &[]).await;
        assert_eq!(rig.store.master_key_state().await.unwrap().left, 0);
        rig.reopen().await;
        check(&rig.store, &[]).await;
        let dir = rig.dir.path();
        assert!(!dir.join("master.key.next").exists());
        let new = fs::read_to_string(dir.join("master.key")).unwrap();
        assert_ne!(new, old);
        rig.store.close().await.unwrap();
        let error = Store::open(dir, MasterKey::load(dir, Some(old.into())).unwrap()).await.unwrap_err();
        assert!(matches!(error, Error::WrongMasterKey), "{error:?}");
        if !more {
            break;
        }
        steps += 1;
    }
    assert!(steps >= 4, "{steps} transactions");
}

#[tokio::test]
async fn cut_between_a_file_and_the_database_it_opens_too() {
    // The new key is on the disk, and the database does not know it.
    let mut rig = Rig::new().await;
    fill(&rig.store).await;
    let next = rig.dir.path().join("master.key.next");
    fs::write(&next, "ab".repeat(32)).unwrap();
    fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    rig.reopen().await;
    check(&rig.store, &[]).await;
    assert!(!next.exists());
    // The database has forgotten the old key, and its file is there.
    up_to_the_last_file(&rig).await;
    rig.reopen().await;
    assert!(!next.exists());
    rig.reopen().await;
    check(&rig.store, &[]).await;
}

/// Seals everything anew, up to where the database has forgotten the old key and its file is still there.
async fn up_to_the_last_file(rig: &Rig) {
    rig.store.begin_new_master_key(by_ann()).await.unwrap();
    while rig.store.master_key_state().await.unwrap().left > 0 {
        rig.store.seal_some_anew().await.unwrap();
    }
    let forget = "DELETE FROM meta WHERE key LIKE 'master_key_retiring%'";
    rig.raw().await.execute_unprepared(forget).await.unwrap();
    assert!(rig.dir.path().join("master.key.next").exists());
}

#[tokio::test]
async fn the_next_key_waits_until_the_one_before_is_in_its_place() {
    let mut rig = Rig::new().await;
    fill(&rig.store).await;
    up_to_the_last_file(&rig).await;
    // The third key would have taken the place of the second, which is nowhere else.
    rig.store.begin_new_master_key(by_ann()).await.unwrap();
    rig.reopen().await;
    check(&rig.store, &[]).await;
    finish(&rig.store).await;
    rig.reopen().await;
    check(&rig.store, &[]).await;
    assert_eq!(rig.store.master_key_state().await.unwrap().version, 3);
}

#[tokio::test]
async fn whoever_asks_may_go_at_any_moment() {
    // Each time it is dropped one wait later; in the end it is not dropped any more.
    for waits in 0.. {
        let mut rig = Rig::new().await;
        fill(&rig.store).await;
        let patience = async {
            for _ in 0..waits {
                tokio::task::yield_now().await;
            }
        };
        let is_done = tokio::select! {
            biased;
            done = rig.store.begin_new_master_key(by_ann()) => done.is_ok(),
            () = patience => false,
        };
        // Waits for whoever turns.
        rig.store.change(vec![secret(0, "staple")], "admin").await.unwrap();
        finish(&rig.store).await;
        rig.reopen().await;
        check(&rig.store, &[0]).await;
        if is_done {
            return;
        }
    }
}

#[tokio::test]
async fn what_is_stored_meanwhile_is_kept_and_sealed_with_the_new_key() {
    let mut rig = Rig::new().await;
    fill(&rig.store).await;
    rig.store.begin_new_master_key(by_ann()).await.unwrap();
    // Once more while it goes on is not a third key.
    rig.store.begin_new_master_key(by_ann()).await.unwrap();
    rig.store.change(vec![secret(0, "staple"), secret(44, "staple")], "admin").await.unwrap();
    rig.store.seal_some_anew().await.unwrap();
    rig.store.change(vec![secret(1, "staple")], "admin").await.unwrap();
    finish(&rig.store).await;
    rig.reopen().await;
    check(&rig.store, &[0, 1, 44]).await;
    assert_eq!(rig.store.master_key_state().await.unwrap().version, 2);
    // And again.
    rig.store.begin_new_master_key(by_ann()).await.unwrap();
    finish(&rig.store).await;
    rig.reopen().await;
    check(&rig.store, &[0, 1, 44]).await;
    assert_eq!(rig.store.master_key_state().await.unwrap().version, 3);
}

#[tokio::test]
async fn with_a_wrong_key_of_the_two_nothing_opens() {
    for wrong in ["master.key", "master.key.next"] {
        let rig = Rig::new().await;
        fill(&rig.store).await;
        rig.store.begin_new_master_key(by_ann()).await.unwrap();
        rig.store.seal_some_anew().await.unwrap();
        rig.store.close().await.unwrap();
        let dir = rig.dir.path();
        let right = fs::read_to_string(dir.join(wrong)).unwrap();
        fs::write(dir.join(wrong), "cd".repeat(32)).unwrap();
        let error = Store::open(dir, key(dir)).await.unwrap_err();
        assert!(matches!(error, Error::WrongMasterKey), "{wrong}: {error:?}");
        fs::write(dir.join(wrong), right).unwrap();
        check(&open(dir).await, &[]).await;
    }
}

#[tokio::test]
async fn a_key_that_is_given_from_outside_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let given = || MasterKey::load(dir.path(), Some("ef".repeat(32).into())).unwrap();
    let store = Store::open(dir.path(), given()).await.unwrap();
    fill(&store).await;
    let error = store.begin_new_master_key(by_ann()).await.unwrap_err();
    assert!(matches!(error, Error::ForeignMasterKey), "{error:?}");
    assert!(!store.master_key_state().await.unwrap().is_file);
    assert!(!store.seal_some_anew().await.unwrap());
    check(&store, &[]).await;
}

/// T54: who has the database, and not the key, has nothing.
#[tokio::test]
async fn the_database_alone_tells_nothing_at_any_moment() {
    let rig = Rig::new().await;
    fill(&rig.store).await;
    let look = || {
        for file in fs::read_dir(rig.dir.path()).unwrap() {
            let path = file.unwrap().path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("aweigh.db")) {
                let bytes = fs::read(&path).unwrap();
                let told = bytes.windows(VALUE.len()).any(|part| part == VALUE.as_bytes());
                assert!(!told, "{}", path.display());
                for key in ["master.key", "master.key.next"] {
                    let Ok(key) = fs::read_to_string(rig.dir.path().join(key)) else { continue };
                    let key = hex::decode(key.trim()).unwrap();
                    assert!(!bytes.windows(32).any(|part| part == key), "{}", path.display());
                }
            }
        }
    };
    rig.store.begin_new_master_key(by_ann()).await.unwrap();
    look();
    while rig.store.seal_some_anew().await.unwrap() {
        look();
    }
    rig.store.close().await.unwrap();
    look();
}
