//! Servers, credentials, projects and environments, one by one.

use reqwest::Method;
use serde_json::json;

use crate::rig::{Served, fields};

const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret-of-the-key\n";

#[tokio::test]
async fn a_server_lives_and_dies() {
    let served = Served::with_shop().await;
    let body = json!({"name": "db-1", "host": "10.0.0.9", "user": "deploy", "credential": "agent"});
    let (status, server) = served.post("/servers", body.clone()).await;
    assert_eq!((status, &server["name"], &server["host"]), (201, &json!("db-1"), &json!("10.0.0.9")));
    assert_eq!(served.post("/servers", body).await.1["code"], "duplicate");
    let patch = json!({"port": 2222, "labels": {"role": ["db"]}});
    let (status, server) = served.send(Method::PATCH, "/servers/db-1", Some(patch)).await;
    assert_eq!((status, &server["port"], &server["user"]), (200, &json!(2222), &json!("deploy")));
    let replaced = json!({"host": "10.0.0.10", "user": "root", "credential": "agent"});
    let (status, server) = served.send(Method::PUT, "/servers/db-1", Some(replaced.clone())).await;
    assert_eq!((status, server.get("labels")), (200, None), "what is not said is gone");
    assert_eq!(served.send(Method::PUT, "/servers/db-2", Some(json!({"host": "local"}))).await.0, 201);
    let (_, list) = served.get("/servers").await;
    let names: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|server| server["name"].clone()).collect();
    assert_eq!(
        (names, &list["next"]),
        (vec![json!("db-1"), json!("db-2"), json!("web-1"), json!("web-2")], &json!(null))
    );
    assert_eq!(served.send(Method::DELETE, "/servers/db-1", None).await.0, 204);
    for (method, path) in
        [(Method::GET, "/servers/db-1"), (Method::DELETE, "/servers/db-1"), (Method::GET, "/servers/A%00")]
    {
        assert_eq!(served.send(method, path, None).await.1["code"], "not_found", "{path}");
    }
    assert_eq!(served.send(Method::PATCH, "/servers/db-1", Some(json!({}))).await.0, 404);
}

#[tokio::test]
async fn every_field_error_is_told_from_inside_the_body() {
    let served = Served::with_shop().await;
    let check = async |path: &str, body, expected: &[&str]| {
        let (status, problem) = served.post(path, body).await;
        assert_eq!((status, problem["code"].as_str()), (422, Some("invalid")), "{problem}");
        assert_eq!(fields(&problem), expected, "{problem}");
    };
    check(
        "/servers",
        json!({"name": "x", "host": "a b", "port": 0, "user": "", "credential": "agent"}),
        &["host", "port", "user"],
    )
    .await;
    check("/servers", json!({"name": "A", "hots": "h"}), &["name"]).await;
    check("/servers", json!({"host": "h", "user": "u", "credential": "agent"}), &["name"]).await;
    check("/servers", json!({"name": "x", "hots": "h"}), &["hots"]).await;
    check("/servers", json!({"name": "x", "host": "h", "user": "u", "credential": "nope"}), &["credential"])
        .await;
    check(
        "/projects/shop/environments",
        json!({"name": "x", "servers": "role=none", "path": "/srv/x"}),
        &["servers"],
    )
    .await;
    check(
        "/projects/shop/environments",
        json!({"name": "x", "servers": "all", "path": "/srv/shop"}),
        &["path"],
    )
    .await;
    check(
        "/projects/shop/environments",
        json!({"name": "x", "servers": "all", "path": "/srv/x", "batches": [0]}),
        &["batches[0]"],
    )
    .await;
    check(
        "/projects",
        json!({"name": "x", "repository": "ext::sh -c x", "defaults": {"keep": 0}}),
        &["repository", "defaults.keep"],
    )
    .await;
    check("/credentials", json!({"name": "x", "kind": "ssh-key"}), &["secret"]).await;
    assert_eq!(
        served
            .post("/projects/nope/environments", json!({"name": "x", "servers": "all", "path": "/srv/x"}))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_secret_goes_in_and_never_comes_out() {
    let served = Served::empty().await;
    let body = json!({"name": "deploy", "kind": "ssh-key", "secret": KEY, "passphrase": "right"});
    let (status, made) = served.post("/credentials", body).await;
    assert_eq!((status, made["fingerprint"].as_str()), (201, Some("SHA256:54")));
    for path in ["/credentials", "/credentials/deploy", "/export"] {
        let (status, answer) = served.get(path).await;
        assert_eq!(status, 200);
        let text = answer.to_string();
        assert!(!text.contains("secret-of-the-key") && !text.contains("right"), "{path}: {text}");
    }
    let (status, kept) = served.send(Method::PATCH, "/credentials/deploy", Some(json!({}))).await;
    assert_eq!((status, kept["fingerprint"].as_str()), (200, Some("SHA256:54")), "the stored secret stays");
    let (_, problem) = served
        .send(Method::PATCH, "/credentials/deploy", Some(json!({"secret": format!("{KEY}ENCRYPTED")})))
        .await;
    assert_eq!(fields(&problem), ["passphrase"]);
    let (_, problem) = served
        .send(Method::PATCH, "/credentials/deploy", Some(json!({"secret": format!("{KEY}BROKEN")})))
        .await;
    assert_eq!(fields(&problem), ["secret"]);
    assert!(!problem.to_string().contains("secret-of-the-key"), "an error does not echo a secret");
}

#[tokio::test]
async fn what_others_need_is_not_deleted() {
    let served = Served::with_shop().await;
    let (status, problem) = served.send(Method::DELETE, "/credentials/agent", None).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("held")));
    assert!(problem["detail"].as_str().unwrap().contains("server web-1"), "{problem}");
    served.release("main").await;
    let (status, problem) = served.send(Method::DELETE, "/projects/shop", None).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("held")));
    assert!(problem["detail"].as_str().unwrap().contains("release 1"), "{problem}");
}

