//! Signing in: cookies, throttle, set-up links, and that whoever is out is out at once.

use actions::{Actor, Proof};
use model::Name;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::rig::{Served, TOKEN, answer};

const PASSWORD: &str = "four words are enough";

/// A browser on this machine: it keeps a cookie and says where its requests come from.
struct Browser<'s> {
    served: &'s Served,
    cookie: String,
}

impl<'s> Browser<'s> {
    fn on(served: &'s Served) -> Self {
        Self { served, cookie: String::new() }
    }

    async fn send(&mut self, method: Method, path: &str, body: Option<Value>) -> Response {
        let origin = format!("http://{}", self.served.address);
        let url = self.served.url(&format!("/api/v1{path}"));
        let mut request = self.served.client.request(method, url).header("Origin", origin);
        if !self.cookie.is_empty() {
            request = request.header("Cookie", &self.cookie);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        if let Some(set) = response.headers().get("set-cookie") {
            set.to_str().unwrap().split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        response
    }

    async fn ask(&mut self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        answer(self.send(method, path, body).await).await
    }

    async fn sign_in(&mut self, user: &str, password: &str) -> (u16, Value) {
        self.ask(Method::POST, "/session", Some(json!({"user": user, "password": password}))).await
    }

    async fn is_in(&mut self) -> bool {
        self.ask(Method::GET, "/session", None).await.0 == 200
    }
}

async fn with_admin() -> Served {
    let served = Served::empty().await;
    let admin: Name = "admin".parse().unwrap();
    served.rig.actions.ensure_password(&admin, PASSWORD.to_owned().into()).await.unwrap();
    served
}

#[tokio::test]
async fn a_password_opens_a_session_and_signing_out_ends_it() {
    let served = with_admin().await;
    let mut browser = Browser::on(&served);
    assert!(!browser.is_in().await);
    let body = Some(json!({"user": "admin", "password": PASSWORD}));
    let response = browser.send(Method::POST, "/session", body).await;
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("aweigh=") && cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    let (status, me) = answer(response).await;
    assert_eq!((status, &me["user"], &me["administrator"]), (200, &json!("admin"), &json!(true)));
    assert!(browser.is_in().await);
    assert_eq!(browser.ask(Method::GET, "/servers", None).await.0, 200);

    let kept = browser.cookie.clone();
    assert_eq!(browser.ask(Method::DELETE, "/session", None).await.0, 204);
    assert_eq!(browser.cookie, "aweigh=");
    browser.cookie = kept;
    assert!(!browser.is_in().await, "the old cookie is worth nothing");
}

#[tokio::test]
async fn the_audit_log_tells_who_did_what() {
    let served = with_admin().await;
    let mut browser = Browser::on(&served);
    browser.sign_in("admin", PASSWORD).await;
    let project = json!({"name": "shop", "repository": "https://git.example.com/shop.git"});
    assert_eq!(browser.ask(Method::POST, "/projects", Some(project)).await.0, 201);
    assert_eq!(browser.ask(Method::POST, "/users", Some(json!({"name": "ada"}))).await.0, 201);
    let wrong = json!({"name": "b\u{e4}d", "repository": "https://git.example.com/shop.git"});
    assert_eq!(
        browser.ask(Method::POST, "/projects", Some(wrong)).await.0,
        422,
        "what is refused is not done"
    );

    let told = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|deed| {
                [&deed["who"], &deed["what"], &deed["object"]].map(|word| word.as_str().unwrap()).join(" ")
            })
            .collect()
    };
    let (status, all) = browser.ask(Method::GET, "/audit", None).await;
    let expected = [
        "admin user.setup user:ada",
        "admin user.create user:ada",
        "admin project.put project:shop",
        "admin session.begin user:admin",
        "aweigh password.set user:admin",
    ];
    assert_eq!((status, told(&all)), (200, expected.map(str::to_owned).to_vec()));
    assert!(all["next"].is_null());
    let (_, page) = browser.ask(Method::GET, "/audit?limit=2", None).await;
    let (_, rest) = browser.ask(Method::GET, &format!("/audit?before={}", page["next"]), None).await;
    assert_eq!([told(&page), told(&rest)].concat(), expected);
    let (_, one) = browser.ask(Method::GET, "/audit?object=project:shop&who=admin", None).await;
    assert_eq!(told(&one), expected[2..3]);
    let (_, whole) = browser.ask(Method::GET, "/audit?object=project:shop&limit=1", None).await;
    assert_eq!((told(&whole).len(), &whole["next"]), (1, &Value::Null), "that was all");
    for wrong in ["before=-1", "limit=0", "limit=1001"] {
        assert_eq!(browser.ask(Method::GET, &format!("/audit?{wrong}"), None).await.0, 422, "{wrong}");
    }
    assert!(!all.to_string().contains(PASSWORD));
}

