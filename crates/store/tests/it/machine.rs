//! Whatever people and owners do in whatever order, a release is where its one transition function allows it to be.

use std::collections::BTreeMap;

use model::{Epoch, ReleaseId, Status};
use proptest::prelude::*;
use store::{Created, Entry, Error, NewRelease, Others, Steered, Stop};

use crate::rig::{Rig, by_ann, made_by_ann, name, release};

/// What somebody does; a number chooses which release it is about.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Create(char),
    Supersede(char),
    Claim,
    Crash,
    Pause(usize),
    Stop(usize),
    Reopen(usize),
    Promote(usize),
    Skip(usize),
    Retry(usize),
    Say(usize, Status),
}

fn deed() -> impl Strategy<Value = Deed> {
    let which = 0_usize..6;
    let digit = proptest::sample::select(vec!['a', 'b', 'c', 'd']);
    let status = proptest::sample::select(Status::ALL.to_vec());
    prop_oneof![
        3 => digit.clone().prop_map(Deed::Create),
        1 => digit.prop_map(Deed::Supersede),
        4 => Just(Deed::Claim),
        1 => Just(Deed::Crash),
        1 => which.clone().prop_map(Deed::Pause),
        1 => which.clone().prop_map(Deed::Stop),
        2 => which.clone().prop_map(Deed::Reopen),
        1 => which.clone().prop_map(Deed::Promote),
        1 => which.clone().prop_map(Deed::Skip),
        1 => which.clone().prop_map(Deed::Retry),
        6 => (which, status).prop_map(|(which, status)| Deed::Say(which, status)),
    ]
}

/// What is true of one release, as far as the model knows.
#[derive(Debug, Clone, Copy)]
struct Known {
    status: Status,
    epoch: Epoch,
    last: u64,
    /// Somebody asked its owner to stop it.
    stops: bool,
}

struct World {
    rig: Rig,
    known: BTreeMap<ReleaseId, Known>,
    /// How many deeds of people did something.
    done: usize,
}

impl World {
    fn pick(&self, which: usize) -> Option<ReleaseId> {
        self.known.keys().nth(which).copied()
    }

    fn status(&self, id: ReleaseId) -> Status {
        self.known.get(&id).unwrap().status
    }

    fn count(&mut self, stored: &Steered) {
        self.done += usize::from(matches!(stored, Steered::Stored(_)));
    }

    async fn create(&mut self, digit: char, others: Others) {
        let new = NewRelease { others, ..release("shop", "production", digit) };
        if let Created::New(id) = self.rig.store.create(new, made_by_ann()).await.unwrap() {
            if others == Others::Supersede {
                for known in self.known.values_mut().filter(|known| known.status == Status::Queued) {
                    known.status = Status::Superseded;
                }
            }
            self.done += 1;
            self.known.insert(id, Known { status: Status::Queued, epoch: Epoch(0), last: 0, stops: false });
        }
    }

