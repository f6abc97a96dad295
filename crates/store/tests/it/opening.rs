//! Opening: the lock, the key, the check for damage, and what survives.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use model::{SecretString, StepStatus};
use sea_orm::ConnectionTrait;
use store::{DataLock, Error, LogFilter, MasterKey, Store, Topic};

use crate::rig::{Rig, key, node, open, said};

#[test]
fn the_data_folder_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("new/data");
    let lock = DataLock::take(&data).unwrap();
    let error = DataLock::take(&data).unwrap_err();
    let Error::InUse { pid, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(error.to_string().contains(&data.display().to_string()) && error.hint().is_some());
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    drop(lock);
    DataLock::take(&data).unwrap();
}

#[tokio::test]
async fn what_was_recorded_is_there_after_a_crash_and_after_a_stop() {
    let mut rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let entries = vec![node("fetch", StepStatus::Running, 1), said("fetch", "hello\n")];
    let seq = rig.store.record(id, epoch, entries).await.unwrap();
    assert_eq!(seq, 4);
    let ids = (rig.store.stream().to_owned(), rig.store.installation().to_owned());
    let before = rig.store.snapshot(id).await.unwrap();
    assert_eq!((ids.0.len(), ids.1.len()), (32, 32));
    assert_ne!(ids.0, ids.1);

    // What the disk holds the moment `record` returns is all that a killed process leaves.
    let crashed = tempfile::tempdir().unwrap();
    for file in fs::read_dir(rig.dir.path()).unwrap() {
        let file = file.unwrap();
        if !file.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(file.path(), crashed.path().join(file.file_name())).unwrap();
        }
    }
    rig.reopen().await;
    for store in [&rig.store, &open(crashed.path()).await] {
        assert_eq!(store.snapshot(id).await.unwrap(), before);
        let batch = store.events(&Topic::Release(id), 0, &LogFilter::All).await.unwrap().unwrap();
        assert_eq!(batch.seq, 4);
        assert_eq!((store.stream(), store.installation()), (ids.0.as_str(), ids.1.as_str()));
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let rig = Rig::new().await;
    let clone = rig.store.clone();
    rig.store.close().await.unwrap();
    assert!(matches!(clone.claim().await, Err(Error::Closed)));
    assert!(clone.servers().await.is_err());
    assert!(!rig.dir.path().join("aweigh.db-wal").exists(), "all of it is in the one file");
}

#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    let rig = Rig::new().await;
    rig.running("production").await;
    for file in ["aweigh.db", "aweigh.db-wal", "aweigh.db-shm", "master.key"] {
        let mode = fs::metadata(rig.dir.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_damaged_database_is_named() {
    let rig = Rig::new().await;
    for environment in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let running = rig.running(environment).await;
        rig.store.record(running.0, running.1, vec![said("fetch", &"x y z".repeat(9000))]).await.unwrap();
    }
    rig.store.close().await.unwrap();
    let whole = fs::read(rig.database()).unwrap();

    let check = async |bytes: &[u8]| {
        fs::write(rig.database(), bytes).unwrap();
        let error = Store::open(rig.dir.path(), key(rig.dir.path())).await.unwrap_err();
        let Error::Corrupt { path, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*path, rig.database());
        assert!(error.hint().unwrap().contains("backup"));
    };
    check(b"this is no database, but a text that is long enough to be looked at").await;
    let mut torn = whole.clone();
    for byte in &mut torn[4096..40_960] {
        *byte = 0xaa;
    }
    check(&torn).await;
    check(&whole[..whole.len() / 2]).await;

    fs::write(rig.database(), &whole).unwrap();
    open(rig.dir.path()).await;
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let rig = Rig::new().await;
    let newest = rig.number("SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'schema'").await;
    rig.raw().await.execute_unprepared("UPDATE meta SET value = '99' WHERE key = 'schema'").await.unwrap();
    rig.store.close().await.unwrap();
    let error = Store::open(rig.dir.path(), key(rig.dir.path())).await.unwrap_err();
    let Error::NewerSchema { found, known } = error else { panic!("{error:?}") };
    assert_eq!((found, known), (99, newest));
}

#[tokio::test]
async fn only_the_right_master_key_opens() {
    let rig = Rig::new().await;
    rig.store.close().await.unwrap();
    let dir = rig.dir.path();
    let right = fs::read_to_string(dir.join("master.key")).unwrap();
    assert!(Store::open(dir, MasterKey::load(dir, Some(right.clone().into())).unwrap()).await.is_ok());

    let wrong = MasterKey::load(dir, Some(SecretString::from("ab".repeat(32)))).unwrap();
    let error = Store::open(dir, wrong).await.unwrap_err();
    assert!(matches!(error, Error::WrongMasterKey), "{error:?}");

    let file = dir.join("master.key");
    fs::remove_file(&file).unwrap();
    let error = MasterKey::load(dir, None).unwrap_err();
    assert!(matches!(&error, Error::MissingMasterKey { path } if *path == file), "{error:?}");
    assert!(!file.exists(), "no new key beside an old database");

    fs::write(&file, "too short").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let error = MasterKey::load(dir, None).unwrap_err();
    assert!(matches!(error, Error::OpenMasterKey { mode: 0o640, .. }), "{error:?}");

    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let error = MasterKey::load(dir, None).unwrap_err();
    assert!(matches!(error, Error::MalformedMasterKey { .. }), "{error:?}");
    assert!(!error.to_string().contains("too short"), "a key is never shown, not even a bad one");

    fs::write(&file, right).unwrap();
    open(dir).await;
}
