//! Recording: numbers without gaps, transitions, fences, and commits shared by many.

use model::event::ServerFact;
use model::{Epoch, Event, Fact, NodeFact, Plan, ReleaseId, ServerState, Status, StepKind, StepStatus, Tree};
use proptest::prelude::*;
use store::{Entry, Error, LogFilter, NewChat, Said, Store, Topic};
use testkit::instructions::assert_instructions;

use crate::rig::{Rig, SERVERS, STEPS, made_by_ann, name, node, release, said, step};

async fn all_events(store: &Store, id: ReleaseId) -> Vec<Event> {
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let batch = store.events(&Topic::Release(id), after, &LogFilter::All).await.unwrap().unwrap();
        if batch.events.is_empty() {
            return events;
        }
        after = batch.seq;
        events.extend(batch.events);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_recorders_leave_no_gap_and_share_commits() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let before = rig.store.commits();
    let mut seen = rig.store.watch(&Topic::Release(id));
    let recorders: Vec<_> = (0..50)
        .map(|n| {
            let store = rig.store.clone();
            tokio::spawn(async move {
                for line in 0..10 {
                    let entry = said(&format!("node-{n}"), &format!("{n}:{line}\n"));
                    store.record(id, epoch, vec![entry]).await.unwrap();
                }
            })
        })
        .collect();
    for recorder in recorders {
        recorder.await.unwrap();
    }
    let events = all_events(&rig.store, id).await;
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=502).collect::<Vec<_>>());
    let commits = rig.store.commits() - before;
    assert!(commits < 250, "500 records took {commits} commits");
    assert_eq!(*seen.borrow_and_update(), 502, "watchers hear of the last one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_chat_holds_no_release_up() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let topic = Topic::Release(id);
    let chatters: Vec<_> = (0..50)
        .map(|n| {
            let (store, topic) = (rig.store.clone(), topic.clone());
            tokio::spawn(async move {
                for line in 0..100 {
                    let (user, text) = (format!("user-{n}"), format!("{line}"));
                    let chat = NewChat { topic: topic.clone(), user, text, node: None, key: None };
                    assert!(matches!(store.say(chat).await.unwrap(), Said::New(_)));
                }
            })
        })
        .collect();
    // It waits for those who came before it, and for nobody who comes later.
    for line in 0..20 {
        rig.store.record(id, epoch, vec![said("fetch", &format!("{line}\n"))]).await.unwrap();
    }
    for chatter in chatters {
        chatter.await.unwrap();
    }
    let events = all_events(&rig.store, id).await;
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>());
    let last = events.iter().rposition(|event| matches!(event.fact, Fact::Log(_))).unwrap();
    assert!(events.len() - last > 1000, "it ended at {last} of {}", events.len());
}

#[test]
fn a_thousand_servers_begin_at_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let keys: Vec<String> = (0..1000).map(|n| format!("web-{n}/upload")).collect();
    let (rig, (id, epoch)) = runtime.block_on(async {
        let rig = Rig::new().await;
        let mut new = release("shop", "production", 'a');
        let (plan, steps) = (new.plan, keys.iter().map(|key| step(key)).collect());
        new.plan = Box::new(move |id, at| Plan { steps, ..plan(id, at) });
        rig.store.create(new, made_by_ann()).await.unwrap();
        let claimed = rig.store.claim().await.unwrap().unwrap();
        (rig, (claimed.id, claimed.epoch))
    });
    let facts: Vec<Entry> = keys.iter().map(|key| node(key, StepStatus::Running, 1)).collect();
    assert_instructions(module_path!(), "a_thousand_servers_begin_at_once", 462_000_000, || {
        runtime.block_on(rig.store.record(id, epoch, facts)).unwrap();
    });
}

