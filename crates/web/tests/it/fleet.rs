//! Applying and exporting a whole fleet.

use serde_json::{Value, json};

use crate::rig::{Served, fields};

fn fleet() -> Value {
    json!({
        "defaults": {"server": {"user": "deploy", "credential": "deploy"}},
        "credentials": {"deploy": {"kind": "ssh-password", "secret": "first-password"}},
        "servers": {"a": {"host": "10.0.0.1"}, "b": {"host": "10.0.0.2", "labels": {"role": "web"}}},
        "projects": {"shop": {
            "repository": "https://git.example.com/shop.git",
            "defaults": {"linked_dirs": "storage", "hooks": {"after_activate": [{"run": "reload", "on": "role=web"}]}},
            "environments": {"live": {"servers": "all", "path": "/srv/shop"}},
        }},
    })
}

fn told(answer: &Value) -> Vec<String> {
    let change = |change: &Value| {
        let word = |key: &str| change[key].as_str().unwrap_or_default().to_owned();
        let fields: Vec<_> =
            change["fields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        format!("{} {} {} {}", word("action"), word("what"), word("name"), fields.join(",")).trim().to_owned()
    };
    answer["changes"].as_array().unwrap().iter().map(change).collect()
}

#[tokio::test]
async fn applying_twice_changes_nothing() {
    let served = Served::empty().await;
    let (status, planned) = served.post("/apply?plan=1", fleet()).await;
    assert_eq!((status, told(&planned).len()), (200, 5), "{planned}");
    assert_eq!(served.get("/servers").await.1["items"], json!([]), "a plan stores nothing");
    let (status, applied) = served.post("/apply", fleet()).await;
    assert_eq!((status, &applied), (200, &planned));
    assert_eq!(told(&served.post("/apply", fleet()).await.1), [""; 0]);
    let mut without = fleet();
    without["credentials"]["deploy"] = json!({"kind": "ssh-password"});
    assert_eq!(told(&served.post("/apply", without).await.1), [""; 0], "a stored secret stays");
    let mut other = fleet();
    other["credentials"]["deploy"]["secret"] = json!("second-password");
    other["servers"]["a"]["host"] = json!("10.0.0.3");
    other["projects"]["shop"]["environments"]["live"]["keep"] = json!(3);
    assert_eq!(
        told(&served.post("/apply", other).await.1),
        ["update credential deploy secret", "update server a host", "update environment shop/live keep"]
    );
}

#[tokio::test]
async fn what_is_exported_applies_to_the_same_state() {
    let served = Served::empty().await;
    served.post("/apply", fleet()).await;
    let (status, exported) = served.get("/export").await;
    assert_eq!(status, 200);
    assert!(!exported.to_string().contains("first-password"));
    assert_eq!(told(&served.post("/apply", exported.clone()).await.1), [""; 0]);
    assert_eq!(served.get("/export").await.1, exported);
}

#[tokio::test]
async fn a_fleet_is_all_or_nothing() {
    let served = Served::empty().await;
    let mut bad = fleet();
    bad["servers"]["c"] = json!({"host": ""});
    bad["projects"]["shop"]["environments"]["live"]["path"] = json!("relative");
    bad["projects"]["shop"]["defaults"]["batches"] = json!([0]);
    let (status, problem) = served.post("/apply", bad).await;
    assert_eq!(status, 422);
    assert_eq!(
        fields(&problem),
        ["servers.c.host", "projects.shop.defaults.batches[0]", "projects.shop.environments.live.path"]
    );
    assert_eq!(served.get("/servers").await.1["items"], json!([]));
    let (_, problem) =
        served.post("/apply", json!({"servrs": {}, "defaults": {"server": {"usr": "x"}}})).await;
    let told = problem["errors"].to_string();
    assert!(told.contains("did you mean `servers`?") && told.contains("did you mean `user`?"), "{told}");
}

#[tokio::test]
async fn pruning_removes_only_what_apply_made() {
    let served = Served::empty().await;
    served.post("/apply", fleet()).await;
    served.post("/servers", json!({"name": "by-hand", "host": "local"})).await;
    let mut less = fleet();
    less["servers"].as_object_mut().unwrap().remove("a");
    assert_eq!(
        told(&served.post("/apply", less.clone()).await.1),
        [""; 0],
        "things not named are left alone"
    );
    assert_eq!(told(&served.post("/apply?prune=1&plan=1", less.clone()).await.1), ["delete server a"]);
    assert_eq!(told(&served.post("/apply?prune=1", less).await.1), ["delete server a"]);
    let everything = served.post("/apply?prune=1", json!({})).await.1;
    assert_eq!(
        told(&everything),
        [
            "delete environment shop/live",
            "delete project shop",
            "delete server b",
            "delete credential deploy"
        ]
    );
    let (_, left) = served.get("/servers").await;
    assert_eq!(
        (left["items"].as_array().unwrap().len(), left["items"][0]["name"].as_str()),
        (1, Some("by-hand"))
    );
}