    async fn run(&mut self, deed: Deed) {
        let store = self.rig.store.clone();
        match deed {
            Deed::Create(digit) => self.create(digit, Others::Queue).await,
            Deed::Supersede(digit) => self.create(digit, Others::Supersede).await,
            Deed::Claim => {
                let is_free = !self.known.values().any(|known| known.status.is_active());
                let first =
                    self.known.iter().find(|(_, known)| known.status == Status::Queued).map(|(id, _)| *id);
                let claimed = store.claim().await.unwrap();
                assert_eq!(claimed.as_ref().map(|claimed| claimed.id), first.filter(|_| is_free));
                if let Some(claimed) = claimed {
                    let known = self.known.get_mut(&claimed.id).unwrap();
                    (known.status, known.epoch) = (Status::Running, claimed.epoch);
                }
            }
            Deed::Crash => {
                for taken in store.take_over().await.unwrap() {
                    let known = self.known.get_mut(&taken.id).unwrap();
                    assert!(known.status.is_active() && taken.epoch > known.epoch);
                    // What waits and is to stop has to be worked on in order to stop.
                    let expected = if known.stops { Status::Running } else { known.status };
                    assert_eq!(taken.status, expected);
                    (known.status, known.epoch) = (taken.status, taken.epoch);
                }
            }
            Deed::Pause(which) => {
                let Some(id) = self.pick(which) else { return };
                let stored = store.request_pause(id, "ann", by_ann()).await.unwrap();
                assert_eq!(stored == Steered::Stored(vec![]), self.status(id) == Status::Running);
                self.count(&stored);
            }
            Deed::Stop(which) => {
                let Some(id) = self.pick(which) else { return };
                let known = self.known.get_mut(&id).unwrap();
                match store.request_stop(id, "ann", by_ann()).await.unwrap() {
                    Stop::Ended => {
                        assert!(!known.status.is_active() && !known.status.is_terminal());
                        known.status = Status::Cancelled;
                        self.done += 1;
                    }
                    Stop::Asked => {
                        assert!(known.status.is_active());
                        known.stops = true;
                        self.done += 1;
                    }
                    Stop::AlreadyEnded(status) => assert_eq!(status, known.status),
                    Stop::Unknown => panic!("{id} is known"),
                }
            }
            Deed::Reopen(which) => {
                let Some(id) = self.pick(which) else { return };
                let known = self.known.get_mut(&id).unwrap();
                let waits = matches!(known.status, Status::Paused | Status::Interrupted);
                let claimed = store.reopen(id, Some(by_ann())).await.unwrap();
                assert_eq!(claimed.is_some(), waits);
                if let Some(claimed) = claimed {
                    assert!(claimed.epoch > known.epoch && claimed.wishes.pause.is_none());
                    (known.status, known.epoch) = (Status::Running, claimed.epoch);
                    self.done += 1;
                }
            }
            Deed::Promote(which) => {
                let Some(id) = self.pick(which) else { return };
                // No plan here has a batch that is held.
                assert_eq!(
                    store.request_promote(id, by_ann()).await.unwrap(),
                    Steered::NotNow(self.status(id))
                );
            }
            Deed::Skip(which) => {
                let Some(id) = self.pick(which) else { return };
                let stored = store.request_skip(id, vec![name("web-1")], by_ann()).await.unwrap();
                let may = self.status(id).is_active();
                assert_eq!(matches!(stored, Steered::Stored(_)), may, "{stored:?}");
                self.count(&stored);
            }
            Deed::Retry(which) => {
                let Some(id) = self.pick(which) else { return };
                let stored = store.request_retry(id, None, by_ann()).await.unwrap();
                let may = matches!(self.status(id), Status::Paused | Status::Interrupted);
                assert_eq!(matches!(stored, Steered::Stored(_) | Steered::NoServer(None)), may, "{stored:?}");
                self.count(&stored);
            }
            Deed::Say(which, status) => self.say(which, status).await,
        }
    }

    /// Its owner says a status, and an owner of before says the same in vain.
    async fn say(&mut self, which: usize, status: Status) {
        let Some(id) = self.pick(which) else { return };
        let known = self.known.get_mut(&id).unwrap();
        let entry = || vec![Entry::Release { status, reason: None }];
        let late = self.rig.store.record(id, Epoch(known.epoch.0 - 1), entry()).await;
        assert!(matches!(late, Err(Error::Fenced(_))), "{late:?}");
        let said = self.rig.store.record(id, known.epoch, entry()).await;
        if !known.status.is_active() {
            assert!(matches!(said, Err(Error::Fenced(_))), "{said:?}");
        } else if known.status.may_become(status) {
            said.unwrap();
            known.status = status;
        } else {
            assert!(matches!(said, Err(Error::Transition { .. })), "{said:?}");
        }
    }

    async fn check(&mut self) {
        let mut active = 0;
        for (id, known) in &mut self.known {
            let snapshot = self.rig.store.snapshot(*id).await.unwrap().unwrap();
            assert_eq!(snapshot.release.status, known.status, "release {id}");
            assert_eq!(snapshot.release.ended_at.is_some(), known.status.is_terminal());
            assert!(snapshot.seq >= known.last, "facts are only added");
            known.last = snapshot.seq;
            active += usize::from(known.status.is_active());
        }
        assert!(active <= 1, "one release holds an environment");
        assert_eq!(self.rig.deeds().await.len(), self.done, "what was done is recorded, and nothing else");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_in_whatever_order(deeds in proptest::collection::vec(deed(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World { rig: Rig::new().await, known: BTreeMap::new(), done: 0 };
            for deed in deeds {
                world.run(deed).await;
                world.check().await;
            }
        });
    }
}
