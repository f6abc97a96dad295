//! The checker: what is promised of every release, whatever happened to it, proven from what the API tells and from what
//! lies on the servers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde_json::Value;
use testkit::repo::{Listing, tree_listing};

use crate::rig::Rig;

/// Looks at every server all the time: a reader of `current` sees one complete release or the other.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<(u64, BTreeSet<String>)>>,
    releases: BTreeMap<PathBuf, Listing>,
}

impl Watch {
    /// Begins to look; every server runs something already.
    pub(crate) fn begin(rig: &Rig) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let roots: Vec<PathBuf> = (1..=rig.fleet.servers.len()).map(|number| rig.root(number)).collect();
        let releases =
            roots.iter().flat_map(|root| folders(root)).map(|path| (path.clone(), tree_listing(&path)));
        let releases = releases.collect();
        let reader = std::thread::spawn({
            let stop = stop.clone();
            move || {
                let (mut reads, mut seen) = (0, BTreeSet::new());
                while !stop.load(Ordering::Relaxed) {
                    for root in &roots {
                        let revision = std::fs::read_to_string(root.join("current/REVISION"))
                            .unwrap_or_else(|error| format!("{}: {error}", root.display()));
                        seen.insert(revision.trim().to_owned());
                        reads += 1;
                    }
                    // As often as it can without taking the machine from the others.
                    std::thread::sleep(std::time::Duration::from_micros(300));
                }
                (reads, seen)
            }
        });
        Self { stop, reader: Some(reader), releases }
    }

    /// Ends looking: only `allowed` was ever seen, and what was there before is untouched or gone as a whole.
    pub(crate) fn end(mut self, what: &str, allowed: &[&str]) {
        self.stop.store(true, Ordering::Relaxed);
        let (reads, seen) = self.reader.take().unwrap().join().unwrap();
        assert!(reads > 0, "{what}: nobody looked");
        let strange: Vec<_> = seen.iter().filter(|revision| !allowed.contains(&revision.as_str())).collect();
        assert!(strange.is_empty(), "{what}: a reader of `current` saw {strange:?}");
        for (path, before) in &self.releases {
            if path.exists() {
                assert_eq!(&tree_listing(path), before, "{what}: {} changed", path.display());
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn folders(root: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root.join("releases")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Everything that is true of a release that has ended.
pub(crate) fn prove(rig: &Rig, id: i64, what: &str) {
    let snapshot = rig.snapshot(id);
    let events = rig.events(id);
    facts_have_no_gaps_and_end_with_the_release(&events, &snapshot, what);
    the_snapshot_is_the_facts_applied(&events, &snapshot, what);
    nothing_is_switched_before_all_is_staged(&events, what);
    every_run_on_a_server_was_intended(rig, id, &events, what);
    servers_are_free_and_clean(rig, id, what);
    no_secret_is_told(rig, &events, what);
    let active = ["running", "paused", "interrupted"];
    let all = rig.get("/releases?limit=50");
    for release in all["items"].as_array().unwrap() {
        assert!(!active.contains(&release["status"].as_str().unwrap()), "{what}: {release} has not ended");
    }
}

/// D3, D5: numbers 1, 2, 3 …; the last one is the end.
fn facts_have_no_gaps_and_end_with_the_release(events: &[Value], snapshot: &Value, what: &str) {
    for (number, event) in (1_u64..).zip(events) {
        assert_eq!(event["seq"], number, "{what}");
    }
    let last = events.last().unwrap();
    assert_eq!(
        (&last["kind"], &last["data"]["status"]),
        (&"release".into(), &snapshot["release"]["status"]),
        "{what}"
    );
    assert_eq!(snapshot["seq"], events.len() as u64, "{what}");
}

/// D12: whoever read all facts knows what the snapshot says.
fn the_snapshot_is_the_facts_applied(events: &[Value], snapshot: &Value, what: &str) {
    let mut known: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    let mut servers: BTreeMap<&str, &str> = BTreeMap::new();
    for event in events.iter().filter(|event| event["kind"] == "node") {
        let fact = &event["data"];
        known.insert(
            fact["key"].as_str().unwrap(),
            (fact["status"].as_str().unwrap(), fact["attempt"].as_u64().unwrap()),
        );
        if let (Some(name), Some(state)) = (fact["server"]["name"].as_str(), fact["server"]["state"].as_str())
        {
            servers.insert(name, state);
        }
    }
    for node in snapshot["nodes"].as_array().unwrap() {
        let told = known.get(node["key"].as_str().unwrap()).copied().unwrap_or(("pending", 0));
        let shown = (node["status"].as_str().unwrap(), node["attempt"].as_u64().unwrap());
        assert_eq!(shown, told, "{what}: {node}");
        assert!(!["pending", "running", "paused"].contains(&shown.0), "{what}: {node} is open");
    }
    for server in snapshot["release"]["servers"].as_array().unwrap() {
        let told = servers.get(server["name"].as_str().unwrap()).copied().unwrap_or("pending");
        assert_eq!(server["state"], told, "{what}: {server}");
    }
}

/// D8: no server is touched before all of them are staged.
fn nothing_is_switched_before_all_is_staged(events: &[Value], what: &str) {
    let place = |wanted: &dyn Fn(&str, &str) -> bool| -> Vec<usize> {
        let node = |event: &Value| -> Option<bool> {
            Some(wanted(event["data"]["key"].as_str()?, event["data"]["status"].as_str()?))
        };
        events.iter().enumerate().filter(|(_, event)| node(event) == Some(true)).map(|(at, _)| at).collect()
    };
    let switched = place(&|key, status| key.ends_with("/activate") && status == "running");
    let staged =
        place(&|key, status| (key.ends_with("/upload") || key.ends_with("/after_upload")) && status == "ok");
    if let (Some(first), Some(last)) = (switched.first(), staged.last()) {
        assert!(last < first, "{what}: something was staged at {last}, after a switch at {first}");
    }
}

/// D6: what ran on a server has a recorded intent of the same try.
fn every_run_on_a_server_was_intended(rig: &Rig, id: i64, events: &[Value], what: &str) {
    let begun: BTreeSet<String> = events
        .iter()
        .filter(|event| event["kind"] == "node" && event["data"]["status"] == "running")
        .map(|event| {
            let key = event["data"]["key"].as_str().unwrap().replace('/', "_");
            format!("{key}-{}", event["data"]["attempt"])
        })
        .collect();
    for number in 1..=rig.fleet.servers.len() {
        let runs =
            std::fs::read_dir(rig.root(number).join(format!(".aweigh/runs/{id}"))).into_iter().flatten();
        for run in runs.flatten() {
            let name = run.file_name().into_string().unwrap();
            // A health command has a number for every time that it is asked.
            let asked = name.contains("_verify-");
            assert!(
                asked || begun.contains(&name),
                "{what}: {name} ran on web-{number}, and nobody intended it"
            );
        }
    }
}

/// D1, D7: nobody holds the server any more, and what is visible is complete.
fn servers_are_free_and_clean(rig: &Rig, id: i64, what: &str) {
    for number in 1..=rig.fleet.servers.len() {
        let root = rig.root(number);
        let lock = root.join(".aweigh/lock");
        // It is given back, or it is the one of a release that has ended, which the next one takes over.
        let text =
            |path: PathBuf| std::fs::read_link(path).ok().map(|link| link.to_str().unwrap().to_owned());
        let mut holder = text(lock).unwrap_or_default();
        // Whoever took it over left a link that is named after the owner before.
        while let Some(next) = text(root.join(format!(".aweigh/lock-after-{holder}"))) {
            holder = next;
        }
        assert!(holder.is_empty() || holder.split(':').nth(1) == Some(&id.to_string()), "{what}: {holder}");
        for release in folders(&root) {
            assert!(release.join("REVISION").exists(), "{what}: {} is not complete", release.display());
        }
        let incoming: Vec<_> =
            std::fs::read_dir(root.join(".aweigh/incoming")).into_iter().flatten().flatten().collect();
        assert!(incoming.len() <= 1, "{what}: {incoming:?}");
    }
}

/// D4: the key that opens the servers is nowhere in what is told.
fn no_secret_is_told(rig: &Rig, events: &[Value], what: &str) {
    let key = &rig.fleet.client_key;
    let secret = key.lines().nth(2).unwrap();
    let told = Value::from(events.to_vec()).to_string();
    assert!(!told.contains(secret) && !rig.said().contains(secret), "{what}: the key was told");
}
