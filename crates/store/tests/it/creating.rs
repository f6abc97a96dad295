//! Creating releases: one per environment, in order, known again when asked twice.

use model::{NodeFact, Release, ReleaseId, Status, StepStatus};
use store::{Created, Entry, Error, Filter, Idempotency, Locked, NewRelease, Others, Store};

use crate::rig::{Rig, STEPS, by_ann, commit, made_by_ann, name, release, rollback};

async fn new(store: &Store, release: NewRelease) -> ReleaseId {
    match store.create(release, made_by_ann()).await.unwrap() {
        Created::New(id) => id,
        other => panic!("{other:?}"),
    }
}

fn queued(digit: char) -> NewRelease {
    NewRelease { others: Others::Queue, ..release("shop", "production", digit) }
}

#[tokio::test]
async fn a_new_release_is_queued_with_plan_steps_and_servers() {
    let rig = Rig::new().await;
    let id = new(&rig.store, release("shop", "production", 'a')).await;
    assert_eq!(id, ReleaseId(1));
    let snapshot = rig.store.snapshot(id).await.unwrap().unwrap();
    let plan = rig.store.plan(id).await.unwrap().unwrap();
    assert_eq!((snapshot.seq, snapshot.release.status), (1, Status::Queued));
    assert_eq!((snapshot.release.position, &snapshot.release.name), (Some(1), &plan.name));
    assert_eq!(snapshot.release.name.release(), Some(id));
    let keys: Vec<_> = snapshot.nodes.iter().map(|node| node.key.as_str()).collect();
    assert_eq!(keys, STEPS);
    assert_eq!(rig.store.plan(ReleaseId(2)).await.unwrap(), None);
    assert_eq!(rig.store.release(ReleaseId(2)).await.unwrap(), None);
}

