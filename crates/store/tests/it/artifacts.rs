//! Artifacts: found by what they were made from, and by their hash.

use model::{Name, Plan};
use store::{ArtifactRecord, NewRelease, Store};

use crate::rig::{Rig, commit, made_by_ann, name, release};

fn artifact(hash: &str, digit: char, build: &str) -> ArtifactRecord {
    ArtifactRecord {
        hash: hash.into(),
        project: name("shop"),
        commit: commit(digit),
        build: build.into(),
        files: 3,
        bytes: 5_000_000_000,
        created_at: jiff::Timestamp::default(),
    }
}

#[tokio::test]
async fn the_newest_of_what_was_asked_for_is_found() {
    let rig = Rig::new().await;
    let store: &Store = &rig.store;
    for made in [artifact("h1", 'a', "b1"), artifact("h2", 'b', "b1"), artifact("h3", 'a', "b2")] {
        store.put_artifact(&made).await.unwrap();
    }
    let find = async |digit, build: &str| {
        let found = store.find_artifact(&name("shop"), &commit(digit), build).await.unwrap();
        found.map(|artifact| artifact.hash)
    };
    let latest = async |project: Name| {
        let found = store.latest_artifact(&project).await.unwrap();
        found.map(|artifact| artifact.hash)
    };
    assert_eq!(find('a', "b1").await.as_deref(), Some("h1"));
    assert_eq!(find('a', "b2").await.as_deref(), Some("h3"));
    assert_eq!(find('b', "b2").await, None);
    assert_eq!(latest(name("shop")).await.as_deref(), Some("h3"));
    assert_eq!(latest(name("blog")).await, None);

    // The same tree from another commit, and another tree from the same commit.
    store.put_artifact(&artifact("h1", 'c', "b1")).await.unwrap();
    store.put_artifact(&artifact("h4", 'a', "b1")).await.unwrap();
    assert_eq!(find('c', "b1").await.as_deref(), Some("h1"));
    assert_eq!(find('a', "b1").await.as_deref(), Some("h4"));
    let first = store.artifact("h1").await.unwrap().unwrap();
    assert_eq!((first.bytes, first.commit), (5_000_000_000, commit('c')));
    assert_eq!(store.artifacts(&name("shop")).await.unwrap().len(), 5);
    assert_eq!(store.artifact("h9").await.unwrap(), None);
}

#[tokio::test]
async fn what_a_waiting_release_brings_is_needed() {
    let rig = Rig::new().await;
    let store = &rig.store;
    store.put_artifact(&artifact("kept", 'a', "b1")).await.unwrap();
    let needed = async || store.needed_artifacts(&name("shop"), &[(name("production"), 2)]).await.unwrap();
    assert!(needed().await.is_empty());
    let plan_of_a_ref = release("shop", "production", 'a').plan;
    let plan = Box::new(move |id, at| Plan { artifact: Some("kept".into()), ..plan_of_a_ref(id, at) });
    let waits = NewRelease { plan, ..release("shop", "production", 'a') };
    store.create(waits, made_by_ann()).await.unwrap();
    assert_eq!(needed().await, ["kept"]);
}