#[tokio::test]
async fn a_refused_job_does_not_spoil_those_it_shares_a_commit_with() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let record = |entry| rig.store.record(id, epoch, vec![said("fetch", "kept\n"), entry]);
    // All wait for the same writer, which takes whatever waits into one transaction.
    let (first, second, third) = tokio::join!(
        record(node("fetch", StepStatus::Running, 1)),
        record(node("build", StepStatus::Ok, 1)),
        record(node("build", StepStatus::Running, 1)),
    );
    assert_eq!((first.unwrap(), third.unwrap()), (4, 6));
    assert!(matches!(second.unwrap_err(), Error::Transition { .. }));
    let events = all_events(&rig.store, id).await;
    assert_eq!(events.len(), 6, "nothing of the refused one is there");
}

#[tokio::test]
async fn only_legal_transitions_are_recorded() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let record = async |entries: Vec<Entry>| rig.store.record(id, epoch, entries).await;
    let refused = async |entry: Entry| {
        let before = rig.store.snapshot(id).await.unwrap();
        let error = record(vec![said("start", "lost\n"), entry]).await.unwrap_err();
        assert_eq!(rig.store.snapshot(id).await.unwrap(), before);
        error.to_string()
    };
    record(vec![node("fetch", StepStatus::Running, 1)]).await.unwrap();
    let reason = |text: &str| {
        let mut fact = NodeFact::new("fetch", StepStatus::Running, 1);
        fact.reason = Some(text.into());
        Entry::Node { fact, result: None }
    };
    record(vec![reason("slow"), node("fetch", StepStatus::Running, 2)]).await.unwrap();
    assert_eq!(
        refused(node("fetch", StepStatus::Failed, 1)).await,
        "step fetch of release 1 cannot go from running (try 2) to failed (try 1)"
    );
    record(vec![node("fetch", StepStatus::Ok, 2)]).await.unwrap();
    refused(node("fetch", StepStatus::Running, 3)).await;
    assert_eq!(refused(node("nowhere", StepStatus::Running, 1)).await, "release 1 has no step nowhere");
    let other = Entry::Node {
        fact: NodeFact { added: Some(step("there")), ..NodeFact::new("here", StepStatus::Running, 1) },
        result: None,
    };
    refused(other).await;
    let queued = Entry::Release { status: Status::Queued, reason: None };
    assert_eq!(refused(queued).await, "the status of release 1 cannot go from running to queued");
}

#[tokio::test]
async fn after_the_end_nothing_follows() {
    let rig = Rig::new().await;
    let running @ (id, epoch) = rig.running("production").await;
    let end = || Entry::Release { status: Status::Failed, reason: Some("no".into()) };
    let both = rig.store.record(id, epoch, vec![end(), said("fetch", "late")]).await;
    assert!(matches!(both, Err(Error::Fenced(_))), "not in the same list either");
    assert!(!rig.store.ended(id).await.unwrap());
    rig.end(running, Status::Failed).await;
    for entry in [said("fetch", "late"), node("fetch", StepStatus::Running, 1), end()] {
        assert!(matches!(rig.store.record(id, epoch, vec![entry]).await, Err(Error::Fenced(_))));
    }
    let unknown = rig.store.record(ReleaseId(99), Epoch(1), vec![end()]).await;
    assert!(matches!(unknown, Err(Error::Fenced(ReleaseId(99)))));
    let last = all_events(&rig.store, id).await.pop().unwrap();
    assert!(matches!(last.fact, Fact::Release { status: Status::Failed, .. }));
}