#[tokio::test]
async fn an_environment_is_its_own_thing() {
    let served = Served::with_shop().await;
    let body = json!({"name": "staging", "servers": "web-2", "path": "/srv/staging", "keep": 3,
        "hooks": {"after_activate": "reload"}});
    let (status, made) = served.post("/projects/shop/environments", body).await;
    assert_eq!((status, made["keep"].as_i64()), (201, Some(3)), "{made}");
    let (_, project) = served.get("/projects/shop").await;
    assert_eq!(project["environments"].as_object().unwrap().len(), 2);
    let (status, project) =
        served.send(Method::PATCH, "/projects/shop", Some(json!({"defaults": {"keep": 7}}))).await;
    assert_eq!((status, project["environments"].as_object().unwrap().len()), (200, 2));
    let (_, shown) = served.get("/projects/shop/environments/staging").await;
    assert_eq!(
        (shown["keep"].as_i64(), shown["hooks"]["after_activate"].as_str()),
        (Some(3), Some("reload"))
    );
    assert_eq!(served.send(Method::DELETE, "/projects/shop/environments/staging", None).await.0, 204);
    let (_, list) = served.get("/projects/shop/environments").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(served.get("/projects/nope/environments").await.0, 404);
}

#[tokio::test]
async fn a_hook_template_lives_and_dies() {
    let served = Served::with_shop().await;
    let body = json!({"name": "reload", "run": "systemctl reload x", "about": "Reloads it"});
    let (status, made) = served.post("/hooks", body.clone()).await;
    assert_eq!((status, &made["version"], &made["used_by"]), (201, &json!(1), &json!([])));
    assert_eq!(served.post("/hooks", body).await.1["code"], "duplicate");
    let (status, changed) = served.send(Method::PATCH, "/hooks/reload", Some(json!({"timeout": "2m"}))).await;
    assert_eq!(
        (status, &changed["version"], &changed["run"]),
        (200, &json!(2), &json!("systemctl reload x"))
    );
    let same = json!({"run": "systemctl reload x", "about": "Reloads it", "timeout": "2m"});
    let (status, same) = served.send(Method::PUT, "/hooks/reload", Some(same)).await;
    assert_eq!((status, &same["version"]), (200, &json!(2)), "nothing new, no new version");
    let (_, versions) = served.get("/hooks/reload/versions").await;
    let said: Vec<_> =
        versions["items"].as_array().unwrap().iter().map(|one| one["timeout"].clone()).collect();
    assert_eq!(said, [json!("2m"), json!(null)]);
    let picking = json!({"hooks": {"after_activate": {"template": "reload@1"}}});
    let (status, _) = served.send(Method::PATCH, "/projects/shop/environments/live", Some(picking)).await;
    assert_eq!(status, 200);
    let (_, shown) = served.get("/hooks/reload").await;
    let used = json!([{"project": "shop", "environment": "live", "point": "after_activate", "version": 1}]);
    assert_eq!(shown["used_by"], used);
    let (status, problem) = served.send(Method::DELETE, "/hooks/reload", None).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("shop/live"), "{problem}");
    let silent = json!({"hooks": null});
    served.send(Method::PATCH, "/projects/shop/environments/live", Some(silent)).await;
    assert_eq!(served.send(Method::DELETE, "/hooks/reload", None).await.0, 204);
    for (method, path) in [
        (Method::GET, "/hooks/reload"),
        (Method::GET, "/hooks/reload/versions"),
        (Method::DELETE, "/hooks/A"),
    ] {
        assert_eq!(served.send(method, path, None).await.1["code"], "not_found", "{path}");
    }
}

