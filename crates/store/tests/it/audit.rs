//! The audit log: numbered, found again, and never changed.

use sea_orm::ConnectionTrait;
use store::{AuditFilter, AuditRecord, Change, Deed};

use crate::rig::{Rig, name, project};

fn deed(who: &str, object: &str) -> Deed {
    Deed { who: who.to_owned(), what: "server.check", object: object.to_owned(), detail: String::new() }
}

fn told(record: &AuditRecord) -> (i64, &str, &str, &str) {
    (record.id, record.who.as_str(), record.what.as_str(), record.object.as_str())
}

#[tokio::test]
async fn deeds_are_numbered_and_found_by_person_and_thing() {
    let rig = Rig::new().await;
    let store = &rig.store;
    store.note(vec![deed("ada", "server:web-1"), deed("li", "server:web-1")]).await.unwrap();
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

#[tokio::test]
async fn the_database_itself_refuses_to_change_what_was_recorded() {
    let rig = Rig::new().await;
    rig.store.note(vec![deed("ada", "server:web-1")]).await.unwrap();
    let db = rig.raw().await;
    for statement in ["UPDATE audit SET who = 'li'", "DELETE FROM audit"] {
        let error = db.execute_unprepared(statement).await.unwrap_err();
        assert!(error.to_string().contains("the audit log is never changed"), "{error}");
    }
    let all = rig.store.audit(&AuditFilter::default(), 10).await.unwrap();
    assert_eq!(all.iter().map(told).collect::<Vec<_>>(), [(1, "ada", "server.check", "server:web-1")]);
}