#[tokio::test]
async fn of_a_hundred_at_once_one_wins() {
    let rig = Rig::new().await;
    let asked: Vec<_> = (0..100)
        .map(|n| {
            let (store, digit) = (rig.store.clone(), char::from_digit(n % 16, 16).unwrap());
            tokio::spawn(async move {
                store.create(release("shop", "production", digit), made_by_ann()).await.unwrap()
            })
        })
        .collect();
    let mut won = Vec::new();
    for asked in asked {
        match asked.await.unwrap() {
            Created::New(id) => won.push(id),
            Created::Busy { id, by } => assert_eq!((id, by.as_str()), (ReleaseId(1), "ann")),
            Created::Duplicate { id } => assert_eq!(id, ReleaseId(1)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(won, [ReleaseId(1)]);
    assert_eq!(rig.number("SELECT COUNT(*) FROM release").await, 1);
}

#[tokio::test]
async fn the_same_again_is_a_duplicate_even_in_the_queue() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let first = new(store, queued('a')).await;
    let second = new(store, queued('b')).await;
    assert_eq!(store.create(queued('a'), made_by_ann()).await.unwrap(), Created::Duplicate { id: first });
    assert_eq!(store.create(queued('b'), made_by_ann()).await.unwrap(), Created::Duplicate { id: second });
    assert_eq!(
        store.create(release("shop", "production", 'c'), made_by_ann()).await.unwrap(),
        Created::Busy { id: first, by: "ann".into() }
    );
    let servers = vec![name("web-1")];
    let fewer = new(store, NewRelease { servers, ..queued('a') }).await;
    assert!(matches!(
        store.create(release("shop", "staging", 'a'), made_by_ann()).await.unwrap(),
        Created::New(_)
    ));
    let position = async |id| store.release(id).await.unwrap().unwrap().position;
    assert_eq!(
        (position(first).await, position(second).await, position(fewer).await),
        (Some(1), Some(2), Some(3))
    );

    let claimed = store.claim().await.unwrap().unwrap();
    assert_eq!(store.create(queued('a'), made_by_ann()).await.unwrap(), Created::Duplicate { id: first });
    rig.end((claimed.id, claimed.epoch), Status::Succeeded).await;
    assert_eq!((position(first).await, position(second).await), (None, Some(1)));
    assert!(
        matches!(store.create(queued('a'), made_by_ann()).await.unwrap(), Created::New(_)),
        "it is history now"
    );
}

#[tokio::test]
async fn a_key_makes_a_request_known_again() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let keyed = |request_hash: &str, by: &str| NewRelease {
        idempotency: Some(Idempotency { key: "k".into(), request_hash: request_hash.into() }),
        by: by.into(),
        ..queued('a')
    };
    let id = new(store, keyed("h1", "ann")).await;
    assert_eq!(store.create(keyed("h1", "ann"), made_by_ann()).await.unwrap(), Created::Again(id));
    assert_eq!(store.create(keyed("h2", "ann"), made_by_ann()).await.unwrap(), Created::KeyReused);
    assert_eq!(store.create(keyed("h1", "bob"), made_by_ann()).await.unwrap(), Created::Duplicate { id });
    rig.store.request_stop(id, "ann", by_ann()).await.unwrap();
    assert_eq!(
        store.create(keyed("h1", "ann"), made_by_ann()).await.unwrap(),
        Created::Again(id),
        "also once it has ended"
    );
    assert!(matches!(store.create(keyed("h1", "bob"), made_by_ann()).await.unwrap(), Created::New(_)));
}

#[tokio::test]
async fn a_plan_that_panics_makes_no_release() {
    let rig = Rig::new().await;
    let broken = NewRelease { plan: Box::new(|_, _| panic!("no plan")), ..queued('a') };
    assert!(rig.store.create(broken, made_by_ann()).await.is_err());
    assert_eq!(
        new(&rig.store, queued('a')).await,
        ReleaseId(1),
        "nothing of it is left, not even its number"
    );
}

#[tokio::test]
async fn releases_are_listed_newest_first_in_pages() {
    let rig = Rig::new().await;
    let store = &rig.store;
    for digit in ['a', 'b', 'c'] {
        new(store, queued(digit)).await;
    }
    new(store, release("shop", "staging", 'a')).await;
    new(store, release("blog", "production", 'a')).await;
    store.request_stop(ReleaseId(2), "ann", by_ann()).await.unwrap();
    let ids = async |filter: Filter| -> Vec<i64> {
        store.releases(&filter).await.unwrap().iter().map(|release| release.id.0).collect()
    };
    let shop = || Filter { project: Some(name("shop")), ..Filter::default() };
    assert_eq!(ids(Filter::default()).await, [5, 4, 3, 2, 1]);
    assert_eq!(ids(shop()).await, [4, 3, 2, 1]);
    assert_eq!(ids(Filter { environment: Some(name("production")), ..shop() }).await, [3, 2, 1]);
    assert_eq!(ids(Filter { limit: 2, before: Some(ReleaseId(4)), ..shop() }).await, [3, 2]);
    assert_eq!(ids(Filter { status: vec![Status::Cancelled], ..Filter::default() }).await, [2]);
    for id in 1..=5 {
        let listed = store.releases(&Filter::default()).await.unwrap();
        let one = store.release(ReleaseId(id)).await.unwrap().unwrap();
        assert!(listed.contains(&one));
    }
}

#[tokio::test]
async fn good_releases_come_by_last_activation() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let finish = async |release: NewRelease, status: Status| -> Release {
        let id = new(store, release).await;
        let claimed = store.claim().await.unwrap().unwrap();
        rig.end((id, claimed.epoch), status).await;
        store.release(id).await.unwrap().unwrap()
    };
    let good = async || -> Vec<i64> {
        let good = store.good(&name("shop"), &name("production")).await.unwrap();
        assert!(good.is_sorted_by(|a, b| a.good_at >= b.good_at));
        good.iter().map(|good| good.id.0).collect()
    };
    let v1 = finish(release("shop", "production", 'a'), Status::Succeeded).await;
    finish(release("shop", "production", 'b'), Status::Succeeded).await;
    finish(release("shop", "production", 'c'), Status::RolledBack).await;
    assert_eq!(good().await, [2, 1]);
    let back = finish(rollback("production", &v1), Status::Succeeded).await;
    assert_eq!(back.rollback_to, Some(v1.id));
    assert_eq!(good().await, [4, 1, 2], "v1 is the last activated again");
    let newest = store.good(&name("shop"), &name("production")).await.unwrap().remove(0);
    assert_eq!((newest.origin, newest.commit), (Some(v1.id), commit('a')));
    let live = async |site: &str| store.live(&name("shop"), &name(site)).await.unwrap();
    assert_eq!((live("production").await, live("staging").await), (Some(back), None));
    assert!(store.ended(v1.id).await.unwrap() && !store.ended(ReleaseId(9)).await.unwrap());
}

#[tokio::test]
async fn a_newer_one_takes_the_place_of_those_that_wait() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let (running, _) = rig.running("production").await;
    let first = new(store, queued('b')).await;
    let second = new(store, queued('c')).await;
    let other = new(store, release("shop", "staging", 'c')).await;
    let newest = new(store, NewRelease { others: Others::Supersede, ..queued('d') }).await;
    let status = async |id| store.release(id).await.unwrap().unwrap().status;
    assert_eq!((status(first).await, status(second).await), (Status::Superseded, Status::Superseded));
    assert_eq!((status(running).await, status(newest).await), (Status::Running, Status::Queued));
    assert_eq!(status(other).await, Status::Queued, "another environment is not concerned");
    let told = store.snapshot(first).await.unwrap().unwrap();
    assert!(told.release.reason.unwrap().contains(&format!("release {newest} by ann")));
}

