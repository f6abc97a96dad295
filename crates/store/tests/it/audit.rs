//! The audit log: numbered, found again, and never changed.

use std::time::Duration;

use jiff::Timestamp;
use sea_orm::ConnectionTrait;
use store::{AuditFilter, AuditRecord, Change, Deed, Filter};

use crate::rig::{Rig, by_ann, made_by_ann, name, project, release};

fn deed(who: &str, object: &str) -> Deed {
    Deed::new(who, "server.check", object, "")
}

fn told(record: &AuditRecord) -> (i64, &str, &str, &str) {
    (record.id, record.who.as_str(), record.what.as_str(), record.object.as_str())
}

#[tokio::test]
async fn deeds_are_numbered_and_found_by_person_and_thing() {
    let rig = Rig::new().await;
    let store = &rig.store;
    store.note(deed("ada", "server:web-1")).await.unwrap();
    store.note(deed("li", "server:web-1")).await.unwrap();
    store.change(vec![Change::PutProject { project: project("shop"), managed: true }], "ada").await.unwrap();
    let all = store.audit(&AuditFilter::default(), 10).await.unwrap();
    let expected = [
        (3, "ada", "project.put", "project:shop"),
        (2, "li", "server.check", "server:web-1"),
        (1, "ada", "server.check", "server:web-1"),
    ];
    assert_eq!(all.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(all[0].detail, "from a fleet file");
    let of = |who: Option<&str>, object: Option<&str>, before| AuditFilter {
        who: who.map(str::to_owned),
        object: object.map(str::to_owned),
        before,
    };
    for (filter, ids) in [
        (of(Some("ada"), None, None), vec![3, 1]),
        (of(None, Some("server:web-1"), None), vec![2, 1]),
        (of(Some("ada"), Some("server:web-1"), None), vec![1]),
        (of(None, None, Some(3)), vec![2, 1]),
        (of(Some("' OR 1 = 1"), None, None), vec![]),
    ] {
        let found = store.audit(&filter, 10).await.unwrap();
        assert_eq!(found.iter().map(|record| record.id).collect::<Vec<_>>(), ids, "{filter:?}");
    }
    assert_eq!(store.audit(&AuditFilter::default(), 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_that_is_not_made_is_not_recorded() {
    let rig = Rig::new().await;
    let both = vec![
        Change::PutProject { project: project("shop"), managed: false },
        Change::DeleteServer(name("web-9")),
    ];
    rig.store.change(both, "ada").await.unwrap_err();
    assert_eq!(rig.store.audit(&AuditFilter::default(), 10).await.unwrap(), []);
}

/// Everything that people do to what is stored, but what [`machine`](crate::machine) does in every order.
#[tokio::test]
async fn a_deed_is_recorded_with_what_it_does_and_only_then() {
    let rig = Rig::new().await;
    let (store, ada) = (&rig.store, name("ada"));
    let deed = |what| Deed::new("root", what, "user:ada", "");
    assert!(store.create_account(&ada, deed("user.create")).await.unwrap());
    assert!(!store.create_account(&ada, deed("again")).await.unwrap());
    let soon = Timestamp::now() + Duration::from_mins(1);
    store.put_setup_code(&ada, "code", soon, deed("user.setup")).await.unwrap();
    assert_eq!(store.use_setup_code("other", "hash", deed("with a wrong code")).await.unwrap(), None);
    let set = store.use_setup_code("code", "hash", deed("password.set")).await.unwrap();
    assert_eq!(set, Some(ada.clone()));
    assert!(!store.add_session("s", &ada, "old hash", "", deed("with a wrong password")).await.unwrap());
    assert!(store.add_session("s", &ada, "hash", "", deed("session.begin")).await.unwrap());
    assert!(store.remove_session("s", deed("session.end")).await.unwrap());
    assert!(!store.remove_session("s", deed("again")).await.unwrap());
    assert!(store.add_token(&ada, "ci", "t", deed("token.create")).await.unwrap());
    assert!(!store.add_token(&ada, "ci", "u", deed("again")).await.unwrap());
    assert!(store.remove_token("t", deed("token.remove")).await.unwrap());
    assert!(!store.remove_token("t", deed("again")).await.unwrap());
    assert!(store.set_password(&ada, "newer", None, deed("password.set")).await.unwrap());
    assert!(!store.set_password(&name("li"), "newer", None, deed("of nobody")).await.unwrap());
    assert!(store.remove_account(&ada, deed("user.remove")).await.unwrap());
    assert!(!store.remove_account(&ada, deed("again")).await.unwrap());
    store.begin_new_master_key(deed("master_key.rotate")).await.unwrap();
    store.begin_new_master_key(deed("while one is on its way")).await.unwrap();
    let done = [
        "user.create",
        "user.setup",
        "password.set",
        "session.begin",
        "session.end",
        "token.create",
        "token.remove",
        "password.set",
        "user.remove",
        "master_key.rotate",
    ];
    assert_eq!(rig.deeds().await, done);
}

/// Where the row cannot be written nothing is done: they are one transaction.
#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let rig = Rig::new().await;
    let db = rig.raw().await;
    let refuse = "CREATE TRIGGER no_row BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END";
    db.execute_unprepared(refuse).await.unwrap();
    let (store, shop) = (&rig.store, name("shop"));
    store.create_account(&name("ada"), by_ann()).await.unwrap_err();
    assert_eq!(store.accounts().await.unwrap().len(), 0);
    store.create(release("shop", "production", 'a'), made_by_ann()).await.unwrap_err();
    assert!(store.releases(&Filter { limit: 1, ..Filter::default() }).await.unwrap().is_empty());
    store.lock_site(&shop, &name("production"), "ann", "closed", None, by_ann()).await.unwrap_err();
    assert_eq!(store.site_lock(&shop, &name("production")).await.unwrap(), None);
    store.begin_new_master_key(by_ann()).await.unwrap_err();
    assert_eq!(store.master_key_state().await.unwrap().version, 1);
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_what_was_recorded() {
    let rig = Rig::new().await;
    rig.store.note(deed("ada", "server:web-1")).await.unwrap();
    let db = rig.raw().await;
    for statement in ["UPDATE audit SET who = 'li'", "DELETE FROM audit"] {
        let error = db.execute_unprepared(statement).await.unwrap_err();
        assert!(error.to_string().contains("the audit log is never changed"), "{error}");
    }
    let all = rig.store.audit(&AuditFilter::default(), 10).await.unwrap();
    assert_eq!(all.iter().map(told).collect::<Vec<_>>(), [(1, "ada", "server.check", "server:web-1")]);
}