#[tokio::test]
async fn bad_hook_templates_and_bad_picks_are_told_by_their_fields() {
    let served = Served::with_shop().await;
    let check = async |path: &str, body, expected: &[&str]| {
        let (status, problem) = served.post(path, body).await;
        assert_eq!((status, problem["code"].as_str()), (422, Some("invalid")), "{problem}");
        assert_eq!(fields(&problem), expected, "{problem}");
    };
    check("/hooks", json!({"name": "A", "run": "x"}), &["name"]).await;
    check("/hooks", json!({"name": "a", "run": " ", "timeout": "soon"}), &["run", "timeout"]).await;
    check("/hooks", json!({"name": "a", "run": "a\0b"}), &["run"]).await;
    check("/hooks", json!({"name": "a", "run": "x".repeat(70_000)}), &["run"]).await;
    check("/hooks", json!({"name": "a", "run": "x", "about": "two\nlines"}), &["about"]).await;
    check("/hooks", json!({"name": "a", "rnu": "x"}), &["rnu"]).await;
    check("/hooks", json!({"name": "7", "run": "x"}), &[""]).await;
    let environment = |template: serde_json::Value| json!({"name": "other", "servers": "all", "path": "/srv/other", "hooks": {"after_activate": [template]}});
    let environments = "/projects/shop/environments";
    let field = "hooks.after_activate.template";
    check(environments, environment(json!({"template": "nothing"})), &[field]).await;
    assert_eq!(served.post("/hooks", json!({"name": "reload", "run": "x"})).await.0, 201);
    check(environments, environment(json!({"template": "reload@2"})), &[field]).await;
    check(environments, environment(json!({"template": "reload@x"})), &["hooks.after_activate[0].template"])
        .await;
    let both = json!({"template": "reload", "run": "x", "timeout": "1s"});
    check(
        environments,
        environment(both),
        &["hooks.after_activate[0].run", "hooks.after_activate[0].timeout"],
    )
    .await;
    check("/hooks/reload/try", json!({"project": "shop", "environment": "live"}), &["server"]).await;
    let empty = json!({"project": "shop", "environment": "live", "server": "web-1", "run": ""});
    check("/hooks/reload/try", empty, &["run"]).await;
}

