//! Releases over HTTP.

use std::sync::atomic::Ordering;

use model::{NodeFact, Status, StepStatus};
use reqwest::Method;
use serde_json::json;
use store::Entry;

use crate::rig::{Served, answer, fields};

#[tokio::test]
async fn a_release_is_made_shown_and_listed() {
    let served = Served::with_shop().await;
    let request = served.ask(Method::POST, "/releases");
    let body = json!({"project": "shop", "environment": "live", "ref": "main", "note": "hello"});
    let response = request.json(&body).send().await.unwrap();
    assert_eq!(response.headers()["location"], "/api/v1/releases/1");
    let (status, release) = answer(response).await;
    assert_eq!((status, release["id"].as_i64(), release["status"].as_str()), (201, Some(1), Some("queued")));
    assert_eq!((release["ref"].as_str(), release["kind"].as_str()), (Some("main"), Some("release")));
    assert_eq!(
        release["servers"][0],
        json!({"name": "web-1", "before": null, "now": null, "state": "pending"})
    );
    let (status, snapshot) = served.get("/releases/1").await;
    assert_eq!((status, &snapshot["release"], snapshot["seq"].as_u64()), (200, &release, Some(1)));
    assert_eq!(snapshot["nodes"][0]["key"], "start");
    served.rig.end_next(Status::Failed).await;
    for git_ref in ["main", "next"] {
        assert_eq!(served.release(git_ref).await.0, 201);
        served.rig.end_next(Status::Succeeded).await;
    }
    let (_, page) = served.get("/releases?project=shop&environment=live&limit=2").await;
    assert_eq!((page["items"][0]["id"].as_i64(), page["next"].as_i64()), (Some(3), Some(2)));
    let (_, page) = served.get("/releases?before=2&limit=2").await;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (1, &json!(null)));
    assert_eq!(served.get("/releases?project=nope").await.0, 404);
    for limit in ["many", "0", "-1", "201", "99999999999999999999"] {
        let (status, told) = served.get(&format!("/releases?limit={limit}")).await;
        let expected = json!([{"field": "limit", "message": "must be a number from 1 to 200"}]);
        assert_eq!((status, &told["errors"]), (422, &expected), "{limit}");
    }
    assert_eq!(served.get("/releases?limit=200").await.0, 200);
    for path in
        ["/releases/9", "/releases/0", "/releases/-1", "/releases/x", "/releases/99999999999999999999"]
    {
        assert_eq!(served.get(path).await.1["code"], "not_found", "{path}");
    }
}

