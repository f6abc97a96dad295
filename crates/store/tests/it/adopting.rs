//! Adopted releases: a history that is there at once, rows and facts alike, or not at all.

use jiff::Timestamp;
use model::event::ServerFact;
use model::plan::Elsewhere;
use model::{CommitId, Fact, Kind, Plan, ReleaseId, ServerState, Status, StepKind, Tree};
use store::{Adopted, AdoptedRelease, Adoption, Filter, LiveNow, LogFilter, Topic};

use crate::rig::{Rig, SERVERS, commit, name, project, server, site, step};

/// When the folder of the release at `place` was made.
fn made_at(place: i64) -> Timestamp {
    Timestamp::from_second(1_732_099_512 + place).unwrap()
}

/// A release of another tool, with the folder `folder`; on `web-2` it may be called `other`.
fn release(place: i64, folder: &str, other: Option<&str>, commit: CommitId) -> AdoptedRelease {
    let elsewhere: Elsewhere =
        other.map(|other| (name("web-2"), other.parse().unwrap())).into_iter().collect();
    let on_second = other.unwrap_or(folder);
    let server_fact = |text: &str, folder: &str| ServerFact {
        name: name(text),
        before: None,
        now: Some(format!("releases/{folder}")),
        state: Some(ServerState::Live),
    };
    let (of, production) = (project("shop"), site("production", "/srv/shop"));
    let adopt = |text: &str| model::Step { step: StepKind::Adopt, ..step(&format!("{text}/adopt")) };
    let steps = [vec![step("start")], SERVERS.map(adopt).to_vec()].concat();
    let (named, of_commit) = (folder.parse().unwrap(), commit.clone());
    let plan = move |id, _| Plan {
        release: id,
        name: named,
        kind: Kind::Adopted,
        environment: production.effective(&of),
        project: of,
        servers: SERVERS.map(|text| server(text, "deploy")).into(),
        git_ref: of_commit.to_string(),
        branch: None,
        tag: None,
        commit: of_commit,
        origin: None,
        now: false,
        artifact: None,
        by: "ann".into(),
        batches: Vec::new(),
        steps,
    };
    AdoptedRelease {
        commit,
        git_ref: folder.into(),
        reason: "adopted from Deployer".into(),
        made_at: made_at(place),
        elsewhere,
        servers: vec![server_fact("web-1", folder), server_fact("web-2", on_second)],
        plan: Box::new(plan),
    }
}

fn adoption(releases: Vec<AdoptedRelease>, live: LiveNow) -> Adoption {
    Adoption { project: name("shop"), environment: name("production"), by: "ann".into(), releases, live }
}

/// The folders of the good releases, the live one first.
async fn good(rig: &Rig) -> Vec<String> {
    let good = rig.store.good(&name("shop"), &name("production")).await.unwrap();
    good.iter().map(|one| one.name.to_string()).collect()
}

