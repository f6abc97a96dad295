//! What servers really run, and how those that were away catch up.

use std::time::Duration;

use actions::Actor;
use aweigh::config::Settings;
use aweigh::server::Server;
use serde_json::{Value, json};
use testkit::repo::file;
use tokio_util::sync::CancellationToken;

use crate::rig::{PATIENCE, Rig};

/// Every run of a hook leaves a line; `unreachable = "skip"` goes on without a server.
const SHOP: &str = "unreachable = \"skip\"\n[projects.shop.environments.production.hooks]\n\
    after_activate = 'echo \"$AWEIGH_RELEASE $AWEIGH_ACTION $AWEIGH_RELEASE_NAME\" >> \"$AWEIGH_SHARED_PATH/ran\"'";

fn rows(rig: &Rig) -> Vec<Value> {
    let ran = rig.run(["drift", "shop", "-e", "production", "--json"]);
    assert!([0, 1].contains(&ran.code), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let servers = report["servers"].as_array().unwrap().clone();
    let is_same = servers.iter().all(|row| row["state"] == "same");
    assert_eq!(ran.code == 0, is_same, "{ran:?}");
    servers
}

fn states(rig: &Rig) -> Vec<Value> {
    rows(rig).into_iter().map(|row| row["state"].clone()).collect()
}

#[test]
fn servers_that_were_away_catch_up() {
    let mut rig = Rig::new(3);
    rig.repo.commit([("version", file("1\n"))]);
    rig.apply(SHOP);
    assert_eq!(states(&rig), ["same", "same", "same"], "nothing is live, and nothing is there");
    rig.release("main");
    let second = rig.repo.commit([("version", file("2\n"))]);
    rig.fleet.servers[1].stop();
    rig.release("main");
    assert_eq!(rig.snapshot(2)["release"]["reason"], "left out: web-2");
    assert_eq!(states(&rig), ["same", "unknown", "same"]);
    let away = rig.run(["catch-up", "shop", "-e", "production"]);
    assert_eq!(away.code, 4, "who is away cannot catch up: {away:?}");

    rig.fleet.servers[1].start();
    let found = rows(&rig);
    assert_eq!((&found[1]["state"], &found[1]["release"]), (&json!("behind"), &json!(1)), "{found:#?}");
    rig.ok(["catch-up", "shop", "-e", "production"]);
    rig.assert_runs(&second);
    let release = rig.snapshot(3)["release"].clone();
    assert_eq!((&release["kind"], &release["rollback_to"]), (&json!("catch_up"), &json!(2)));
    assert_eq!(release["servers"].as_array().unwrap().len(), 1, "the others are left alone");
    let ran = std::fs::read_to_string(rig.root(2).join("shared/ran")).unwrap();
    assert!(ran.lines().last().unwrap().starts_with("3 catch_up "), "{ran}");
    assert_eq!(states(&rig), ["same", "same", "same"]);
    let done = rig.run(["catch-up", "shop", "-e", "production"]);
    assert_eq!(done.code, 4, "{done:?}");
    // The release that came again is still the live one: back is what was before it.
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(rig.snapshot(4)["release"]["rollback_to"], 1);
}

#[test]
fn what_somebody_changed_by_hand_is_found_and_made_uniform() {
    let rig = Rig::new(3);
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.apply(SHOP);
    rig.release("main");
    let link = |number: usize| rig.root(number).join("current");
    std::fs::remove_file(link(1)).unwrap();
    std::fs::remove_file(link(2)).unwrap();
    // A link of two lines is told as what it is, and refused: it could not be put back.
    std::os::unix::fs::symlink("/var/empty; touch PWN\n@link releases/x", link(2)).unwrap();
    let found = rows(&rig);
    assert_eq!(states(&rig), ["behind", "foreign", "same"], "{found:#?}");
    assert_eq!(rig.run(["catch-up", "shop", "-e", "production"]).code, 1);
    assert_eq!(std::fs::read_link(link(2)).unwrap().to_str().unwrap().lines().count(), 2);
    std::fs::remove_file(link(2)).unwrap();
    std::os::unix::fs::symlink("/var/empty; touch PWN", link(2)).unwrap();
    rig.ok(["catch-up", "shop", "-e", "production"]);
    rig.assert_runs(&first);
    assert_eq!(states(&rig), ["same", "same", "same"]);
    // A real folder is refused, and left alone.
    std::fs::remove_file(link(3)).unwrap();
    std::fs::create_dir(link(3)).unwrap();
    assert_eq!(states(&rig), ["same", "same", "foreign"]);
    assert_eq!(rig.run(["catch-up", "shop", "-e", "production"]).code, 1);
    assert!(link(3).is_dir());
    assert_eq!(rig.run(["drift", "shop", "-e", "nowhere"]).code, 4);
}

#[test]
fn a_partial_release_is_made_uniform_by_one_command() {
    let rig = Rig::new(3);
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.apply("[projects.shop.environments.production.hooks]\nafter_activate = 'test ! -e \"$AWEIGH_SHARED_PATH/breaks\"'");
    rig.release("main");
    rig.repo.commit([("version", file("2\n"))]);
    let breaks = rig.root(2).join("shared/breaks");
    std::fs::write(&breaks, "").unwrap();
    let ran = rig.run(["release", "shop", "-e", "production", "main"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    let partial = rig.snapshot(2)["release"].clone();
    assert!(partial["reason"].as_str().unwrap().contains("web-2"), "{partial}");
    std::fs::remove_file(&breaks).unwrap();
    // Its link is back; what runs there nobody knows. Aweigh asks, and brings the rest.
    let differ = rows(&rig).iter().any(|row| row["state"] != "same");
    if differ {
        rig.ok(["catch-up", "shop", "-e", "production"]);
    }
    rig.assert_runs(&first);
}

#[test]
fn drift_is_told_once_shown_and_accepted_until_it_is_another() {
    let mut rig = Rig::new(2);
    rig.repo.commit([("version", file("1\n"))]);
    rig.apply(SHOP);
    rig.release("main");
    let told = |rig: &Rig| -> Vec<String> {
        let said = rig.get("/chat?topic=project:shop");
        let texts = said["items"].as_array().unwrap().iter();
        texts.filter_map(|said| said["data"]["text"].as_str().map(str::to_owned)).collect()
    };
    let differ = |rig: &Rig| rig.get("/board")["items"][0]["drift"].clone();
    let point = |rig: &Rig, to: &str| {
        let link = rig.root(2).join("current");
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(to, link).unwrap();
    };
    assert_eq!((states(&rig), differ(&rig)), (vec![json!("same"), json!("same")], json!(0)));
    let nothing = rig.run(["drift", "shop", "-e", "production", "--accept"]);
    assert!(nothing.code == 4 && nothing.err.contains("differs"), "{nothing:?}");

    point(&rig, "/srv/else");
    for _ in 0..2 {
        assert_eq!(states(&rig), ["same", "foreign"]);
        assert_eq!(differ(&rig), 1);
    }
    assert_eq!(told(&rig), ["Drift in production: web-2 runs /srv/else"], "once");
    assert!(rig.ok(["status"]).contains("1 server differs"));

    let other = rig.run(["drift", "shop", "-e", "production", "--accept", "--servers", "web-1"]);
    assert_eq!(other.code, 4, "{other:?}");
    let accepted = rig.ok(["drift", "shop", "-e", "production", "--accept"]);
    assert!(accepted.contains("foreign, accepted by "), "{accepted}");
    assert_eq!((rig.run(["drift", "shop", "-e", "production"]).code, differ(&rig)), (0, json!(0)));
    // It is remembered, and holds for what was accepted only.
    rig.kill();
    rig.start();
    assert_eq!(rig.run(["drift", "shop", "-e", "production"]).code, 0);
    rig.fleet.servers[1].stop();
    assert_eq!(
        (rig.run(["drift", "shop", "-e", "production"]).code, differ(&rig)),
        (1, json!(0)),
        "it is away"
    );
    rig.fleet.servers[1].start();
    assert_eq!(rig.run(["drift", "shop", "-e", "production"]).code, 0, "what was known stays");
    point(&rig, "/srv/other");
    assert_eq!((rig.run(["drift", "shop", "-e", "production"]).code, differ(&rig)), (1, json!(1)));
    assert_eq!(told(&rig).len(), 2);

    rig.ok(["catch-up", "shop", "-e", "production"]);
    assert_eq!(differ(&rig), 0, "whoever was brought back does not differ");
    assert_eq!((states(&rig), told(&rig).len()), (vec![json!("same"), json!("same")], 2));
}

/// A server of this process, which asks every fifth of a second: a settings file does not allow that.
#[test]
fn servers_are_asked_again_and_again_without_anybody() {
    let mut rig = Rig::new(2);
    rig.repo.commit([("version", file("1\n"))]);
    rig.apply("");
    rig.release("main");
    let link = rig.root(2).join("current");
    let right = std::fs::read_link(&link).unwrap();
    let point = |to: &std::path::Path| {
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(to, &link).unwrap();
    };
    rig.kill();
    let every = Some(Duration::from_millis(200));
    let local = Settings::local(rig.data(), Some("127.0.0.1:0")).unwrap();
    let settings = Settings { look_for_drift: every, ..local };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let stop = CancellationToken::new();
        let server = Server::open(&settings, None, stop.clone()).await.unwrap();
        let until = async |drift: usize| {
            let seen = async {
                while server.actions.board(&Actor::administrator("ada")).await.unwrap()[0].drift != drift {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(PATIENCE, seen).await.expect("the board tells in time");
        };
        until(0).await;
        point("/srv/else".as_ref());
        until(1).await;
        point(&right);
        until(0).await;
        stop.cancel();
    });
}
