//! Facts over polling and long polling: the same, gap-free, and nothing after the last.

use testkit::repo::file;

use crate::rig::Rig;

#[test]
fn polling_and_long_polling_give_the_same_facts_without_gaps() {
    let rig = Rig::new(2);
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("[projects.shop.environments.production.hooks]\nafter_upload = \"for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done\"");
    let (status, release) = rig.http(
        "POST",
        "/releases",
        Some(serde_json::json!({"project": "shop", "environment": "production", "ref": "main"})),
    );
    assert_eq!((status, &release["id"], &release["ref"]), (201, &1.into(), &"main".into()), "{release}");
    let mut held = Vec::new();
    loop {
        let after = held.last().map_or(0, |event: &serde_json::Value| event["seq"].as_i64().unwrap());
        let batch = rig.get(&format!("/events?topic=release:1&after={after}&wait=25"));
        held.extend(batch["events"].as_array().unwrap().iter().cloned());
        let last = held.last().unwrap();
        if last["kind"] == "release" && last["data"]["status"] == "succeeded" {
            break;
        }
    }
    let polled = rig.events(1);
    assert_eq!(held, polled);
    let numbers: Vec<i64> = polled.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert!((1..).zip(&numbers).all(|(expected, number)| expected == *number), "{numbers:?}");
    assert_eq!(rig.log(1, "web-2/after_upload"), "line 1\nline 2\nline 3\nline 4\nline 5\n");

    // Without texts the numbers are the same.
    let quiet = rig.get("/events?topic=release:1&logs=none");
    let kept: Vec<i64> =
        quiet["events"].as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert_eq!(kept, numbers);
    assert!(quiet["events"].as_array().unwrap().iter().all(|event| event["data"]["text"].is_null()));
    let end = *numbers.last().unwrap();
    let beyond = rig.get(&format!("/events?topic=release:1&after={}", end + 1000));
    assert_eq!((beyond["events"].as_array().unwrap().len(), beyond["seq"].as_i64()), (0, Some(end)));
    assert_eq!(rig.http("GET", "/events?topic=release:99", None).0, 404);

    // The snapshot is the plan with all facts applied.
    let snapshot = rig.snapshot(1);
    assert_eq!(snapshot["seq"].as_i64(), Some(end));
    let mut tree = model::Tree::new([], []);
    tree.nodes = snapshot["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| model::Step {
            key: node["key"].as_str().unwrap().to_owned(),
            parent: node["parent"].as_str().map(str::to_owned),
            text: node["text"].as_str().unwrap().to_owned(),
            step: serde_json::from_value(node["step"].clone()).unwrap(),
            server: node["server"].as_str().map(|name| name.parse().unwrap()),
            batch: node["batch"].as_u64().map(|batch| u32::try_from(batch).unwrap()),
        })
        .map(model::Node::from)
        .collect();
    for event in &polled {
        tree.apply(&serde_json::from_value(event.clone()).unwrap());
    }
    let nodes: Vec<model::Node> = serde_json::from_value(snapshot["nodes"].clone()).unwrap();
    assert_eq!(tree.nodes, nodes);
}