#[tokio::test]
async fn what_was_adopted_is_a_history_of_its_own() {
    let mut rig = Rig::new().await;
    let releases = vec![
        release(1, "7", None, CommitId::unknown()),
        release(2, "8", Some("1"), commit('b')),
        release(3, "9", Some("2"), commit('c')),
    ];
    let done = rig.store.adopt(adoption(releases, LiveNow::New(1))).await.unwrap();
    assert_eq!(done, Adopted::Done([1, 2, 3].map(ReleaseId).into()));
    assert_eq!(good(&rig).await, ["8", "9", "7"], "what is live, then the newest");
    rig.reopen().await;
    for (id, folder) in [(1, "7"), (2, "8"), (3, "9")] {
        let snapshot = rig.store.snapshot(ReleaseId(id)).await.unwrap().unwrap();
        let release = &snapshot.release;
        assert_eq!(
            (release.kind, release.status, release.name.as_str()),
            (Kind::Adopted, Status::Succeeded, folder)
        );
        assert_eq!(release.reason.as_deref(), Some("adopted from Deployer"));
        assert_eq!((release.created_at, release.started_at), (made_at(id), None));
        assert!(release.ended_at.is_some());
        // What viewers draw is what the facts say.
        let plan = rig.store.plan(ReleaseId(id)).await.unwrap().unwrap();
        let mut tree = Tree::new(plan.steps, plan.servers.into_iter().map(|server| server.name));
        let events =
            rig.store.events(&Topic::Release(ReleaseId(id)), 0, &LogFilter::All).await.unwrap().unwrap();
        for event in &events.events {
            tree.apply(event);
        }
        assert_eq!((&snapshot.nodes, &release.servers, snapshot.seq), (&tree.nodes, &tree.servers, tree.seq));
        assert_eq!((tree.status, tree.reason.as_deref()), (Status::Succeeded, Some("adopted from Deployer")));
    }
    let known = rig.store.good(&name("shop"), &name("production")).await.unwrap();
    let on = |text: &str| known.iter().map(|one| one.folder_on(&name(text)).as_str()).collect::<Vec<_>>();
    assert_eq!((on("web-1"), on("web-2")), (vec!["8", "9", "7"], vec!["1", "2", "7"]));
    let board = rig.store.events(&Topic::Board, 0, &LogFilter::All).await.unwrap().unwrap();
    let ended = |event: &&model::Event| matches!(event.fact, Fact::Release { status: Status::Succeeded, .. });
    assert_eq!(board.events.iter().filter(ended).count(), 3);

    // More of them, and the servers went back to one that is known.
    let more = adoption(vec![release(4, "10", None, commit('d'))], LiveNow::Known(ReleaseId(2)));
    assert_eq!(rig.store.adopt(more).await.unwrap(), Adopted::Done(vec![ReleaseId(4)]));
    assert_eq!(good(&rig).await, ["8", "10", "9", "7"]);
}

/// Folders may be named by a clock that is hours ahead. They keep the times by which servers know their order.
#[tokio::test]
async fn what_was_made_by_a_fast_clock_keeps_its_order() {
    let rig = Rig::new().await;
    let hour = |hours: i64| Timestamp::from_second(Timestamp::now().as_second() + hours * 3600).unwrap();
    let made = [hour(7), hour(8)];
    let releases = (1..).zip(["7", "8"]).zip(made).map(|((place, folder), made_at)| AdoptedRelease {
        made_at,
        ..release(place, folder, None, commit('a'))
    });
    let adoption = adoption(releases.collect(), LiveNow::New(1));
    rig.store.adopt(adoption).await.unwrap();
    let known = rig.store.good(&name("shop"), &name("production")).await.unwrap();
    assert_eq!(known.iter().rev().map(|one| one.created_at).collect::<Vec<_>>(), made);
    for release in rig.store.releases(&Filter { limit: 9, ..Filter::default() }).await.unwrap() {
        assert_eq!(Some(release.created_at), release.ended_at, "nobody is shown a time to come");
    }
}

#[tokio::test]
async fn nothing_is_adopted_beside_a_release_of_ours() {
    let rig = Rig::new().await;
    let one = || adoption(vec![release(1, "7", None, commit('a'))], LiveNow::New(0));
    let running = rig.running("production").await;
    let busy = rig.store.adopt(one()).await.unwrap();
    assert_eq!(busy, Adopted::Busy { id: running.0, by: "ann".into() });
    rig.end(running, Status::Failed).await;
    assert_eq!(
        rig.store.adopt(one()).await.unwrap(),
        Adopted::Done(vec![ReleaseId(2)]),
        "a failed one left nothing"
    );
    let good_one = rig.running("production").await;
    rig.end(good_one, Status::Succeeded).await;
    assert_eq!(rig.store.adopt(one()).await.unwrap(), Adopted::Released(good_one.0));
    assert_eq!(rig.store.releases(&Filter::default()).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_plan_that_panics_adopts_nothing() {
    let rig = Rig::new().await;
    let broken =
        AdoptedRelease { plan: Box::new(|_, _| panic!("no plan")), ..release(2, "8", None, commit('b')) };
    let both = vec![release(1, "7", None, commit('a')), broken];
    rig.store.adopt(adoption(both, LiveNow::New(1))).await.unwrap_err();
    assert!(good(&rig).await.is_empty());
    assert_eq!(rig.running("production").await.0, ReleaseId(1), "no number is lost");
}

#[tokio::test]
async fn the_numbers_of_adoptions_grow_for_ever() {
    let mut rig = Rig::new().await;
    assert_eq!(rig.store.next_adoption().await.unwrap(), 1);
    rig.reopen().await;
    assert_eq!(rig.store.next_adoption().await.unwrap(), 2);
}
