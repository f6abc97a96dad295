//! Asking for releases and rollbacks, and stopping them.

use std::sync::atomic::Ordering;

use actions::{Back, Error, Others, RepositorySays, Request, Wanted, Wrong};
use model::{Kind, ReleaseId, Settings, Status};
use store::Entry;

use crate::fakes::{Rig, admin, commit};

pub(crate) fn forward(git_ref: &str) -> Request {
    Request {
        project: "shop".parse().unwrap(),
        environment: "live".parse().unwrap(),
        wanted: Wanted::Ref(git_ref.to_owned()),
        servers: None,
        note: String::new(),
        others: Others::Refuse,
    }
}

fn back(back: Back) -> Request {
    Request { wanted: Wanted::Back(back), ..forward("") }
}

#[tokio::test]
async fn a_release_is_planned_for_what_the_ref_is_now() {
    let rig = Rig::new().await.with_shop().await;
    let release = rig.actions.request(&admin(), forward("main"), None).await.unwrap();
    assert_eq!((release.id, release.status, release.commit), (ReleaseId(1), Status::Queued, commit('a')));
    assert_eq!((release.by.as_str(), release.servers.len()), ("admin", 2));
    let plan = rig.store.plan(release.id).await.unwrap().unwrap();
    assert_eq!((plan.branch.as_deref(), plan.release), (Some("main"), release.id));
}

#[tokio::test]
async fn what_cannot_be_resolved_makes_no_release() {
    let rig = Rig::new().await.with_shop().await;
    let ask = async |request| rig.actions.request(&admin(), request, None).await;
    assert!(matches!(ask(forward("nope")).await, Err(Error::UnknownRef { .. })));
    assert!(matches!(ask(back(Back::Previous)).await, Err(Error::NothingToRollBack(_))));
    assert!(matches!(ask(back(Back::Release(ReleaseId(7)))).await, Err(Error::NotFound { .. })));
    let nowhere = Request { servers: Some("web-9".parse().unwrap()), ..forward("main") };
    assert!(matches!(ask(nowhere).await, Err(Error::Invalid(_))));
    let unknown = Request { environment: "staging".parse().unwrap(), ..forward("main") };
    assert!(matches!(ask(unknown).await, Err(Error::NotFound { .. })));
    rig.repository.away.store(true, Ordering::Relaxed);
    assert!(matches!(ask(forward("main")).await, Err(Error::Repository { .. })));
    let page = rig.actions.releases(&admin(), None, None, None, 10).await.unwrap();
    assert!(page.items.is_empty());
}

#[tokio::test]
async fn one_release_at_a_time_unless_queued() {
    let rig = Rig::new().await.with_shop().await;
    let queued = |git_ref| Request { others: Others::Queue, ..forward(git_ref) };
    let ask = async |request, key: Option<&str>| {
        rig.actions.request(&admin(), request, key.map(str::to_owned)).await
    };
    let first = ask(forward("main"), Some("key")).await.unwrap();
    assert_eq!(ask(forward("main"), Some("key")).await.unwrap().id, first.id, "the same request");
    assert!(matches!(ask(forward("next"), Some("key")).await, Err(Error::Invalid(_))), "the key of another");
    assert!(matches!(ask(forward("main"), None).await, Err(Error::Duplicate { id }) if id == first.id));
    assert!(matches!(ask(forward("next"), None).await, Err(Error::Busy { id, .. }) if id == first.id));
    let second = ask(queued("next"), None).await.unwrap();
    let third = ask(queued("v3"), None).await.unwrap();
    assert_eq!((second.position, third.position), (Some(2), Some(3)));
    for expected in [first.id, second.id, third.id] {
        assert_eq!(rig.end_next(Status::Succeeded).await, expected);
    }
}

#[tokio::test]
async fn rollbacks_go_back_step_by_step_even_without_the_git_host() {
    let rig = Rig::new().await.with_shop().await;
    for git_ref in ["main", "next", "v3"] {
        rig.actions.request(&admin(), forward(git_ref), None).await.unwrap();
        rig.end_next(Status::Succeeded).await;
    }
    rig.repository.away.store(true, Ordering::Relaxed);
    for (origin, digit) in [(2, 'b'), (1, 'a')] {
        let release = rig.actions.request(&admin(), back(Back::Previous), None).await.unwrap();
        assert_eq!((release.kind, release.rollback_to), (Kind::Rollback, Some(ReleaseId(origin))));
        assert_eq!(release.commit, commit(digit));
        let plan = rig.store.plan(release.id).await.unwrap().unwrap();
        assert_eq!(plan.origin.unwrap().artifact, Some(format!("artifact-{origin}")));
        rig.end_next(Status::Succeeded).await;
    }
    let none = rig.actions.request(&admin(), back(Back::Previous), None).await;
    assert!(matches!(none, Err(Error::NothingToRollBack(_))));
    let named = rig.actions.request(&admin(), back(Back::Release(ReleaseId(4))), None).await.unwrap();
    assert_eq!(named.rollback_to, Some(ReleaseId(2)), "a rollback means what it brought back");
}

