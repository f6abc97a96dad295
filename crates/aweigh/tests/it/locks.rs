//! Locks of environments.

use serde_json::json;
use testkit::repo::file;

use crate::rig::Rig;

const LOCK: &str = "/projects/shop/environments/production/lock";

fn rig() -> Rig {
    let rig = Rig::new(1);
    rig.repo.commit([("version", file("1\n"))]);
    rig.apply("");
    rig.release("main");
    rig.repo.commit([("version", file("2\n"))]);
    rig
}

#[test]
fn a_rollback_locks_what_it_left_until_somebody_unlocks_it() {
    let rig = rig();
    let second = rig.repo.head();
    rig.release("main");
    rig.ok(["rollback", "shop", "-e", "production"]);
    let refused = rig.run(["release", "shop", "-e", "production", "main"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    for word in ["locked", "rolled back by release 3", "aweigh unlock shop -e production"] {
        assert!(refused.err.contains(word), "{word}: {refused:?}");
    }
    assert!(rig.ok(["status"]).contains("locked: rolled back by release 3"));
    let (status, answer) = rig.http(
        "POST",
        "/releases",
        Some(json!({"project": "shop", "environment": "production", "ref": "main"})),
    );
    assert_eq!((status, &answer["code"]), (409, &json!("locked")), "{answer}");
    rig.ok(["unlock", "shop", "-e", "production"]);
    rig.release("main");
    rig.assert_runs(&second);
}

#[test]
fn what_goes_back_is_never_locked_out_and_the_lock_can_be_switched_off() {
    let rig = rig();
    rig.release("main");
    rig.ok(["lock", "shop", "-e", "production", "-m", "the shop is closed"]);
    rig.ok(["rollback", "shop", "-e", "production"]);
    let board = rig.get("/board");
    assert_eq!(board["items"][0]["lock"]["reason"], "the shop is closed", "the lock of a person stays");
    rig.ok(["unlock", "shop", "-e", "production"]);
    rig.apply("lock_after_rollback = false");
    rig.ok(["rollback", "shop", "-e", "production", "--to", "2"]);
    assert_eq!(rig.get("/board")["items"][0].get("lock"), None);
}

#[test]
fn the_owner_of_a_lock_may_release() {
    let rig = rig();
    rig.ok(["lock", "shop", "-e", "production", "-m", "my turn"]);
    // The socket speaks for the administrator of this machine, the token for the user admin: both are `admin`.
    rig.release("main");
    let (status, lock) = rig.http("PUT", LOCK, Some(json!({"reason": "still my turn"})));
    assert_eq!((status, &lock["owner"]), (200, &json!("admin")), "{lock}");
    rig.ok(["lock", "shop", "-e", "production", "-m", "my turn", "--until", "2099-01-01T00:00:00Z"]);
    assert_eq!(rig.get("/board")["items"][0]["lock"]["until"], "2099-01-01T00:00:00Z");
    assert_eq!(rig.ok(["unlock", "shop", "-e", "production"]).lines().count(), 1);
    assert_eq!(rig.run(["unlock", "shop", "-e", "production"]).code, 4, "there is none");
}

#[test]
fn a_lock_that_makes_no_sense_is_refused() {
    let rig = rig();
    for (body, field) in [
        (json!({}), "reason"),
        (json!({"reason": "  "}), "reason"),
        (json!({"reason": "x", "until": "2020-01-01T00:00:00Z"}), "until"),
        (json!({"reason": "a\u{1b}[31mb"}), "reason"),
        (json!({"reason": "x", "til": 1}), "til"),
    ] {
        let (status, answer) = rig.http("PUT", LOCK, Some(body.clone()));
        assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!(field)), "{body}: {answer}");
    }
    assert_eq!(
        rig.http("PUT", "/projects/shop/environments/nowhere/lock", Some(json!({"reason": "x"}))).0,
        404
    );
}
