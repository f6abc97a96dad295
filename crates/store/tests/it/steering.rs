//! Wishes about a release are stored before anybody acts on them.

use model::{NodeFact, ReleaseId, ServerState, Status, StepStatus, Wishes, event::ServerFact};
use store::{Entry, Steered};

use crate::rig::{Rig, by_ann, name, node};

fn of(entry: Entry, state: ServerState, server: &str) -> Entry {
    let Entry::Node { fact, result } = entry else { return entry };
    let known = ServerFact { name: name(server), before: None, now: None, state: Some(state) };
    Entry::Node { fact: NodeFact { server: Some(known), ..fact }, result }
}

fn paused() -> Entry {
    Entry::Release { status: Status::Paused, reason: Some("paused by ann".into()) }
}

#[tokio::test]
async fn a_release_pauses_once_and_a_new_owner_knows_it() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let pause = async |by: &str| rig.store.request_pause(id, by, by_ann()).await.unwrap();
    assert_eq!(pause("ann").await, Steered::Stored(vec![]));
    assert_eq!(pause("bob").await, Steered::Stored(vec![]), "once is enough");
    assert!(rig.store.release(id).await.unwrap().unwrap().pausing);
    let taken = rig.store.take_over().await.unwrap().remove(0);
    assert_eq!(taken.wishes, Wishes { pause: Some("ann".into()), ..Wishes::default() });
    rig.store.record(id, taken.epoch, vec![paused()]).await.unwrap();
    assert!(!rig.store.release(id).await.unwrap().unwrap().pausing, "it does what was wished");
    assert_eq!(pause("ann").await, Steered::NotNow(Status::Paused));
    let again = rig.store.reopen(id, None).await.unwrap().unwrap();
    assert_eq!((again.wishes, again.epoch.0), (Wishes::default(), epoch.0 + 2));
    assert_eq!(rig.store.request_pause(ReleaseId(99), "ann", by_ann()).await.unwrap(), Steered::Unknown);
}

#[tokio::test]
async fn only_a_batch_that_is_held_is_promoted() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    assert_eq!(rig.store.request_promote(id, by_ann()).await.unwrap(), Steered::NotNow(Status::Running));
    rig.store.record(id, epoch, vec![paused()]).await.unwrap();
    assert!(!rig.store.is_held(id).await.unwrap(), "a person paused it");
    assert_eq!(rig.store.request_promote(id, by_ann()).await.unwrap(), Steered::NotNow(Status::Paused));

    let again = rig.store.reopen(id, None).await.unwrap().unwrap();
    let step = model::Step {
        key: "batch-2".into(),
        parent: None,
        text: "batch 2".into(),
        step: model::StepKind::Batch,
        server: None,
        batch: Some(2),
    };
    let fact = NodeFact { added: Some(step), ..NodeFact::new("batch-2", StepStatus::Paused, 0) };
    let held = Entry::Node { fact, result: Some(serde_json::json!({ "held": true })) };
    rig.store.record(id, again.epoch, vec![held, paused()]).await.unwrap();
    assert!(rig.store.is_held(id).await.unwrap());
    assert_eq!(rig.store.request_promote(id, by_ann()).await.unwrap(), Steered::Stored(vec![]));
    assert_eq!(rig.store.reopen(id, None).await.unwrap().unwrap().wishes.promoted, 2);
}

#[tokio::test]
async fn servers_are_tried_again_where_they_failed_and_until_that_was_granted() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let retry = async |servers| rig.store.request_retry(id, servers, by_ann()).await.unwrap();
    assert_eq!(retry(None).await, Steered::NotNow(Status::Running));
    let failed = of(node("web-1/upload", StepStatus::Running, 1), ServerState::Behind, "web-1");
    rig.store.record(id, epoch, vec![failed, paused()]).await.unwrap();
    assert_eq!(
        retry(Some(vec![name("web-2")])).await,
        Steered::NoServer(Some(name("web-2"))),
        "it did not fail"
    );
    assert_eq!(retry(None).await, Steered::Stored(vec![name("web-1")]));
    let again = rig.store.reopen(id, None).await.unwrap().unwrap();
    assert_eq!(again.wishes.retry, [name("web-1")]);
    let granted = Entry::Retried { server: name("web-1") };
    rig.store.record(id, again.epoch, vec![granted]).await.unwrap();
    assert_eq!(rig.store.take_over().await.unwrap()[0].wishes, Wishes::default());
}

#[tokio::test]
async fn a_server_that_is_left_out_stays_left_out() {
    let rig = Rig::new().await;
    let (id, _) = rig.running("production").await;
    let skip = async |server: &str| rig.store.request_skip(id, vec![name(server)], by_ann()).await.unwrap();
    assert_eq!(skip("web-9").await, Steered::NoServer(Some(name("web-9"))));
    assert_eq!(skip("web-2").await, Steered::Stored(vec![name("web-2")]));
    let taken = rig.store.take_over().await.unwrap().remove(0);
    assert_eq!(taken.wishes.skip, [name("web-2")]);
    rig.end((id, taken.epoch), Status::Cancelled).await;
    assert_eq!(skip("web-1").await, Steered::NotNow(Status::Cancelled));
}
