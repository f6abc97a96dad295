//! Looking into repositories: commits between refs, differences, archives, and the host keys of git hosts.

use actions::ScannedKey;
use reqwest::Method;
use serde_json::json;

use crate::rig::Served;

#[tokio::test]
async fn commits_since_a_ref_and_differences_are_shown() {
    let served = Served::with_shop().await;
    let (status, refs) = served.get("/projects/shop/refs?kind=commit&of=next&since=main").await;
    assert_eq!((status, refs["items"][0]["name"].as_str()), (200, Some("b".repeat(40).as_str())));
    let (status, diff) = served.get("/projects/shop/diff?from=main&to=next").await;
    let expected = json!({
        "from": "a".repeat(40), "to": "b".repeat(40), "more": false,
        "files": [
            {"change": "modified", "path": "a", "added": 2, "deleted": 1},
            {"change": "added", "path": "picture"},
        ],
    });
    assert_eq!((status, &diff), (200, &expected));
    let (_, few) = served.get("/projects/shop/diff?from=main&to=next&limit=1").await;
    assert_eq!((few["files"].as_array().unwrap().len(), few["more"].as_bool()), (1, Some(true)));
    let (_, patch) = served.get("/projects/shop/diff?from=main&to=next&patch=1").await;
    assert!(patch["patch"].as_str().unwrap().starts_with("from aaaa"), "{patch}");
}

#[tokio::test]
async fn an_archive_is_a_stream_that_tells_its_commit() {
    let served = Served::with_shop().await;
    let ask = |query: &str| served.ask(Method::GET, &format!("/projects/shop/archive?{query}")).send();
    let answer = ask("ref=next").await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("aweigh-commit"), "b".repeat(40));
    assert_eq!(header("content-type"), "application/gzip");
    assert_eq!(header("content-disposition"), "attachment; filename=\"shop-bbbbbbb.tar.gz\"");
    assert_eq!(answer.text().await.unwrap(), format!("TarGz of {}", "b".repeat(40)));
    let zip = ask("ref=next&format=zip&prefix=shop").await.unwrap();
    assert_eq!(zip.headers()["content-type"], "application/zip");
    // What breaks in the middle is no whole body.
    served.rig.repository.away.store(true, std::sync::atomic::Ordering::Relaxed);
    let cut = ask("ref=next").await.unwrap();
    assert_eq!(cut.status(), 200);
    assert!(cut.bytes().await.is_err());
}

#[tokio::test]
async fn bad_input_is_refused_by_its_name() {
    let served = Served::with_shop().await;
    for (path, status, field) in [
        ("/projects/shop/refs?kind=commit&since=main", 422, "since"),
        ("/projects/shop/refs?kind=tag&of=main&since=main", 422, "since"),
        ("/projects/shop/refs?kind=commit&of=nope&since=main", 422, ""),
        ("/projects/shop/diff?to=main", 422, "from"),
        ("/projects/shop/diff?from=main", 422, "to"),
        ("/projects/shop/diff?from=main&to=next&patch=maybe", 422, "patch"),
        ("/projects/shop/diff?from=main&to=next&limit=x", 422, "limit"),
        ("/projects/shop/diff?from=--output=x&to=main", 422, ""),
        ("/projects/nope/diff?from=main&to=next", 404, ""),
        ("/projects/shop/archive", 422, "ref"),
        ("/projects/shop/archive?ref=nope", 422, ""),
        ("/projects/shop/archive?ref=main&format=rar", 422, "format"),
        ("/projects/shop/archive?ref=main&prefix=../x", 422, "prefix"),
        ("/projects/nope/archive?ref=main", 404, ""),
    ] {
        let (found, problem) = served.get(path).await;
        assert_eq!(found, status, "{path}: {problem}");
        if !field.is_empty() {
            assert_eq!(problem["errors"][0]["field"], field, "{path}: {problem}");
        }
    }
}

#[tokio::test]
async fn only_the_confirmed_key_of_a_git_host_is_pinned() {
    let served = Served::with_shop().await;
    let (status, problem) = served.post("/projects/shop/trust", json!({})).await;
    assert_eq!(status, 422, "{problem}");
    let detail = problem["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(detail.contains("not reached over SSH"), "{problem}");
    let key =
        |name: &str| ScannedKey { key: format!("ssh-ed25519 {name}"), fingerprint: format!("SHA256:{name}") };
    *served.rig.repository.host.lock().unwrap() = Some(vec![key("one"), key("two")]);
    let (status, shown) = served.post("/projects/shop/trust", json!({})).await;
    assert_eq!((status, shown["keys"].as_array().unwrap().len()), (200, 2));
    assert_eq!(shown["pinned"], json!(["ssh-rsa OLD"]));
    let store = &served.rig.store;
    assert!(store.git_host_keys("git.example.com", 22).await.unwrap().is_empty(), "looking pins nothing");
    let (status, wrong) = served.post("/projects/shop/trust", json!({"fingerprint": "SHA256:three"})).await;
    assert_eq!((status, wrong["errors"][0]["field"].as_str()), (422, Some("fingerprint")));
    let (status, pinned) = served.post("/projects/shop/trust", json!({"fingerprint": "SHA256:two"})).await;
    assert_eq!((status, &pinned["pinned"]), (200, &json!(["ssh-ed25519 two"])));
    assert_eq!(store.git_host_keys("git.example.com", 22).await.unwrap(), ["ssh-ed25519 two"]);
    let (_, audit) = served.get("/audit?object=project:shop&limit=1").await;
    let deed = &audit["items"][0];
    assert_eq!(
        (&deed["what"], &deed["detail"]),
        (&json!("git_host.trust"), &json!("git.example.com:22 SHA256:two"))
    );
    assert_eq!(served.post("/projects/nope/trust", json!({})).await.0, 404);
    assert_eq!(served.post("/projects/shop/trust", json!({"finger": 1})).await.0, 422);
}
