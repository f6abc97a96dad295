//! How long the past is kept.

use std::time::Duration;

use model::{Fact, ReleaseId, Status, StepStatus};
use sea_orm::ConnectionTrait;
use store::{KeepHistory, LogFilter, NewChat, RemovedHistory, Said, Topic};

use crate::rig::{Rig, made_by_ann, node, rollback, said};

const NOTHING: KeepHistory = KeepHistory { logs: None, facts: None };
const MONTH: Option<Duration> = Some(Duration::from_hours(30 * 24));

/// A release that wrote something and ended so.
async fn ended(rig: &Rig, environment: &str, status: Status) -> ReleaseId {
    let (id, epoch) = rig.running(environment).await;
    let wrote = vec![node("fetch", StepStatus::Running, 1), said("fetch", "what fetch wrote\n")];
    rig.store.record(id, epoch, wrote).await.unwrap();
    rig.store.record(id, epoch, vec![node("fetch", StepStatus::Ok, 1)]).await.unwrap();
    rig.end((id, epoch), status).await;
    id
}

/// The texts of the log facts of a release, and the number of its last fact.
async fn told(rig: &Rig, id: ReleaseId) -> (Vec<Option<String>>, usize, u64) {
    let batch = rig.store.events(&Topic::Release(id), 0, &LogFilter::All).await.unwrap().unwrap();
    let texts = batch.events.iter().filter_map(|event| match &event.fact {
        Fact::Log(log) => Some(log.text.clone()),
        _ => None,
    });
    (texts.collect(), batch.events.len(), batch.seq)
}

async fn log(rig: &Rig, id: ReleaseId) -> Option<String> {
    let mut reader = rig.store.log(id, None, 0, None).await.unwrap().unwrap();
    reader.next().await.unwrap().map(|slice| slice.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn old_logs_and_facts_go_and_what_runs_keeps_its_own() {
    let rig = Rig::new().await;
    let old = ended(&rig, "production", Status::Failed).await;
    let before = ended(&rig, "production", Status::Succeeded).await;
    let live = ended(&rig, "production", Status::Succeeded).await;
    let elsewhere = ended(&rig, "staging", Status::Succeeded).await;
    let ago = "UPDATE release SET ended_at = ended_at - 31 * 86400 * 1000000";
    rig.raw().await.execute_unprepared(ago).await.unwrap();
    let recent = ended(&rig, "staging", Status::Failed).await;
    let unended = rig.running("production").await.0;

    assert_eq!(rig.store.forget_history(NOTHING).await.unwrap(), RemovedHistory::default());
    let text = Some("what fetch wrote\n".to_owned());
    let (texts, facts, seq) = told(&rig, old).await;
    assert_eq!((texts, log(&rig, old).await), (vec![text.clone()], text.clone()));

    let logs = KeepHistory { logs: MONTH, ..NOTHING };
    assert_eq!(rig.store.forget_history(logs).await.unwrap(), RemovedHistory { logs: 2, facts: 0 });
    assert_eq!(rig.store.forget_history(logs).await.unwrap(), RemovedHistory::default(), "once is enough");
    for gone in [old, before] {
        assert_eq!(told(&rig, gone).await, (vec![None], facts, seq), "the facts are all there");
        assert_eq!((log(&rig, gone).await, rig.store.log_bytes(gone, "fetch").await.unwrap()), (None, 0));
        assert!(rig.store.log_removed(gone).await.unwrap().is_some());
    }
    for kept in [live, elsewhere, recent] {
        assert_eq!((log(&rig, kept).await, rig.store.log_removed(kept).await.unwrap()), (text.clone(), None));
    }

    let all = KeepHistory { logs: MONTH, facts: MONTH };
    assert_eq!(rig.store.forget_history(all).await.unwrap(), RemovedHistory { logs: 0, facts: 2 });
    assert_eq!(rig.store.forget_history(all).await.unwrap(), RemovedHistory::default());
    assert_eq!(told(&rig, old).await, (vec![], 0, seq), "who asks stands at the end");
    let later = rig.store.events(&Topic::Release(old), seq - 1, &LogFilter::All).await.unwrap().unwrap();
    assert_eq!((later.events.len(), later.seq), (0, seq));
    let snapshot = rig.store.snapshot(old).await.unwrap().unwrap();
    assert_eq!((snapshot.seq, snapshot.release.status, snapshot.nodes.len()), (seq, Status::Failed, 5));
    for kept in [live, elsewhere, recent] {
        assert_eq!(told(&rig, kept).await, (vec![text.clone()], facts, seq));
    }
    assert!(told(&rig, unended).await.1 > 0);
    let late =
        NewChat { topic: Topic::Release(old), user: "li".into(), text: "late".into(), node: None, key: None };
    assert_eq!(rig.store.say(late).await.unwrap(), Said::NoTopic, "nothing is said behind a hole");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_keeps_its_own_with_the_rollback_that_brought_it() {
    let rig = Rig::new().await;
    let first = ended(&rig, "production", Status::Succeeded).await;
    let second = ended(&rig, "production", Status::Succeeded).await;
    let origin = rig.store.release(first).await.unwrap().unwrap();
    rig.store.create(rollback("production", &origin), made_by_ann()).await.unwrap();
    let claimed = rig.store.claim().await.unwrap().unwrap();
    rig.end((claimed.id, claimed.epoch), Status::Succeeded).await;
    rig.raw().await.execute_unprepared("UPDATE release SET ended_at = 0").await.unwrap();
    let removed = rig.store.forget_history(KeepHistory { logs: MONTH, facts: MONTH }).await.unwrap();
    assert_eq!(removed, RemovedHistory { logs: 0, facts: 1 });
    assert!(log(&rig, first).await.is_some() && log(&rig, second).await.is_none());
}