#[tokio::test]
async fn refusals_have_their_code_and_make_no_release() {
    let served = Served::with_shop().await;
    let check = async |body, status: u16, code: &str| {
        let answer = served.post("/releases", body).await;
        assert_eq!((answer.0, answer.1["code"].as_str()), (status, Some(code)), "{}", answer.1);
        answer.1
    };
    let shop = |more: serde_json::Value| {
        let mut body = json!({"project": "shop", "environment": "live"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    check(shop(json!({"ref": "nope"})), 422, "unknown_ref").await;
    check(shop(json!({"ref": "--upload-pack=x"})), 422, "unknown_ref").await;
    check(shop(json!({"rollback_to": "previous"})), 409, "nothing_to_roll_back").await;
    check(shop(json!({"rollback_to": 7})), 404, "not_found").await;
    check(json!({"project": "nope", "environment": "live", "ref": "main"}), 404, "not_found").await;
    let problem = check(shop(json!({})), 422, "invalid").await;
    assert_eq!(fields(&problem), ["ref"]);
    let problem = check(shop(json!({"ref": "main", "rollback_to": 1, "servers": "="})), 422, "invalid").await;
    assert_eq!(fields(&problem), ["servers", "rollback_to"]);
    let problem = check(json!({"reff": "main"}), 422, "invalid").await;
    assert_eq!(fields(&problem), ["reff"]);
    served.rig.repository.away.store(true, Ordering::Relaxed);
    check(shop(json!({"ref": "main"})), 422, "repository_unreachable").await;
    served.rig.repository.away.store(false, Ordering::Relaxed);
    assert_eq!(served.get("/releases").await.1["items"], json!([]));
    assert_eq!(served.release("main").await.0, 201);
    let problem = check(shop(json!({"ref": "next"})), 409, "busy").await;
    assert_eq!(problem["release"].as_i64(), Some(1));
    assert_eq!(problem["detail"], "release 1 of shop/live by admin is not finished");
    check(shop(json!({"ref": "main"})), 409, "duplicate").await;
    let (status, queued) = served.post("/releases", shop(json!({"ref": "next", "queue": true}))).await;
    assert_eq!((status, queued["position"].as_i64()), (201, Some(2)));
}

#[tokio::test]
async fn a_repeated_request_answers_the_first_ones_release() {
    let served = Served::with_shop().await;
    let ask = async |git_ref: &str| {
        let body = json!({"project": "shop", "environment": "live", "ref": git_ref});
        let request = served.ask(Method::POST, "/releases").header("Idempotency-Key", "k-1").json(&body);
        answer(request.send().await.unwrap()).await
    };
    assert_eq!(ask("main").await.1["id"].as_i64(), Some(1));
    assert_eq!(ask("main").await.1["id"].as_i64(), Some(1));
    let (status, problem) = ask("next").await;
    assert_eq!((status, fields(&problem)), (422, vec!["Idempotency-Key".to_owned()]));
}

#[tokio::test]
async fn a_repeated_request_is_known_when_it_could_not_be_made_any_more() {
    let served = Served::with_shop().await;
    for git_ref in ["main", "next"] {
        served.release(git_ref).await;
        served.rig.end_next(Status::Succeeded).await;
    }
    let back = async |key: &str| {
        let body = json!({"project": "shop", "environment": "live", "rollback_to": "previous"});
        let request = served.ask(Method::POST, "/releases").header("Idempotency-Key", key).json(&body);
        answer(request.send().await.unwrap()).await
    };
    assert_eq!(back("k-1").await.1["id"].as_i64(), Some(3));
    served.rig.end_next(Status::Succeeded).await;
    assert_eq!(back("k-1").await.1["id"].as_i64(), Some(3));
    assert_eq!(back("k-2").await.1["code"], "nothing_to_roll_back", "there is none before");
}

#[tokio::test]
async fn a_plan_stores_nothing() {
    let served = Served::with_shop().await;
    let body = json!({"project": "shop", "environment": "live", "ref": "main", "servers": "web-2"});
    let (status, plan) = served.post("/releases?plan=1", body).await;
    assert_eq!((status, &plan["servers"]), (200, &json!(["web-2"])));
    assert!(plan["nodes"].as_array().unwrap().iter().any(|node| node["key"] == "web-2/upload"));
    assert_eq!(served.get("/releases").await.1["items"], json!([]));
}

#[tokio::test]
async fn cancel_and_resume_answer_at_once() {
    let served = Served::with_shop().await;
    served.release("main").await;
    let (status, release) = served.send(Method::POST, "/releases/1/cancel", None).await;
    assert_eq!((status, release["status"].as_str()), (202, Some("cancelled")));
    let (status, problem) = served.send(Method::POST, "/releases/1/cancel", None).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("finished")));
    assert_eq!(served.send(Method::POST, "/releases/1/resume", None).await.1["code"], "finished");
    assert_eq!(served.send(Method::POST, "/releases/7/resume", None).await.0, 404);
}

#[tokio::test]
async fn a_log_is_plain_text_and_can_be_cut() {
    let served = Served::with_shop().await;
    served.release("main").await;
    let claimed = served.rig.store.claim().await.unwrap().unwrap();
    let node = |key: &str| Entry::Node { fact: NodeFact::new(key, StepStatus::Running, 1), result: None };
    let log = |key: &str, text: &str| Entry::Log { node: key.into(), text: text.into() };
    let entries = vec![node("fetch"), log("fetch", "größe\n"), node("build"), log("build", "ok\n")];
    served.rig.store.record(claimed.id, claimed.epoch, entries).await.unwrap();
    let read = async |query: &str| {
        let response = served.ask(Method::GET, &format!("/releases/1/log{query}")).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
        response.text().await.unwrap()
    };
    assert_eq!(read("").await, "größe\nok\n");
    assert_eq!(read("?node=build").await, "ok\n");
    assert_eq!(read("?node=fetch&from=2&to=4").await, "ö");
    assert_eq!(served.get("/releases/1/log?node=nope").await.0, 404);
    assert_eq!(served.get("/releases/1/log?from=-1").await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_removed_is_gone_and_says_since_when() {
    let served = Served::with_shop().await;
    served.release("main").await;
    let store = &served.rig.store;
    let claimed = store.claim().await.unwrap().unwrap();
    let log = Entry::Log { node: "fetch".into(), text: "long ago\n".into() };
    let begun = Entry::Node { fact: NodeFact::new("fetch", StepStatus::Running, 1), result: None };
    let end = Entry::Release { status: Status::Failed, reason: None };
    store.record(claimed.id, claimed.epoch, vec![begun, log, end]).await.unwrap();
    assert_eq!(served.get("/releases/1/log").await.0, 200);
    let nothing = Some(std::time::Duration::ZERO);
    store.forget_history(store::KeepHistory { logs: nothing, facts: None }).await.unwrap();
    for path in ["/releases/1/log", "/releases/1/log?node=fetch"] {
        let (status, problem) = served.get(path).await;
        assert_eq!((status, &problem["code"]), (410, &json!("gone")), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("were removed on 20"), "{problem}");
    }
    assert_eq!(served.get("/releases/1").await.0, 200, "the release itself stays");
}

#[tokio::test]
async fn refs_and_the_board_are_shown() {
    let served = Served::with_shop().await;
    let (status, refs) = served.get("/projects/shop/refs?kind=branch&limit=2").await;
    assert_eq!((status, refs["items"].as_array().unwrap().len()), (200, 2));
    assert_eq!(
        (refs["items"][0]["name"].as_str(), refs["items"][0]["short"].as_str()),
        (Some("main"), Some("aaaaaaa"))
    );
    assert_eq!(served.get("/projects/shop/refs?kind=stash").await.0, 422);
    assert_eq!(served.get("/projects/nope/refs").await.0, 404);
    assert_eq!(served.send(Method::POST, "/projects/shop/fetch", None).await.0, 204);
    served.release("main").await;
    let (_, board) = served.get("/board").await;
    assert_eq!(
        (board["items"][0]["latest"]["id"].as_i64(), board["items"][0]["queued"].as_i64()),
        (Some(1), Some(1))
    );
    let (status, findings) = served.send(Method::POST, "/servers/web-1/check", None).await;
    assert_eq!((status, findings["items"][0]["ok"].as_bool()), (200, Some(false)));
    let (status, problem) = served.send(Method::POST, "/servers/web-1/trust", None).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("server_unreachable")));
}
