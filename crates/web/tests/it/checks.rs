//! Checks and facts of servers, and which servers a selector means.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::rig::{Served, TOKEN, fields};

#[tokio::test]
async fn a_check_is_a_list_or_one_line_after_another() {
    let served = Served::with_shop().await;
    let (status, page) = served.post("/servers/web-1/check", json!({})).await;
    let found = json!({"what": "connect", "ok": false, "status": "failed",
        "detail": "deploy@10.0.0.1:22 refuses the connection", "hint": "start sshd there"});
    assert_eq!((status, &page["items"]), (200, &json!([found])));
    for accept in ["application/x-ndjson", "text/html, application/x-ndjson;q=0.9"] {
        let request = served.ask(Method::POST, "/servers/web-1/check").header("accept", accept);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
        let text = answer.text().await.unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, std::slice::from_ref(&found));
    }
    let request = served.ask(Method::POST, "/servers/web-9/check").header("accept", "application/x-ndjson");
    assert_eq!(request.send().await.unwrap().status(), 404, "a refusal is no line");
}

#[tokio::test]
async fn a_check_that_hangs_ends_with_the_right_to_see_it_and_with_aweigh() {
    let served = Served::with_shop().await;
    served.rig.machines.silent.store(true, Ordering::Relaxed);
    let (_, made) = served.post("/tokens", json!({"name": "for a while"})).await;
    let begin = async |token: &str| {
        let request = served.client.post(served.url("/api/v1/servers/web-1/check")).bearer_auth(token);
        let answer = request.header("accept", "application/x-ndjson").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer
    };
    let text = async |answer: Response| {
        let text = tokio::time::timeout(Duration::from_mins(1), answer.text()).await;
        text.expect("it does not end").unwrap()
    };
    let answer = begin(made["token"].as_str().unwrap()).await;
    let id = made["id"].to_string().replace('"', "");
    assert_eq!(served.send(Method::DELETE, &format!("/tokens/{id}"), None).await.0, 204);
    assert_eq!(text(answer).await, "");
    let answer = begin(TOKEN).await;
    served.stop.cancel();
    assert_eq!(text(answer).await, "");
}

#[tokio::test]
async fn facts_of_a_server_that_cannot_be_asked_are_a_problem() {
    let served = Served::with_shop().await;
    let (status, problem) = served.post("/servers/web-1/facts", json!({})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("server_unreachable")), "{problem}");
    assert_eq!(served.post("/servers/web-9/facts", json!({})).await.0, 404);
    served.post("/servers/web-2/check", json!({})).await;
    let deeds = served.get("/audit").await.1;
    let deed =
        |place: usize| format!("{} {}", deeds["items"][place]["what"], deeds["items"][place]["object"]);
    assert_eq!(
        [deed(0), deed(1)],
        ["\"server.check\" \"server:web-2\"", "\"server.facts\" \"server:web-1\""]
    );
}

#[tokio::test]
async fn a_selector_chooses_from_the_list() {
    let served = Served::with_shop().await;
    let patch = json!({"labels": {"role": ["web", "db"]}});
    served.send(Method::PATCH, "/servers/web-2", Some(patch)).await;
    for (selector, expected) in [
        ("web-1", vec!["web-1"]),
        ("role=db", vec!["web-2"]),
        ("role!=db%26all", vec!["web-1"]),
        ("role=none", vec![]),
        ("web-[2:9]", vec!["web-2"]),
        ("", vec!["web-1", "web-2"]),
    ] {
        let (status, page) = served.get(&format!("/servers?selector={selector}")).await;
        let names: Vec<&str> =
            page["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!((status, names), (200, expected), "{selector}");
    }
    for bad in ["a%20b", "role==", "%26", "A", "web-[9:2]"] {
        let (status, problem) = served.get(&format!("/servers?selector={bad}")).await;
        assert_eq!((status, fields(&problem)), (422, vec!["selector".to_owned()]), "{bad}");
    }
}