#[tokio::test]
async fn a_step_keeps_its_result_and_a_server_what_is_known() {
    let rig = Rig::new().await;
    let (id, epoch) = rig.running("production").await;
    let mut fact = NodeFact::new("web-1/upload", StepStatus::Running, 1);
    let known = |before: Option<&str>, now: Option<&str>, state| ServerFact {
        name: name("web-1"),
        before: before.map(str::to_owned),
        now: now.map(str::to_owned),
        state,
    };
    fact.server = Some(known(Some("old"), Some("old"), None));
    let first = Entry::Node { fact: fact.clone(), result: Some(serde_json::json!({"n": 1})) };
    fact.status = StepStatus::Ok;
    fact.server = Some(known(None, Some(""), Some(ServerState::Staged)));
    let artifact = Entry::Artifact { hash: "a1".into() };
    let second = Entry::Node { fact, result: None };
    rig.store.record(id, epoch, vec![first, artifact, second]).await.unwrap();

    let steps = rig.store.steps(id).await.unwrap();
    let upload = steps.iter().find(|step| step.key == "web-1/upload").unwrap();
    assert_eq!(upload.result, Some(serde_json::json!({"n": 1})));
    assert_eq!((upload.status, upload.attempt, upload.epoch), (StepStatus::Ok, 1, epoch));
    let servers = rig.store.release(id).await.unwrap().unwrap().servers;
    assert_eq!((servers[0].before.as_deref(), servers[0].now.as_deref()), (Some("old"), None));
    assert_eq!((servers[0].state, servers[1].state), (ServerState::Staged, ServerState::Pending));
    rig.end((id, epoch), Status::Succeeded).await;
    let good = rig.store.good(&name("shop"), &name("production")).await.unwrap();
    assert_eq!(good[0].artifact.as_deref(), Some("a1"));
}

/// Any entry about the release of the rig, legal or not.
fn any_entry() -> impl Strategy<Value = Entry> {
    let key = prop::sample::select([&STEPS[..], &["web-1/undo", "on_failure"]].concat());
    let status = prop::sample::select(StepStatus::ALL.to_vec());
    let reason = prop::option::of("[a-zä ]{1,8}");
    let known = (prop::sample::select(SERVERS.to_vec()), prop::option::of("[a-z]{0,2}"), prop::bool::ANY);
    let nodes = (key.clone(), status, 1..4_u32, reason.clone(), prop::option::of(known)).prop_map(
        |(key, status, attempt, reason, known)| {
            let mut fact = NodeFact::new(key, status, attempt);
            fact.reason = reason;
            fact.added = (!STEPS.contains(&key)).then(|| model::Step { step: StepKind::Undo, ..step(key) });
            fact.server = known.map(|(server, link, both)| ServerFact {
                name: name(server),
                before: link.clone().filter(|_| both),
                now: link,
                state: both.then_some(ServerState::Live),
            });
            Entry::Node { fact, result: None }
        },
    );
    let next =
        prop::sample::select(vec![Status::Paused, Status::Running, Status::Interrupted, Status::Failed]);
    prop_oneof![
        8 => nodes,
        2 => (key.clone(), "[a-zäß€😀\n]{0,40}").prop_map(|(key, text)| said(key, &text)),
        1 => (next, reason).prop_map(|(status, reason)| Entry::Release { status, reason }),
        1 => key.clone().prop_map(|key| Entry::Dropped { node: key.into(), bytes: 9 }),
        1 => key.prop_map(|key| Entry::LogEnd { node: key.into() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_snapshot_is_the_facts_applied_to_the_plan(
        lists in prop::collection::vec(prop::collection::vec(any_entry(), 1..4), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let rig = Rig::new().await;
            let (id, epoch) = rig.running("production").await;
            for entries in lists {
                match rig.store.record(id, epoch, entries).await {
                    Ok(_) | Err(Error::Transition { .. } | Error::Fenced(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            let plan = rig.store.plan(id).await.unwrap().unwrap();
            let mut tree = Tree::new(plan.steps, plan.servers.into_iter().map(|server| server.name));
            let events = all_events(&rig.store, id).await;
            for event in &events {
                tree.apply(event);
            }
            let snapshot = rig.store.snapshot(id).await.unwrap().unwrap();
            assert_eq!(snapshot.nodes, tree.nodes);
            assert_eq!(snapshot.release.servers, tree.servers);
            assert_eq!((snapshot.release.status, snapshot.release.reason), (tree.status, tree.reason));
            assert_eq!((snapshot.seq, events.len() as u64), (tree.seq, tree.seq));
            for step in rig.store.steps(id).await.unwrap() {
                assert_eq!((step.status, step.attempt), (step.node.status, step.node.attempt));
            }
        });
    }
}
