//! Drift that was seen: when it is noted, and what may be accepted.

use jiff::Timestamp;
use model::{Name, Status};
use store::{Change, DriftLook, DriftRecord};

use crate::rig::{Rig, by_ann, name, project, site};

fn look(differ: &[(&str, &str)], away: &[&str], since: Timestamp) -> DriftLook {
    DriftLook {
        project: name("shop"),
        environment: name("production"),
        since,
        differ: differ.iter().map(|(server, runs)| (name(server), (*runs).to_owned())).collect(),
        away: away.iter().map(|server| name(server)).collect(),
    }
}

fn servers(records: &[DriftRecord]) -> Vec<&str> {
    records.iter().map(|record| record.server.as_str()).collect()
}

#[tokio::test]
async fn what_differs_while_a_release_works_is_no_drift() {
    let rig = Rig::new().await;
    let begun = Timestamp::now();
    let running = rig.running("production").await;
    let differ = [("web-1", "runs release 7")];
    assert_eq!(rig.store.note_drift(look(&differ, &[], Timestamp::now())).await.unwrap(), []);
    rig.end(running, Status::Succeeded).await;
    // It began before that release ended: what it saw is history.
    assert_eq!(rig.store.note_drift(look(&differ, &[], begun)).await.unwrap(), []);
    let later = rig.store.note_drift(look(&differ, &[], Timestamp::now())).await.unwrap();
    assert_eq!(servers(&later), ["web-1"]);
}

#[tokio::test]
async fn only_what_is_known_is_accepted_and_goes_with_its_environment() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let (shop, production): (Name, Name) = (name("shop"), name("production"));
    store.change(vec![Change::PutProject { project: project("shop"), managed: false }], "li").await.unwrap();
    store
        .change(
            vec![Change::PutSite {
                project: shop.clone(),
                site: site("production", "/srv/shop"),
                managed: false,
            }],
            "li",
        )
        .await
        .unwrap();
    let seen = store
        .note_drift(look(&[("web-1", "runs a"), ("web-2", "runs b")], &[], Timestamp::now()))
        .await
        .unwrap();
    // Meanwhile somebody looked again, and web-1 runs something else.
    store.note_drift(look(&[("web-1", "runs c"), ("web-2", "runs b")], &[], Timestamp::now())).await.unwrap();
    let accept = async |seen| store.accept_drift(&shop, &production, seen, "li", by_ann()).await.unwrap();
    let accepted = async || {
        let known = store.drift(&shop, &production).await.unwrap();
        known.into_iter().map(|record| (record.server.to_string(), record.accepted_by)).collect::<Vec<_>>()
    };
    let of = |web_2: Option<&str>| vec![("web-1".into(), None), ("web-2".into(), web_2.map(str::to_owned))];
    assert!(!accept(seen.clone()).await);
    assert_eq!(accepted().await, of(None), "all of them or none");
    let deeds = rig.deeds().await.len();
    assert!(accept(vec![seen[1].clone()]).await);
    assert_eq!(accepted().await, of(Some("li")));
    assert_eq!(rig.deeds().await.len(), deeds + 1, "only what was done is recorded");
    // Of who is away stays what was known; who is right again is forgotten.
    let known = store.note_drift(look(&[], &["web-2"], Timestamp::now())).await.unwrap();
    assert_eq!(servers(&known), ["web-2"]);
    store.lock_site(&shop, &production, "bob", "closed", None, by_ann()).await.unwrap();
    store
        .change(vec![Change::DeleteSite { project: shop.clone(), site: production.clone() }], "li")
        .await
        .unwrap();
    assert_eq!(store.drift(&shop, &production).await.unwrap(), []);
    assert_eq!(store.site_lock(&shop, &production).await.unwrap(), None);
}