#[tokio::test]
async fn every_sign_in_is_a_new_session_that_only_its_owner_sees_and_ends() {
    let served = with_admin().await;
    let (mut first, mut second) = (Browser::on(&served), Browser::on(&served));
    first.sign_in("admin", PASSWORD).await;
    // A cookie that somebody planted before is not taken over.
    second.cookie = format!("aweigh={}", "0".repeat(64));
    second.sign_in("admin", PASSWORD).await;
    assert_ne!(first.cookie, second.cookie);
    assert!(!second.cookie.contains(&"0".repeat(64)));
    let (_, list) = first.ask(Method::GET, "/sessions", None).await;
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let other = items.iter().find(|session| session["current"] == false).unwrap();
    let secret = second.cookie.trim_start_matches("aweigh=");
    assert!(!list.to_string().contains(secret), "no secret is shown");
    let path = format!("/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(first.ask(Method::DELETE, &path, None).await.0, 204);
    assert!(!second.is_in().await && first.is_in().await);
    assert_eq!(first.ask(Method::DELETE, &path, None).await.0, 404);
}

#[tokio::test]
async fn a_cookie_is_good_for_pages_of_our_own_only() {
    let served = with_admin().await;
    let mut browser = Browser::on(&served);
    browser.sign_in("admin", PASSWORD).await;
    let send = async |headers: &[(&'static str, &str)], kind: &str| {
        let mut request = served.client.post(served.url("/api/v1/servers")).header("Cookie", &browser.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = json!({"name": "x", "host": "local"}).to_string();
        request.header("Content-Type", kind).body(body).send().await.unwrap().status().as_u16()
    };
    let own = format!("http://{}", served.address);
    let plain = "application/json";
    assert_eq!(send(&[], plain).await, 403, "a browser says where it comes from");
    for foreign in ["null", "http://localhost", "https://evil.example", "http://127.0.0.1"] {
        assert_eq!(send(&[("Origin", foreign)], plain).await, 403, "{foreign}");
    }
    assert_eq!(send(&[("Sec-Fetch-Site", "same-site")], plain).await, 403);
    assert_eq!(send(&[("Origin", &own)], "text/plain").await, 415);
    assert_eq!(send(&[("Origin", &own)], "application/x-www-form-urlencoded").await, 415);
    assert_eq!(send(&[("Origin", &own)], plain).await, 201);
    let elsewhere = served.client.get(served.url("/api/v1/servers")).header("Host", "evil.example");
    let elsewhere = elsewhere.header("Cookie", &browser.cookie).send().await.unwrap();
    assert_eq!(elsewhere.status().as_u16(), 401, "another name that leads here gets nothing");
}

#[tokio::test]
async fn nobody_signs_in_where_a_password_would_travel_openly() {
    let served = with_admin().await;
    let body = json!({"user": "admin", "password": PASSWORD});
    let request = served.client.post(served.url("/api/v1/session")).header("Host", "10.1.2.3:7171");
    let request = request.header("Origin", "http://10.1.2.3:7171").json(&body);
    let (status, problem) = answer(request.send().await.unwrap()).await;
    assert_eq!(status, 403);
    let hint = problem["hint"].as_str().unwrap();
    assert!(hint.contains("public_url") && hint.contains("ssh -L"), "{hint}");
}

#[tokio::test]
async fn guessing_is_answered_alike_and_then_slowed_down() {
    let served = with_admin().await;
    let mut browser = Browser::on(&served);
    let (status, wrong) = browser.sign_in("admin", "not the password").await;
    assert_eq!((status, &wrong["code"]), (401, &json!("unauthenticated")));
    let (_, unknown) = browser.sign_in("nobody-here", "not the password").await;
    let (_, odd) = browser.sign_in("Not A Name/../", "not the password").await;
    assert_eq!((&unknown, &odd), (&wrong, &wrong), "nobody learns who there is");
    for _ in 0..4 {
        browser.sign_in("admin", "not the password").await;
    }
    let body = Some(json!({"user": "admin", "password": PASSWORD}));
    let refused = browser.send(Method::POST, "/session", body).await;
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let (status, problem) = answer(refused).await;
    assert_eq!((status, &problem["code"]), (429, &json!("too_many_attempts")));
    assert!((1..=2).contains(&wait), "{wait}");
    let path = served.dir.path().join("aweigh.sock");
    let socket = reqwest::Client::builder().unix_socket(path).build().unwrap();
    let link = socket.post("http://aweigh/api/v1/users/admin/setup").send().await.unwrap();
    assert_eq!(link.status().as_u16(), 201, "the administrator's own door stays open");
}

#[tokio::test]
async fn a_set_up_link_works_once() {
    let served = Served::empty().await;
    let admin = Actor::administrator("admin");
    let name: Name = "admin".parse().unwrap();
    assert!(served.rig.actions.is_new().await.unwrap());
    let old = served.rig.actions.setup_code(&admin, &name).await.unwrap();
    let code = served.rig.actions.setup_code(&admin, &name).await.unwrap();
    let mut browser = Browser::on(&served);
    let mut set_up = async |code: &str, password: &str| {
        let body = Some(json!({"code": code, "password": password}));
        browser.ask(Method::POST, "/setup", body).await
    };
    let (status, problem) = set_up(&code, "short").await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("password")));
    assert_eq!(set_up(&old, PASSWORD).await.0, 422, "a newer one was made");
    let (status, me) = set_up(&code, PASSWORD).await;
    assert_eq!((status, &me["user"]), (200, &json!("admin")));
    let (status, problem) = set_up(&code, PASSWORD).await;
    assert_eq!(status, 422);
    assert!(problem["hint"].as_str().unwrap().contains("aweigh users link"), "{problem}");
    assert!(browser.is_in().await && !served.rig.actions.is_new().await.unwrap());
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let served = with_admin().await;
    let (mut here, mut there) = (Browser::on(&served), Browser::on(&served));
    here.sign_in("admin", PASSWORD).await;
    there.sign_in("admin", PASSWORD).await;
    let mut change = async |current: &str, password: &str| {
        let body = Some(json!({"current": current, "password": password}));
        here.ask(Method::PUT, "/account/password", body).await
    };
    let (status, problem) = change("wrong", "another four words").await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("current")));
    assert_eq!(change(PASSWORD, "another four words").await.0, 204);
    assert!(here.is_in().await && !there.is_in().await);
    assert_eq!(there.sign_in("admin", PASSWORD).await.0, 401);
    assert_eq!(there.sign_in("admin", "another four words").await.0, 200);
}

