//! What the rig asks of Aweigh over HTTP, and waits for.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{PATIENCE, Rig, TOKEN};

impl Rig {
    /// One call of the HTTP API; status and body.
    pub(crate) fn http(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method: reqwest::Method = method.parse().unwrap();
        let url = format!("{}/api/v1{path}", self.url);
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let client = reqwest::Client::builder().build().unwrap();
            let mut request = client.request(method, url).bearer_auth(TOKEN);
            if let Some(body) = body {
                request = request.json(&body);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
        })
    }

    /// GET that must be 200.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.http("GET", path, None);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// The snapshot of a release.
    pub(crate) fn snapshot(&self, id: i64) -> Value {
        self.get(&format!("/releases/{id}"))
    }

    /// The status of a release.
    pub(crate) fn status(&self, id: i64) -> String {
        self.snapshot(id)["release"]["status"].as_str().unwrap().to_owned()
    }

    /// The status of a release, when Aweigh answers.
    pub(super) fn try_status(&self, id: i64) -> Option<String> {
        let url = format!("{}/api/v1/releases/{id}", self.url);
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let answer = reqwest::Client::new().get(url).bearer_auth(TOKEN).send().await.ok()?;
            let snapshot: Value = answer.json().await.ok()?;
            Some(snapshot["release"]["status"].as_str()?.to_owned())
        })
    }

    /// Waits until a release has this status.
    pub(crate) fn wait_for(&self, id: i64, status: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let snapshot = self.snapshot(id);
            if snapshot["release"]["status"] == status {
                return snapshot;
            }
            assert!(Instant::now() < until, "release {id} is not {status}: {snapshot:#}\n{}", self.said());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Waits until a node of a release has this status.
    pub(crate) fn wait_for_node(&self, id: i64, key: &str, status: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let snapshot = self.snapshot(id);
            let node = snapshot["nodes"].as_array().unwrap().iter().find(|node| node["key"] == key).cloned();
            if node.as_ref().is_some_and(|node| node["status"] == status) {
                return;
            }
            assert!(Instant::now() < until, "{key} is not {status}: {snapshot:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The status of one node.
    pub(crate) fn node(&self, id: i64, key: &str) -> Value {
        let snapshot = self.snapshot(id);
        let nodes = snapshot["nodes"].as_array().unwrap();
        nodes
            .iter()
            .find(|node| node["key"] == key)
            .cloned()
            .unwrap_or_else(|| panic!("no node {key} in {snapshot:#}"))
    }

    /// All facts of a release.
    pub(crate) fn events(&self, id: i64) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or(0, |event| event["seq"].as_i64().unwrap());
            let batch = self.get(&format!("/events?topic=release:{id}&after={after}"));
            let events = batch["events"].as_array().unwrap().clone();
            if events.is_empty() {
                return all;
            }
            all.extend(events);
        }
    }

    /// The log of one node, from the facts.
    pub(crate) fn log(&self, id: i64, node: &str) -> String {
        let facts = self.events(id);
        let texts = facts.iter().filter(|e| e["kind"] == "log" && e["data"]["node"] == node);
        texts.filter_map(|event| event["data"]["text"].as_str()).collect()
    }
}