#[tokio::test]
async fn only_a_good_release_comes_back() {
    let rig = Rig::new().await.with_shop().await;
    rig.actions.request(&admin(), forward("main"), None).await.unwrap();
    let failed = rig.end_next(Status::Failed).await;
    let answer = rig.actions.request(&admin(), back(Back::Release(failed)), None).await;
    assert!(matches!(answer, Err(Error::NothingToRollBack(why)) if why.contains("failed")));
}

#[tokio::test]
async fn cancel_and_resume_know_where_a_release_stands() {
    let rig = Rig::new().await.with_shop().await;
    let actions = &rig.actions;
    assert!(matches!(actions.cancel(&admin(), ReleaseId(1)).await, Err(Error::NotFound { .. })));
    let id = actions.request(&admin(), forward("main"), None).await.unwrap().id;
    assert!(matches!(actions.resume(&admin(), id).await, Err(Error::NotNow { .. })));
    assert_eq!(actions.cancel(&admin(), id).await.unwrap().status, Status::Cancelled);
    assert!(matches!(actions.cancel(&admin(), id).await, Err(Error::Finished { .. })));
    assert!(matches!(actions.resume(&admin(), id).await, Err(Error::Finished { .. })));
    let id = actions.request(&admin(), forward("main"), None).await.unwrap().id;
    let claimed = rig.store.claim().await.unwrap().unwrap();
    let stopping = actions.cancel(&admin(), id).await.unwrap();
    assert_eq!((stopping.status, stopping.stopping), (Status::Running, true));
    let held = vec![Entry::Release { status: Status::Interrupted, reason: None }];
    rig.store.record(id, claimed.epoch, held).await.unwrap();
    assert_eq!(actions.resume(&admin(), id).await.unwrap().status, Status::Running);
}

#[tokio::test]
async fn the_file_of_the_commit_lies_under_what_is_stored() {
    let rig = Rig::reading(|text, environment| {
        assert_eq!(environment.as_str(), "live");
        let keep = text.parse().map_err(|_| vec![Wrong::new("keep", "must be a number")])?;
        Ok(RepositorySays {
            settings: Settings { keep: Some(keep), ..Settings::default() },
            ..RepositorySays::default()
        })
    })
    .await
    .with_shop()
    .await;
    let says = |text: &str| *rig.repository.file.lock().unwrap() = Some(text.to_owned());
    says("nine");
    let wrong = rig.actions.request(&admin(), forward("main"), None).await;
    assert!(
        matches!(wrong, Err(Error::Invalid(wrong)) if wrong[0].message.contains("aweigh.toml is wrong: keep must be"))
    );
    says("9");
    let plan = rig.actions.preview(&admin(), &forward("main")).await.unwrap();
    assert_eq!(plan.environment.keep, 9);
    assert!(rig.store.release(ReleaseId(1)).await.unwrap().is_none(), "a preview stores nothing");
    rig.actions.request(&admin(), forward("main"), None).await.unwrap();
    rig.end_next(Status::Succeeded).await;
    rig.actions.request(&admin(), forward("next"), None).await.unwrap();
    rig.end_next(Status::Succeeded).await;
    says("not understood any more");
    let rollback = rig.actions.request(&admin(), back(Back::Previous), None).await.unwrap();
    assert_eq!(rig.store.plan(rollback.id).await.unwrap().unwrap().environment.keep, 9, "as it was then");
}

#[tokio::test]
async fn the_board_shows_every_environment() {
    let rig = Rig::new().await.with_shop().await;
    rig.actions.request(&admin(), forward("main"), None).await.unwrap();
    rig.end_next(Status::Succeeded).await;
    let queued = Request { others: Others::Queue, ..forward("next") };
    rig.actions.request(&admin(), queued, None).await.unwrap();
    let rows = rig.actions.board(&admin()).await.unwrap();
    let id = |release: &Option<model::Release>| release.as_ref().map(|release| release.id.0);
    assert_eq!(rows.len(), 1);
    assert_eq!((id(&rows[0].live), id(&rows[0].latest), id(&rows[0].active)), (Some(1), Some(2), None));
    assert_eq!((rows[0].queued, rows[0].servers.len()), (1, 2));
}
