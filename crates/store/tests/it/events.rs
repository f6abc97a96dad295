//! Events: pages, filters, ends, and waking up.

use model::{Fact, LogFact, ReleaseId};
use store::{Batch, Entry, LogFilter, Topic};

use crate::rig::{Rig, name, said};

async fn batch(rig: &Rig, id: ReleaseId, after: u64, logs: &LogFilter) -> Batch {
    rig.store.events(&Topic::Release(id), after, logs).await.unwrap().unwrap()
}

fn logs(batch: &Batch) -> Vec<&LogFact> {
    let log = |event: &'_ model::Event| matches!(event.fact, Fact::Log(_));
    let events = batch.events.iter().filter(|event| log(event));
    events
        .map(|event| match &event.fact {
            Fact::Log(log) => log,
            _ => unreachable!(),
        })
        .collect()
}

#[tokio::test]
async fn a_batch_has_at_most_a_thousand_events() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let lines = (0..2500).map(|n| said("fetch", &format!("{n}\n"))).collect();
    assert_eq!(rig.store.record(id, epoch, lines).await.unwrap(), 2502);
    let (mut after, mut sizes) = (0, Vec::new());
    loop {
        let batch = batch(&rig, id, after, &LogFilter::None).await;
        if batch.events.is_empty() {
            assert_eq!(batch.seq, after);
            break;
        }
        let numbers: Vec<u64> = batch.events.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (after + 1..=batch.seq).collect::<Vec<_>>());
        sizes.push(batch.events.len());
        after = batch.seq;
    }
    assert_eq!(sizes, [1000, 1000, 502]);
}

#[tokio::test]
async fn a_batch_has_at_most_so_many_bytes_and_one_event_at_least() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let text = "0123456789abcdef".repeat(64 * 1024 / 16);
    let small = "0123456789abcdef".repeat(1024);
    rig.store.record(id, epoch, (0..9).map(|_| said("build", &small)).collect()).await.unwrap();
    let first = batch(&rig, id, 2, &LogFilter::All).await;
    assert_eq!(
        (first.events.len(), first.seq),
        (3, 5),
        "the fourth text of 16 KiB does not fit beside its fact"
    );
    let lines = (0..10).map(|_| said("fetch", &text)).collect();
    rig.store.record(id, epoch, lines).await.unwrap();
    let (mut after, mut joined) = (11, String::new());
    while after < 21 {
        let batch = batch(&rig, id, after, &LogFilter::All).await;
        let texts: Vec<&str> = logs(&batch).into_iter().filter_map(|log| log.text.as_deref()).collect();
        assert_eq!(texts.len(), 1, "more than the most, but one all the same");
        joined += &texts.concat();
        after = batch.seq;
    }
    assert!(joined == text.repeat(10));
    let quiet = batch(&rig, id, 0, &LogFilter::None).await;
    assert_eq!(quiet.seq, 21, "without the text all of it fits");
}

#[tokio::test]
async fn a_filter_leaves_out_text_and_never_a_number() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let dropped = Entry::Dropped { node: "build".into(), bytes: 77 };
    let entries = vec![said("fetch", "über"), said("build", "b1"), dropped, said("build", "b2")];
    rig.store.record(id, epoch, entries).await.unwrap();
    let check = async |filter: LogFilter, expected: [Option<&str>; 4]| {
        let batch = batch(&rig, id, 2, &filter).await;
        let logs = logs(&batch);
        assert_eq!(logs.iter().map(|log| log.text.as_deref()).collect::<Vec<_>>(), expected);
        assert_eq!(logs.iter().map(|log| log.bytes).collect::<Vec<_>>(), [5, 2, 0, 2]);
        assert_eq!(logs.iter().map(|log| log.offset).collect::<Vec<_>>(), [0, 0, 2, 2]);
        assert_eq!(logs[2].dropped, Some(77));
        assert_eq!(batch.seq, 6);
    };
    check(LogFilter::All, [Some("über"), Some("b1"), None, Some("b2")]).await;
    check(LogFilter::None, [None; 4]).await;
    check(LogFilter::Nodes(vec!["build".into()]), [None, Some("b1"), None, Some("b2")]).await;
}

#[tokio::test]
async fn beyond_the_end_there_is_nothing_and_the_end_is_told() {
    let rig = Rig::new().await;
    let (id, _) = rig.running("production").await;
    for after in [2, 3, 1_000_000, u64::MAX] {
        let batch = batch(&rig, id, after, &LogFilter::All).await;
        assert_eq!((batch.seq, batch.events.len(), batch.stream.as_str()), (2, 0, rig.store.stream()));
    }
    for unknown in [Topic::Release(ReleaseId(99)), Topic::Project(name("nowhere"))] {
        assert_eq!(rig.store.events(&unknown, 0, &LogFilter::All).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_watcher_that_wakes_finds_what_it_was_woken_for() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let mut watch = rig.store.watch(&Topic::Release(id));
    let recording = {
        let store = rig.store.clone();
        tokio::spawn(async move { store.record(id, epoch, vec![said("fetch", "hello")]).await })
    };
    watch.changed().await.unwrap();
    let seq = *watch.borrow_and_update();
    assert_eq!(batch(&rig, id, 2, &LogFilter::All).await.seq, seq);
    recording.await.unwrap().unwrap();
}