#[tokio::test]
async fn what_goes_back_at_once_ends_what_has_begun() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let good = new(store, queued('a')).await;
    let claimed = store.claim().await.unwrap().unwrap();
    rig.end((good, claimed.epoch), Status::Succeeded).await;
    let good = store.release(good).await.unwrap().unwrap();
    let (running, epoch) = rig.running("production").await;
    let waiting = new(store, queued('c')).await;
    let begun = Entry::Node { fact: NodeFact::new("web-1/upload", StepStatus::Running, 1), result: None };
    store.record(running, epoch, vec![begun]).await.unwrap();

    let back = |ends| NewRelease { others: Others::End(ends), ..rollback("production", &good) };
    assert_eq!(
        store.create(back(None), made_by_ann()).await.unwrap(),
        Created::Changed,
        "it does not know of the one that runs"
    );
    let id = new(store, back(Some(running))).await;
    let ended = store.snapshot(running).await.unwrap().unwrap();
    assert_eq!(ended.release.status, Status::Cancelled, "no server was switched");
    assert!(ended.nodes.iter().all(|node| node.status.is_settled()));
    assert_eq!(store.release(waiting).await.unwrap().unwrap().status, Status::Superseded);
    let late = store.record(running, epoch, vec![Entry::LogEnd { node: "fetch".into() }]).await;
    assert!(matches!(late, Err(Error::Fenced(_))), "its owner may not say anything any more");
    assert_eq!(store.claim().await.unwrap().unwrap().id, id);
    assert_eq!(store.create(back(Some(running)), made_by_ann()).await.unwrap(), Created::Changed);
}

#[tokio::test]
async fn a_lock_refuses_all_but_its_owner_and_what_goes_back() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let good = new(store, queued('a')).await;
    let claimed = store.claim().await.unwrap().unwrap();
    rig.end((good, claimed.epoch), Status::Succeeded).await;
    let good = store.release(good).await.unwrap().unwrap();
    let (shop, production) = (name("shop"), name("production"));
    let lock = async |owner: &str| {
        store.lock_site(&shop, &production, owner, "closed", None, by_ann()).await.unwrap()
    };
    assert_eq!(lock("bob").await, Locked::Done);
    assert!(matches!(lock("cy").await, Locked::Held(held) if held.owner.as_deref() == Some("bob")));
    assert!(
        matches!(store.create(queued('b'), made_by_ann()).await.unwrap(), Created::Locked(held) if held.reason == "closed")
    );
    let own = new(store, NewRelease { by: "bob".into(), ..queued('b') }).await;
    let back = new(store, NewRelease { others: Others::Queue, ..rollback("production", &good) }).await;
    let claimed = store.claim().await.unwrap().unwrap();
    assert_eq!(claimed.id, own);
    rig.end((own, claimed.epoch), Status::Failed).await;
    assert_eq!(store.claim().await.unwrap().unwrap().id, back, "nobody locks out what goes back");
    assert!(store.unlock_site(&shop, &production, by_ann()).await.unwrap());
    assert!(!store.unlock_site(&shop, &production, by_ann()).await.unwrap());
    new(store, queued('c')).await;
}

#[tokio::test]
async fn what_waits_behind_a_lock_goes_on_once_its_time_is_over() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let waiting = new(store, queued('a')).await;
    let (shop, production) = (name("shop"), name("production"));
    let now = jiff::Timestamp::now();
    let lock = async |until| {
        let locked =
            store.lock_site(&shop, &production, "bob", "closed", Some(until), by_ann()).await.unwrap();
        assert_eq!(locked, Locked::Done);
    };
    lock(now + jiff::SignedDuration::from_hours(1)).await;
    assert_eq!(store.site_lock(&shop, &production).await.unwrap().unwrap().reason, "closed");
    assert!(
        store.claim().await.unwrap().is_none(),
        "it was asked for before the lock, and waits all the same"
    );
    assert!(matches!(store.create(queued('b'), made_by_ann()).await.unwrap(), Created::Locked(_)));
    lock(now).await;
    assert_eq!(store.site_lock(&shop, &production).await.unwrap(), None);
    assert_eq!(store.claim().await.unwrap().unwrap().id, waiting);
    new(store, queued('b')).await;
    assert!(!store.unlock_site(&shop, &production, by_ann()).await.unwrap(), "there is none any more");
}

#[tokio::test]
async fn the_steps_of_a_server_are_those_below_its_name() {
    let rig = Rig::new().await;
    let (id, _) = rig.running("production").await;
    let keys = async |server: &str| -> Vec<String> {
        let rows = rig.store.steps_of(id, &name(server)).await.unwrap();
        rows.into_iter().map(|row| row.key).collect()
    };
    assert_eq!(keys("web-1").await, ["web-1/upload"]);
    assert_eq!(keys("web").await, [""; 0], "the beginning of a name is another name");
    assert_eq!(keys("start").await, [""; 0]);
}
