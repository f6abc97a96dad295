//! Facts and chat: what is read after a number, and what people say in between.

use actions::{Error, LogFilter, Topic};
use model::{Fact, Status};

use crate::fakes::{Rig, admin};
use crate::releases::forward;

#[tokio::test]
async fn a_viewer_reads_on_after_the_last_number() {
    let rig = Rig::new().await.with_shop().await;
    let release = rig.actions.request(&admin(), forward("main"), None).await.unwrap();
    let topic: Topic = format!("release:{}", release.id).parse().unwrap();
    let ask = async |after| rig.actions.events(&admin(), &topic, after, &LogFilter::All).await.unwrap();
    let first = ask(0).await;
    assert_eq!((first.events.len(), first.seq), (1, 1), "the fact that it is queued");
    let empty = ask(1).await;
    assert_eq!((empty.events.len(), empty.seq), (0, 1));
    assert_eq!(ask(99).await.seq, 1, "beyond the end");
    let mut news = rig.actions.news(&topic);
    rig.end_next(Status::Failed).await;
    assert!(news.has_changed().unwrap());
    news.mark_unchanged();
    let numbers: Vec<u64> = ask(1).await.events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, [2, 3], "running, failed");
    let unknown = "release:2".parse().unwrap();
    let answer = rig.actions.events(&admin(), &unknown, 0, &LogFilter::All).await;
    assert!(matches!(answer, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn the_project_and_the_board_hear_how_releases_stand() {
    let rig = Rig::new().await.with_shop().await;
    let release = rig.actions.request(&admin(), forward("main"), None).await.unwrap();
    rig.end_next(Status::Failed).await;
    for topic in ["project:shop", "board"] {
        let topic = topic.parse().unwrap();
        let batch = rig.actions.events(&admin(), &topic, 0, &LogFilter::All).await.unwrap();
        let told: Vec<_> = batch
            .events
            .iter()
            .map(|event| match &event.fact {
                Fact::Release { status, release: Some(line), .. } => (event.seq, line.id, *status),
                other => panic!("{other:?}"),
            })
            .collect();
        let id = release.id;
        let expected = [(1, id, Status::Queued), (2, id, Status::Running), (3, id, Status::Failed)];
        assert_eq!(told, expected, "{topic}");
    }
    let nowhere = "project:nowhere".parse().unwrap();
    let answer = rig.actions.events(&admin(), &nowhere, 0, &LogFilter::All).await;
    assert!(matches!(answer, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn what_is_said_is_a_fact_between_the_others() {
    let rig = Rig::new().await.with_shop().await;
    let release = rig.actions.request(&admin(), forward("main"), None).await.unwrap();
    let here: Topic = format!("release:{}", release.id).parse().unwrap();
    let say = async |topic: &Topic, text: &str, node: Option<&str>, key: Option<&str>| {
        let (node, key) = (node.map(str::to_owned), key.map(str::to_owned));
        rig.actions.say(&admin(), topic.clone(), text, node, key).await
    };
    let first = say(&here, "  looks good\n", Some("fetch"), Some("k1")).await.unwrap();
    let expected = Fact::Chat { user: "admin".into(), text: "looks good".into(), node: Some("fetch".into()) };
    assert_eq!((first.seq, &first.fact), (2, &expected));
    assert_eq!(say(&here, "looks good", Some("fetch"), Some("k1")).await.unwrap(), first, "said once");
    rig.end_next(Status::Failed).await;
    assert_eq!(say(&here, "what now?", None, None).await.unwrap().seq, 5, "people talk on after the end");

    for (text, node) in [("", None), ("  \n", None), ("a\u{1b}[31m", None), ("x", Some("nowhere/upload"))] {
        let refused = say(&here, text, node, None).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{text:?}: {refused:?}");
    }
    let long = "界".repeat(4001);
    assert!(matches!(say(&here, &long, None, None).await, Err(Error::Invalid(_))));
    assert!(matches!(say(&"release:9".parse().unwrap(), "x", None, None).await, Err(Error::NotFound { .. })));
    assert!(matches!(say(&"board".parse().unwrap(), "x", None, None).await, Err(Error::NotFound { .. })));

    let shop: Topic = "project:shop".parse().unwrap();
    for text in ["one", "two", "three"] {
        say(&shop, text, None, None).await.unwrap();
    }
    let texts = async |before, limit| {
        let (said, next) = rig.actions.chat(&admin(), &shop, before, limit).await.unwrap();
        let text = |fact: &Fact| match fact {
            Fact::Chat { text, .. } => text.clone(),
            other => panic!("{other:?}"),
        };
        (said.iter().map(|event| text(&event.fact)).collect::<Vec<_>>(), next)
    };
    let (last, next) = texts(u64::MAX, 2).await;
    assert_eq!(last, ["two", "three"]);
    assert_eq!(texts(next.unwrap(), 2).await, (vec!["one".to_owned()], None));
}