#[tokio::test]
async fn users_and_tokens_end_at_once_when_they_are_removed() {
    let served = with_admin().await;
    let (status, li) = served.post("/users", json!({"name": "li"})).await;
    assert_eq!(status, 201);
    assert_eq!(served.post("/users", json!({"name": "li"})).await.0, 409);
    assert_eq!(served.post("/users", json!({"name": "Li Wei"})).await.0, 422);
    let code = li["setup"].as_str().unwrap().split('#').nth(1).unwrap().to_owned();
    let mut browser = Browser::on(&served);
    let body = Some(json!({"code": code, "password": "four words of li"}));
    assert_eq!(browser.ask(Method::POST, "/setup", body).await.0, 200);
    let (status, token) = browser.ask(Method::POST, "/tokens", Some(json!({"name": "ci"}))).await;
    assert_eq!(status, 201);
    let secret = token["token"].as_str().unwrap().to_owned();
    let (_, list) = browser.ask(Method::GET, "/tokens", None).await;
    assert!(!list.to_string().contains(&secret) && list["items"][0]["name"] == "ci", "{list}");
    let proof = Proof::token(&secret);
    let mut changes = served.rig.actions.access_changes();
    let li = served.rig.actions.whois(&proof).await.unwrap().unwrap();
    assert_eq!(li.name, "li");
    let own = browser.ask(Method::DELETE, "/users/li", None).await;
    assert_eq!(own.0, 422, "nobody removes themself: {}", own.1);

    assert!(!changes.has_changed().unwrap());
    assert_eq!(served.send(Method::DELETE, "/users/li", None).await.0, 204);
    assert!(changes.has_changed().unwrap(), "whoever waits asks again");
    changes.mark_unchanged();
    assert_eq!(served.rig.actions.whois(&proof).await.unwrap(), None);
    assert!(!browser.is_in().await);
    assert_eq!(served.send(Method::DELETE, "/users/li", None).await.0, 404);

    let (_, tokens) = served.get("/tokens").await;
    let id = tokens["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(served.send(Method::DELETE, &format!("/tokens/{id}"), None).await.0, 204);
    assert_eq!(served.get("/servers").await.0, 401, "{TOKEN} was taken back by its owner");
    assert!(changes.has_changed().unwrap());
}
