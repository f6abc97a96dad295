//! Recordings of shells: numbered, ended once, and never forgotten with what they showed.

use std::time::Duration;

use store::{NewRecording, RecordingEnd};

use crate::rig::Rig;

fn new(server: &str, command: Option<&str>) -> NewRecording {
    NewRecording {
        account: "ada".into(),
        server: server.parse().unwrap(),
        command: command.map(str::to_owned),
        is_terminal: command.is_none(),
    }
}

fn end(exit: u32) -> RecordingEnd {
    RecordingEnd { exit: Some(exit), reason: None, bytes: 7, truncated: false }
}

#[tokio::test]
async fn they_are_listed_from_the_newest_and_page_by_page() {
    let rig = Rig::new().await;
    for (server, command) in [("web-1", None), ("web-2", Some("uptime")), ("web-1", Some("df"))] {
        rig.store.begin_recording(new(server, command)).await.unwrap();
    }
    let ids = async |server: Option<&str>, before, limit| {
        let server = server.map(|name| name.parse().unwrap());
        let found = rig.store.recordings(server.as_ref(), before, limit).await.unwrap();
        found.iter().map(|record| record.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, i64::MAX, 10).await, [3, 2, 1]);
    assert_eq!(ids(None, i64::MAX, 2).await, [3, 2]);
    assert_eq!(ids(None, 2, 10).await, [1]);
    assert_eq!(ids(Some("web-1"), i64::MAX, 10).await, [3, 1]);
    let found = rig.store.recording(2).await.unwrap().unwrap();
    assert_eq!((&found.asked, found.ended_at), (&new("web-2", Some("uptime")), None));
    assert_eq!(rig.store.recording(4).await.unwrap(), None);
}

#[tokio::test]
async fn only_the_first_end_counts() {
    let rig = Rig::new().await;
    for _ in 0..2 {
        rig.store.begin_recording(new("web-1", None)).await.unwrap();
    }
    rig.store.end_recording(1, end(3)).await.unwrap();
    rig.store.end_recording(1, end(0)).await.unwrap();
    rig.store.end_open_recordings("Aweigh stopped").await.unwrap();
    let found = rig.store.recordings(None, i64::MAX, 10).await.unwrap();
    assert_eq!(found[1].end, end(3));
    assert_eq!((found[0].end.exit, found[0].end.reason.as_deref()), (None, Some("Aweigh stopped")));
    assert!(found.iter().all(|record| record.ended_at.is_some()));
}

#[tokio::test]
async fn what_is_removed_is_still_known() {
    let rig = Rig::new().await;
    for _ in 0..2 {
        rig.store.begin_recording(new("web-1", None)).await.unwrap();
    }
    rig.store.end_recording(1, end(0)).await.unwrap();
    assert_eq!(rig.store.old_recordings(Duration::from_hours(1)).await.unwrap(), Vec::<i64>::new());
    assert_eq!(rig.store.old_recordings(Duration::ZERO).await.unwrap(), [1], "the open one stays");
    rig.store.recording_removed(1).await.unwrap();
    assert_eq!(rig.store.old_recordings(Duration::ZERO).await.unwrap(), Vec::<i64>::new());
    assert!(rig.store.recording(1).await.unwrap().unwrap().removed_at.is_some());
}
