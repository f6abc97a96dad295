//! Facts by polling and by long polling.

use std::time::Duration;

use actions::{Error, LogFilter, Topic};
use model::Status;
use tokio_util::sync::CancellationToken;

use crate::fakes::{Rig, admin};
use crate::releases::forward;

#[tokio::test]
async fn a_viewer_waits_for_the_next_fact() {
    let rig = Rig::new().await.with_shop().await;
    let release = rig.actions.request(&admin(), forward("main"), None).await.unwrap();
    let topic: Topic = format!("release:{}", release.id).parse().unwrap();
    let never = CancellationToken::new();
    let ask = |after, wait| {
        let (actions, topic, never) = (rig.actions.clone(), topic.clone(), never.clone());
        async move { actions.events(&admin(), &topic, after, &LogFilter::All, wait, &never).await.unwrap() }
    };
    let first = ask(0, Duration::ZERO).await;
    assert_eq!((first.events.len(), first.seq), (1, 1), "the fact that it is queued");
    assert_eq!(ask(0, Duration::from_secs(30)).await, first, "what is there is answered at once");
    let empty = ask(1, Duration::ZERO).await;
    assert_eq!((empty.events.len(), empty.seq), (0, 1));
    assert_eq!(ask(99, Duration::from_secs(30)).await.seq, 1, "beyond the end is answered at once");
    let waiting = tokio::spawn(ask(1, Duration::from_secs(30)));
    rig.end_next(Status::Failed).await;
    let woken = waiting.await.unwrap();
    assert_eq!(woken.events.first().map(|event| event.seq), Some(2));
    assert_eq!(ask(0, Duration::ZERO).await.seq, 3, "queued, running, failed");
}

#[tokio::test]
async fn a_stop_ends_the_wait() {
    let rig = Rig::new().await.with_shop().await;
    rig.actions.request(&admin(), forward("main"), None).await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let topic = "release:1".parse().unwrap();
    let wait = Duration::from_secs(30);
    let batch = rig.actions.events(&admin(), &topic, 1, &LogFilter::All, wait, &stop).await.unwrap();
    assert!(batch.events.is_empty());
    for unknown in ["release:2", "board", "project:shop"] {
        let topic = unknown.parse().unwrap();
        let answer = rig.actions.events(&admin(), &topic, 0, &LogFilter::All, wait, &stop).await;
        assert!(matches!(answer, Err(Error::NotFound { .. })), "{unknown}");
    }
}