#[tokio::test]
async fn servers_that_are_written_together_are_made_together_or_not_at_all() {
    let served = Served::with_shop().await;
    let body =
        |name: &str, host: &str| json!({"name": name, "host": host, "user": "u", "credential": "agent"});
    let (status, made) = served.post("/servers", body("db-[1:3]", "10.0.1.[1:3]")).await;
    let hosts: Vec<_> =
        made["items"].as_array().unwrap().iter().map(|one| (&one["name"], &one["host"])).collect();
    let (names, places) = (json!(["db-1", "db-2", "db-3"]), json!(["10.0.1.1", "10.0.1.2", "10.0.1.3"]));
    assert_eq!(status, 201);
    assert_eq!(hosts, (0..3).map(|place| (&names[place], &places[place])).collect::<Vec<_>>());
    let (status, problem) = served.post("/servers", body("db-[3:5]", "{name}.example.com")).await;
    assert_eq!((status, &problem["code"]), (409, &json!("duplicate")));
    assert!(problem["detail"].as_str().unwrap().contains("db-3"), "{problem}");
    for (name, host, field) in [
        ("db-[5:4]", "h", "name"),
        ("DB-[4:5]", "{name}", "name"),
        ("db-[4:5000]", "{name}", "name"),
        ("db-[4:5]", "h", "host"),
        ("db-[4:5]", "10.0.0.[1:3]", "host"),
        ("db-[4:5]", "local", "host"),
        ("db-4", "10.0.0.[1:3]", "host"),
    ] {
        let (status, problem) = served.post("/servers", body(name, host)).await;
        assert_eq!((status, fields(&problem)), (422, vec![field.to_owned()]), "{name} {host}: {problem}");
    }
    assert_eq!(served.get("/servers").await.1["items"].as_array().unwrap().len(), 5, "none of them was made");
}

#[tokio::test]
async fn a_group_is_meant_by_selectors_and_stays_while_it_is() {
    let served = Served::with_shop().await;
    let put = async |name: &str, selector: &str| {
        served.send(Method::PUT, &format!("/groups/{name}"), Some(json!({"selector": selector}))).await
    };
    let (status, group) = put("web", "web-[1:9]").await;
    assert_eq!(
        (status, &group),
        (201, &json!({"name": "web", "selector": "web-[1:9]", "servers": ["web-1", "web-2"]}))
    );
    assert_eq!(put("some", "@web&web-2").await.1["servers"], json!(["web-2"]));
    assert_eq!(served.get("/groups").await.1["items"].as_array().unwrap().len(), 2);
    assert_eq!(served.get("/servers?selector=@some").await.1["items"][0]["name"], "web-2");
    let body = json!({"name": "staging", "servers": "@some", "path": "/srv/staging"});
    assert_eq!(served.post("/projects/shop/environments", body).await.0, 201);
    for (name, selector) in [
        ("web", "@some"),
        ("web", "@web"),
        ("new", "@gone"),
        ("new", ""),
        ("new", "a b"),
        ("new", "web-[2:1]"),
    ] {
        let (status, problem) = put(name, selector).await;
        assert_eq!(
            (status, fields(&problem)),
            (422, vec!["selector".to_owned()]),
            "{name} {selector}: {problem}"
        );
    }
    for name in ["web", "some"] {
        let (status, problem) = served.send(Method::DELETE, &format!("/groups/{name}"), None).await;
        assert_eq!((status, &problem["code"]), (409, &json!("held")), "{problem}");
    }
    assert!(
        served.send(Method::DELETE, "/groups/some", None).await.1["detail"]
            .as_str()
            .unwrap()
            .contains("shop/staging")
    );
    served.send(Method::DELETE, "/projects/shop/environments/staging", None).await;
    for (name, status) in [("some", 204), ("web", 204), ("web", 404)] {
        assert_eq!(served.send(Method::DELETE, &format!("/groups/{name}"), None).await.0, status, "{name}");
    }
    let deeds = served.get("/audit").await.1;
    let of_web = deeds["items"].as_array().unwrap().iter().filter(|deed| deed["object"] == "group:web");
    let of_web: Vec<&str> = of_web.map(|deed| deed["what"].as_str().unwrap()).collect();
    assert_eq!(of_web, ["group.delete", "group.put"]);
    assert_eq!(served.post("/groups", json!({"name": "A", "selector": "all"})).await.0, 422);
    assert_eq!(served.post("/groups", json!({"name": "x", "selctor": "all"})).await.0, 422);
}
