//! The promise of push (invariant D3): whatever happens to a viewer's connection, they see every fact of a topic
//! once and in order. Fifty viewers come and go at random, over every transport, while releases are written.

use std::time::Duration;

use futures::future::{join, join_all};
use model::{NodeFact, Status, StepStatus};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use store::Entry;

use crate::push::Socket;
use crate::rig::Served;

const VIEWERS: u64 = 50;

/// What a viewer has seen of one topic.
struct Viewer<'s> {
    served: &'s Served,
    topic: &'static str,
    random: StdRng,
    seen: Vec<Value>,
}

impl Viewer<'_> {
    fn after(&self) -> u64 {
        self.seen.last().map_or(0, |event| event["seq"].as_u64().unwrap())
    }

    /// Takes a batch in as a page does: what is known already is passed over.
    fn take(&mut self, batch: &Value) {
        assert_eq!(batch["topic"], self.topic);
        for event in batch["events"].as_array().unwrap() {
            let (seq, next) = (event["seq"].as_u64().unwrap(), self.after() + 1);
            assert!(seq <= next, "{} has a hole: {seq} follows {}", self.topic, next - 1);
            if seq == next {
                self.seen.push(event.clone());
            }
        }
    }

    /// Watches over one transport after the other until fact number `last` was seen.
    async fn watch(mut self, last: u64) -> Vec<Value> {
        while self.after() < last {
            match self.random.random_range(0..4) {
                0 => self.poll(0).await,
                1 => {
                    let wait = self.random.random_range(1..4);
                    self.poll(wait).await;
                }
                2 => self.cut_poll().await,
                _ => self.socket(last).await,
            }
            let pause = self.random.random_range(0..30);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self.seen
    }

    async fn poll(&mut self, wait: u64) {
        let path = format!("/events?topic={}&after={}&wait={wait}", self.topic, self.after());
        let (status, batch) = self.served.get(&path).await;
        assert_eq!(status, 200, "{batch}");
        self.take(&batch);
    }

    /// A poll whose answer is lost on the way.
    async fn cut_poll(&mut self) {
        let path = format!("/events?topic={}&after={}&wait=2", self.topic, self.after());
        let cut = Duration::from_millis(self.random.random_range(0..40));
        tokio::time::timeout(cut, self.served.get(&path)).await.ok();
    }

    /// A socket that is dropped after a few batches, in the middle of whatever comes. Sometimes the page forgets a
    /// part of what it saw, and asks for it again.
    async fn socket(&mut self, last: u64) {
        let mut socket = Socket::open(self.served).await;
        let back = self.random.random_range(0..3);
        socket.subscribe(self.topic, self.after().saturating_sub(back)).await;
        for _ in 0..self.random.random_range(1..8) {
            let Ok(batch) = socket.next("events").await else { return };
            self.take(&batch);
            if self.after() >= last {
                return;
            }
            if self.random.random_bool(0.2) {
                socket.subscribe(self.topic, self.after()).await;
            }
        }
    }
}

/// Runs two releases, one after the other, as their owner records them; people talk in between.
async fn write(served: &Served, mut random: StdRng) {
    for _ in 0..2 {
        served.release("main").await;
        let claimed = served.rig.store.claim().await.unwrap().unwrap();
        let node = |key: &str, status| Entry::Node { fact: NodeFact::new(key, status, 1), result: None };
        for key in ["start", "fetch", "build", "pack", "web-1/upload", "web-2/upload"] {
            let log = |n: u64| Entry::Log { node: key.to_owned(), text: format!("line {n} of {key} 界\n") };
            let mut entries = vec![node(key, StepStatus::Running)];
            for n in 0..random.random_range(1..20) {
                entries.push(log(n));
                if random.random_bool(0.3) {
                    let part = std::mem::take(&mut entries);
                    served.rig.store.record(claimed.id, claimed.epoch, part).await.unwrap();
                    let chat = json!({"text": format!("line {n}?")});
                    served.post(&format!("/releases/{}/chat", claimed.id), chat).await;
                }
                tokio::time::sleep(Duration::from_millis(random.random_range(0..5))).await;
            }
            entries.push(node(key, StepStatus::Ok));
            served.rig.store.record(claimed.id, claimed.epoch, entries).await.unwrap();
        }
        let end = Entry::Release { status: Status::Failed, reason: None };
        served.rig.store.record(claimed.id, claimed.epoch, vec![end]).await.unwrap();
    }
}

fn facts(batch: &Value) -> Vec<Value> {
    batch.get("events").and_then(Value::as_array).cloned().unwrap()
}

/// Everything that was said in a topic.
async fn journal(served: &Served, topic: &str) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let (_, batch) = served.get(&format!("/events?topic={topic}&after={}", events.len())).await;
        let part = facts(&batch);
        if part.is_empty() {
            return events;
        }
        events.extend(part);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_viewers_see_every_fact_once_and_in_order() {
    let seed = std::env::var("AWEIGH_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("AWEIGH_SEED={seed}");
    let served = Served::with_shop().await;
    served.release("next").await;
    served.rig.end_next(Status::Failed).await;
    let topics = ["release:2", "release:3", "project:shop", "board"];
    // The first fact of each topic is there before anybody looks; a topic that is not there yet is a 404.
    let ready = async |topic: &str| {
        while served.get(&format!("/events?topic={topic}")).await.0 == 404 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let viewers = join_all((0..VIEWERS).map(|n| {
        let topic = topics[usize::try_from(n).unwrap() % topics.len()];
        let random = StdRng::seed_from_u64(seed ^ n);
        let served = &served;
        async move {
            ready(topic).await;
            // Release 1 said three facts to the board and the project, 2 and 3 do so too; a release says its end last.
            let last = if topic.starts_with("release") { u64::MAX } else { 9 };
            let viewer = Viewer { served, topic, random, seen: Vec::new() };
            (topic, if last == u64::MAX { until_the_end(viewer).await } else { viewer.watch(last).await })
        }
    }));
    let (seen, ()) = join(viewers, write(&served, StdRng::seed_from_u64(seed))).await;
    for topic in topics {
        let journal = journal(&served, topic).await;
        let numbers: Vec<u64> = journal.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=journal.len() as u64).collect::<Vec<_>>(), "{topic} has no gaps");
        for (_, transcript) in seen.iter().filter(|(of, _)| *of == topic) {
            assert!(
                *transcript == journal,
                "{topic}: a viewer saw {} of {}",
                transcript.len(),
                journal.len()
            );
        }
    }
}

/// Watches a release until its last fact: nothing follows, since nobody talks after the end here.
async fn until_the_end(mut viewer: Viewer<'_>) -> Vec<Value> {
    loop {
        let last = viewer.after() + 1;
        let Viewer { served, topic, random, seen } = viewer;
        let again = StdRng::seed_from_u64(seen.len() as u64);
        let more = Viewer { served, topic, random, seen }.watch(last).await;
        let failed = json!({"status": "failed"});
        let ended = more.iter().any(|event| event.get("data") == Some(&failed));
        if ended {
            return more;
        }
        viewer = Viewer { served, topic, random: again, seen: more };
    }
}
