//! Claims: first in, first out per environment; a new owner shuts out the old one.

use model::{Epoch, ReleaseId, Status, StepStatus, Wishes};
use sea_orm::ConnectionTrait;
use store::{Claimed, Created, Entry, Error, NewRelease, Others, Stop, TakenOver};

use crate::rig::{Rig, by_ann, made_by_ann, node, release};

async fn queue(rig: &Rig, environment: &str, digit: char) -> ReleaseId {
    let queued = NewRelease { others: Others::Queue, ..release("shop", environment, digit) };
    match rig.store.create(queued, made_by_ann()).await.unwrap() {
        Created::New(id) => id,
        other => panic!("{other:?}"),
    }
}

async fn status(rig: &Rig, id: ReleaseId) -> Status {
    rig.store.release(id).await.unwrap().unwrap().status
}

#[tokio::test]
async fn environments_go_on_side_by_side_and_each_in_order() {
    let rig = Rig::new().await;
    for (environment, digit) in [("a", '1'), ("a", '2'), ("b", '3'), ("a", '4'), ("b", '5')] {
        queue(&rig, environment, digit).await;
    }
    let claim = async || rig.store.claim().await.unwrap();
    let claimed = |id| Some(Claimed { id: ReleaseId(id), epoch: Epoch(1), wishes: Wishes::default() });
    assert_eq!(claim().await, claimed(1));
    assert_eq!(claim().await, claimed(3), "the other environment need not wait");
    assert_eq!(claim().await, None);
    rig.end((ReleaseId(1), Epoch(1)), Status::Succeeded).await;
    assert_eq!(claim().await, claimed(2));
    assert_eq!(claim().await, None);
    let interrupted = Entry::Release { status: Status::Interrupted, reason: None };
    rig.store.record(ReleaseId(2), Epoch(1), vec![interrupted]).await.unwrap();
    rig.end((ReleaseId(3), Epoch(1)), Status::Failed).await;
    assert_eq!(claim().await, claimed(5));
    assert_eq!(claim().await, None, "an interrupted release holds its environment");
    let started = rig.store.release(ReleaseId(5)).await.unwrap().unwrap();
    assert!(started.started_at.is_some() && started.ended_at.is_none());
}

#[tokio::test]
async fn claims_at_the_same_time_get_different_releases() {
    let rig = Rig::new().await;
    for n in 0..10 {
        queue(&rig, &format!("env-{n}"), 'a').await;
    }
    let claims: Vec<_> = (0..30)
        .map(|_| {
            let store = rig.store.clone();
            tokio::spawn(async move { store.claim().await.unwrap() })
        })
        .collect();
    let mut ids = Vec::new();
    for claim in claims {
        ids.extend(claim.await.unwrap().map(|claimed| claimed.id.0));
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_database_itself_refuses_a_second_active_release() {
    let rig = Rig::new().await;
    rig.running("production").await;
    let waiting = queue(&rig, "production", 'b').await;
    let force = format!("UPDATE release SET status = 'paused' WHERE id = {waiting}");
    let refused = rig.raw().await.execute_unprepared(&force).await.unwrap_err();
    assert!(refused.to_string().contains("UNIQUE"), "{refused}");
}

#[tokio::test]
async fn a_new_owner_shuts_out_the_old_one() {
    let mut rig = Rig::new().await;
    let (id, old) = rig.running("production").await;
    let waiting = queue(&rig, "production", 'b').await;
    rig.store.record(id, old, vec![node("fetch", StepStatus::Running, 1)]).await.unwrap();
    rig.reopen().await;
    let taken = rig.store.take_over().await.unwrap();
    let wishes = Wishes::default();
    let expected = TakenOver { id, epoch: Epoch(old.0 + 1), status: Status::Running, wishes };
    assert_eq!(taken, [expected], "what waits in the queue has no owner");
    let steps = rig.store.steps(id).await.unwrap();
    let crashes: Vec<_> = steps.iter().map(|step| (step.key.as_str(), step.crashes)).collect();
    assert_eq!(crashes[..3], [("start", 0), ("fetch", 1), ("build", 0)]);

    let late = rig.store.record(id, old, vec![node("fetch", StepStatus::Ok, 1)]).await;
    assert!(matches!(late, Err(Error::Fenced(fenced)) if fenced == id));
    rig.store.record(id, taken[0].epoch, vec![node("fetch", StepStatus::Ok, 1)]).await.unwrap();
    assert_eq!(status(&rig, waiting).await, Status::Queued);
    let steps = rig.store.steps(id).await.unwrap();
    assert_eq!((steps[1].crashes, steps[1].epoch), (1, taken[0].epoch), "the count of crashes stays");
}

#[tokio::test]
async fn stopping_depends_on_where_a_release_stands() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let waiting = queue(&rig, "production", 'b').await;
    let stop = async |id| rig.store.request_stop(id, "bob", by_ann()).await.unwrap();
    assert_eq!(stop(waiting).await, Stop::Ended);
    let cancelled = rig.store.snapshot(waiting).await.unwrap().unwrap();
    assert_eq!((cancelled.release.status, cancelled.seq), (Status::Cancelled, 2));
    assert_eq!(cancelled.release.reason.as_deref(), Some("cancelled by bob"));
    assert!(cancelled.release.ended_at.is_some());
    assert_eq!(stop(waiting).await, Stop::AlreadyEnded(Status::Cancelled));

    assert_eq!(stop(id).await, Stop::Asked);
    assert_eq!(stop(id).await, Stop::Asked);
    assert!(rig.store.release(id).await.unwrap().unwrap().stopping);
    let taken = rig.store.take_over().await.unwrap();
    assert!(taken[0].wishes.stop, "a new owner knows it too");
    rig.end((id, Epoch(epoch.0 + 1)), Status::Cancelled).await;
    assert!(!rig.store.release(id).await.unwrap().unwrap().stopping);
    assert_eq!(stop(ReleaseId(99)).await, Stop::Unknown);
}

#[tokio::test]
async fn only_a_release_that_waits_is_opened_again() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    assert_eq!(rig.store.reopen(id, None).await.unwrap(), None);
    let interrupted = Entry::Release { status: Status::Interrupted, reason: Some("a hook".into()) };
    let fetching = node("fetch", StepStatus::Running, 1);
    rig.store.record(id, epoch, vec![fetching, interrupted]).await.unwrap();
    let started = rig.store.release(id).await.unwrap().unwrap().started_at;
    let taken = rig.store.take_over().await.unwrap();
    assert_eq!(taken[0].status, Status::Interrupted);
    assert_eq!(rig.store.steps(id).await.unwrap()[1].crashes, 0, "nobody was at work");
    let again = rig.store.reopen(id, None).await.unwrap().unwrap();
    assert_eq!(again, Claimed { id, epoch: Epoch(epoch.0 + 2), wishes: Wishes::default() });
    let release = rig.store.release(id).await.unwrap().unwrap();
    assert_eq!((release.status, release.reason, release.started_at), (Status::Running, None, started));
    assert_eq!(rig.store.reopen(ReleaseId(9), None).await.unwrap(), None);
}
