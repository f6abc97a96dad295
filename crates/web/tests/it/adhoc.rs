//! Work on many servers: answers that come line by line, and what is refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Served, answer, fields};

/// The lines of a long answer.
async fn lines(served: &Served, path: &str, body: Value) -> Vec<Value> {
    let said = served.ask(Method::POST, path).json(&body).send().await.unwrap();
    assert_eq!(said.status(), 200);
    assert_eq!(said.headers()["content-type"], "application/x-ndjson");
    said.text().await.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_server_has_an_end_and_the_last_line_counts_them() {
    let served = Served::with_shop().await;
    for (path, body, key) in [
        ("/run", json!({"servers": "all", "command": "true"}), "exit"),
        ("/get", json!({"servers": "all", "from": "/srv/x"}), "ok"),
    ] {
        let lines = lines(&served, path, body).await;
        for server in ["web-1", "web-2"] {
            let its: Vec<&Value> = lines.iter().filter(|line| line["server"] == server).collect();
            assert_eq!(its.len(), 2, "{lines:?}");
            assert_eq!(its[0], &json!({"server": server, "started": true}));
            let message = its[1]["error"]["message"].as_str().unwrap();
            assert!(message.contains("refuses the connection"), "{message}");
            assert!(its[1].get(key).is_some() && its[1]["error"]["hint"] == "start sshd there");
        }
        assert_eq!(lines.last().unwrap()["done"], json!({"ok": 0, "failed": 2}));
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_before_anything_is_done() {
    let served = Served::with_shop().await;
    for (path, body, field) in [
        ("/run", json!({"servers": "role=cache", "command": "true"}), "servers"),
        ("/run", json!({"servers": "all", "command": "true", "project": "shop"}), "environment"),
        ("/run", json!({"servers": "all", "command": "true", "timeout": 5}), "timeout"),
        ("/run", json!({"servers": ["all"], "command": "true"}), "servers"),
        ("/get", json!({"servers": "all"}), "from"),
        ("/get", json!({"servers": "all", "from": "/"}), "from"),
        ("/put?servers=all", Value::Null, "to"),
        ("/put?servers=all&to=~", Value::Null, "to"),
        ("/put?to=/srv/x", Value::Null, "servers"),
        ("/put?servers=all&to=/srv/x&replace=maybe", Value::Null, "replace"),
        ("/put?servers=all&to=/srv/x&limit=many", Value::Null, "limit"),
        ("/put?servers=all&to=/srv/x&limit=0", Value::Null, "limit"),
        ("/put?servers=role=cache&to=/srv/x", Value::Null, "servers"),
    ] {
        let (status, problem) = served.post(path, body).await;
        assert_eq!((status, fields(&problem)), (422, vec![field.to_owned()]), "{path}: {problem}");
    }
    let place = json!({"servers": "all", "command": "true", "project": "shop", "environment": "gone"});
    assert_eq!(served.post("/run", place).await.0, 404);
    let long = json!({"servers": "all", "command": "cat", "stdin": "x".repeat(9_000_000)});
    assert_eq!(served.post("/run", long).await.0, 413);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(answer(served.ask(method, "/downloads/x").send().await.unwrap()).await.0, 404);
    }
}
