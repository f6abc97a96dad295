//! What holds for every request.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::{Served, TOKEN, answer};

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let served = Served::empty().await;
    for (path, status) in [
        ("/", 200),
        ("/health", 200),
        ("/r/1", 200),
        ("/api/v1/servers", 401),
        ("/api/v1/nope", 404),
        ("/assets/nope", 404),
    ] {
        let response = served.client.get(served.url(path)).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        let headers = response.headers();
        assert!(
            headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin", "{path}");
        if status >= 400 {
            assert_eq!(headers["content-type"], "application/problem+json", "{path}");
        }
    }
    let (_, health) = answer(served.client.get(served.url("/health")).send().await.unwrap()).await;
    assert_eq!(health, json!({"status": "ok"}));
}

#[tokio::test]
async fn only_the_right_token_lets_in() {
    let served = Served::empty().await;
    let status = async |value: &str| {
        let request = served.client.get(served.url("/api/v1/servers")).header("Authorization", value);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(&format!("Bearer {TOKEN}")).await, 200);
    for wrong in ["Bearer wrong", &format!("Bearer {TOKEN}x"), &format!("Basic {TOKEN}"), TOKEN] {
        assert_eq!(status(wrong).await, 401, "{wrong}");
    }
    let in_url =
        served.client.get(served.url(&format!("/api/v1/servers?token={TOKEN}"))).send().await.unwrap();
    assert_eq!(in_url.status().as_u16(), 401);
    assert_eq!(in_url.headers()["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn path_tricks_find_nothing() {
    let served = Served::empty().await;
    for path in [
        "//api/v1/servers",
        "/api/v1/servers/",
        "/API/v1/servers",
        "/api/v1/servers;a=b",
        "/x/%2e%2e/api/v1/servers",
    ] {
        let response = served.client.get(served.url(path)).send().await.unwrap();
        let status = response.status().as_u16();
        // What is not a path of the API is a screen of the page, which is the same for everybody.
        let is_page = response.headers()["content-type"] == "text/html; charset=utf-8";
        assert!(matches!(status, 401 | 404) || (status == 200 && is_page), "{path}: {status}");
    }
    let forged = served.client.get(served.url("/health")).header("X-Original-URL", "/api/v1/servers");
    assert_eq!(answer(forged.send().await.unwrap()).await.1, json!({"status": "ok"}));
}

#[tokio::test]
async fn another_sites_page_cannot_write() {
    let served = Served::empty().await;
    let status = async |name: &str, value: &str| {
        let request = served.ask(Method::POST, "/servers").header(name, value);
        request.json(&json!({"name": "x", "host": "local"})).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("Origin", "https://evil.example").await, 403);
    assert_eq!(status("Origin", "null").await, 403);
    assert_eq!(status("Sec-Fetch-Site", "cross-site").await, 403);
    assert_eq!(status("Origin", &format!("http://{}", served.address)).await, 201);
}

#[tokio::test]
async fn bodies_are_json_of_limited_size() {
    let served = Served::empty().await;
    let send = async |path: &str, kind: &str, body: String| {
        let request = served.ask(Method::POST, path).header("Content-Type", kind).body(body);
        answer(request.send().await.unwrap()).await
    };
    let code = async |path: &str, kind: &str, body: String| send(path, kind, body).await.1["code"].clone();
    assert_eq!(code("/servers", "text/plain", "{}".into()).await, "not_json");
    assert_eq!(code("/servers", "application/x-www-form-urlencoded", "name=x".into()).await, "not_json");
    assert_eq!(code("/servers", "application/json", "{".into()).await, "invalid");
    assert_eq!(code("/servers", "application/json", "[".repeat(100_000)).await, "invalid");
    assert_eq!(code("/servers", "application/json", r#"{"name":"x","name":"y"}"#.into()).await, "invalid");
    assert_eq!(code("/servers", "application/json", String::new()).await, "invalid");
    let large = json!({"note": "x".repeat(2 * 1024 * 1024)}).to_string();
    assert_eq!(code("/servers", "application/json", large.clone()).await, "too_large");
    assert_eq!(code("/apply", "application/json", large).await, "invalid", "a fleet may be larger");
    let unknown = served.ask(Method::PUT, "/servers").json(&Value::Null).send().await.unwrap();
    assert_eq!(answer(unknown).await.1["code"], "method_not_allowed");
}

#[tokio::test]
async fn a_head_is_of_limited_size() {
    let served = Served::empty().await;
    let head = |more: &str| format!("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n");
    let status = async |head: String| {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        // The server may refuse before all is written.
        stream.write_all(head.as_bytes()).await.ok();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await.ok();
        String::from_utf8_lossy(&text).chars().skip(9).take(3).collect::<String>()
    };
    assert_eq!(status(head("")).await, "200");
    assert_eq!(status(head(&format!("X: {}\r\n", "x".repeat(64 * 1024)))).await, "431");
    assert_eq!(status(head(&"X: y\r\n".repeat(200))).await, "431");
}

#[tokio::test]
async fn whoever_opens_the_socket_is_administrator() {
    let served = Served::empty().await;
    let path = served.dir.path().join("aweigh.sock");
    let client = reqwest::Client::builder().unix_socket(path).build().unwrap();
    let response = client.get("http://aweigh/api/v1/servers").send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
}

#[tokio::test]
async fn a_stranger_at_the_socket_has_to_say_who_they_are() {
    let served = Served::empty().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("aweigh.sock");
    let socket = web::Socket {
        listener: tokio::net::UnixListener::bind(&path).unwrap(),
        // This very process.
        is_stranger: |stream| stream.peer_cred().unwrap().pid() == i32::try_from(std::process::id()).ok(),
    };
    let stop = tokio_util::sync::CancellationToken::new();
    let state = web::AppState::new(served.rig.actions.clone(), web::Site::default());
    let task = tokio::spawn(web::serve(state, None, Some(socket), stop.clone()));
    let client = reqwest::Client::builder().unix_socket(path).build().unwrap();
    let ask = || client.get("http://localhost/api/v1/servers");
    assert_eq!(ask().send().await.unwrap().status().as_u16(), 401);
    assert_eq!(ask().bearer_auth("not-the-token").send().await.unwrap().status().as_u16(), 401);
    assert_eq!(ask().bearer_auth(TOKEN).send().await.unwrap().status().as_u16(), 200);
    stop.cancel();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_doctor_tells_what_was_found() {
    let served = Served::empty().await;
    let (status, report) = served.get("/doctor").await;
    assert_eq!(status, 200);
    assert_eq!(report["sandbox"]["level"], 2);
    assert_eq!(report["findings"][0]["state"], "ok");
}
