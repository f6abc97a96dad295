//! A stored password goes only to where somebody who knows it typed it for: whoever may change a server cannot lead it to a
//! host of their own.

use serde_json::{Value, json};

use crate::rig::Rig;

/// Two servers, of which the first is known, with a password that was typed for it.
fn rig() -> Rig {
    let rig = Rig::new(2);
    let file = rig
        .fleet_file("[credentials.old-box]\nkind = \"ssh-password\"\nsecret = \"correct horse battery\"\n");
    rig.ok(["apply", "-f", file.to_str().unwrap()]);
    // The first server that names it.
    patch(&rig, "/servers/web-1", json!({ "credential": "old-box" }));
    rig
}

fn patch(rig: &Rig, path: &str, body: Value) {
    let (status, answer) = rig.http("PATCH", path, Some(body));
    assert_eq!(status, 200, "{path}: {answer}");
}

/// What the page and the command line do when somebody types it again.
fn retype(rig: &Rig) {
    patch(rig, "/credentials/old-box", json!({ "secret": "correct horse battery" }));
}

/// What a login at `server` ends with. None of these servers takes a password.
fn check(rig: &Rig, server: &str) -> String {
    let (status, answer) = rig.http("POST", &format!("/servers/{server}/check"), Some(json!({})));
    assert_eq!(status, 200, "{answer}");
    answer.to_string()
}

const NOT_TYPED: &str = "was not typed for";

/// How often somebody came to the second server.
fn visits(rig: &Rig) -> usize {
    rig.server(2).log().matches("Connection from").count()
}

#[test]
fn a_server_that_moved_gets_the_password_once_it_was_typed_again() {
    let rig = rig();
    assert!(!check(&rig, "web-1").contains(NOT_TYPED), "{}", check(&rig, "web-1"));
    let (port, key, user) = (rig.server(2).port, rig.server(2).host_key.clone(), rig.server(2).user.clone());
    let before = visits(&rig);
    patch(&rig, "/servers/web-1", json!({ "port": port, "host_key": key.trim() }));
    let told = check(&rig, "web-1");
    assert!(told.contains(NOT_TYPED) && told.contains(&format!("{user}@127.0.0.1:{port}")), "{told}");
    assert!(told.contains("aweigh credentials retype old-box"), "{told}");
    assert_eq!(visits(&rig), before, "nobody came there");
    retype(&rig);
    assert!(!check(&rig, "web-1").contains(NOT_TYPED));
    assert!(visits(&rig) > before);

    for change in [json!({"user": "somebody"}), json!({"host": "localhost"}), json!({"jump": "web-2"})] {
        patch(&rig, "/servers/web-1", change.clone());
        assert!(check(&rig, "web-1").contains(NOT_TYPED), "{change}");
        retype(&rig);
        assert!(!check(&rig, "web-1").contains(NOT_TYPED), "{change}");
    }
    // Labels lead nowhere else.
    patch(&rig, "/servers/web-1", json!({ "labels": { "role": "db" } }));
    assert!(!check(&rig, "web-1").contains(NOT_TYPED));
}

#[test]
fn a_new_server_gets_no_password_that_others_typed_for_theirs() {
    let mut rig = rig();
    let (port, key) = (rig.server(2).port, rig.server(2).host_key.clone());
    let spec = json!({"name": "mine", "host": "127.0.0.1", "port": port, "user": "me", "credential": "old-box",
        "host_key": key.trim()});
    assert_eq!(rig.http("POST", "/servers", Some(spec.clone())).0, 201);
    assert!(check(&rig, "mine").contains(NOT_TYPED));
    rig.kill();
    rig.start();
    assert!(check(&rig, "mine").contains(NOT_TYPED), "a restart changes nothing");
    assert!(!check(&rig, "web-1").contains(NOT_TYPED));
    // Nor does a password that was changed since go where the one before was typed for.
    let host = json!({ "host": "localhost" });
    patch(&rig, "/servers/web-1", host);
    patch(&rig, "/credentials/old-box", json!({ "secret": "another one altogether" }));
    patch(&rig, "/servers/web-1", json!({ "host": "127.0.0.1" }));
    assert!(check(&rig, "web-1").contains(NOT_TYPED));
    assert!(!check(&rig, "mine").contains(NOT_TYPED), "it was typed for all that named it then");
}

#[test]
fn a_fleet_file_that_holds_the_password_types_it() {
    let rig = rig();
    let file = rig.fleet_file(
        "[credentials.old-box]\nkind = \"ssh-password\"\nsecret = \"correct horse battery\"\n\
         [servers.new]\nhost = \"localhost\"\nuser = \"me\"\ncredential = \"old-box\"\n",
    );
    rig.ok(["apply", "-f", file.to_str().unwrap()]);
    assert!(!check(&rig, "new").contains(NOT_TYPED));
    let file = rig.fleet_file(
        "[credentials.old-box]\nkind = \"ssh-password\"\n\
         [servers.new]\nhost = \"127.0.0.1\"\nuser = \"me\"\ncredential = \"old-box\"\n",
    );
    rig.ok(["apply", "-f", file.to_str().unwrap()]);
    assert!(check(&rig, "new").contains(NOT_TYPED));
}

#[test]
fn retype_is_for_passwords_and_says_whether_it_was_the_stored_one() {
    let rig = Rig::new(0);
    let file = rig.fleet_file(
        "[credentials.old-box]\nkind = \"ssh-password\"\nsecret = \"correct horse battery\"\n\
         [credentials.git]\nkind = \"git-token\"\nsecret = \"a-token-of-the-git-host\"\n",
    );
    rig.ok(["apply", "-f", file.to_str().unwrap()]);
    let typed = rig.folder.path().join("typed");
    let retype = |name: &str, secret: &str| {
        std::fs::write(&typed, secret).unwrap();
        rig.run(["credentials", "retype", name, "--file", typed.to_str().unwrap()])
    };
    let same = retype("old-box", "correct horse battery");
    assert!(same.code == 0 && same.out.contains("the password is the stored one"), "{same:?}");
    let other = retype("old-box", "corect horse battery");
    assert!(other.code == 0 && other.out.contains("another password took the place"), "{other:?}");
    let before = rig.get("/credentials/git");
    let token = retype("git", "corect horse battery");
    assert!(token.code == 4 && token.err.contains("its kind is git-token"), "{token:?}");
    assert_eq!(rig.get("/credentials/git"), before, "nothing was stored");
}
