//! Servers that are reached through others: `web-3` through `web-2`, and that through `web-1`.

use serde_json::json;
use testkit::repo::file;
use testkit::sshd::{FleetSpec, ServerSpec};

use crate::rig::Rig;

/// A fleet in which each server is behind the one before it, and whose last two get the project. `change` has the last
/// word about the fleet file.
fn apply(rig: &Rig, more: &str, change: impl FnOnce(String) -> String) {
    let project = rig.shop(more).replace("env=production", "web-2,web-3");
    let path = rig.fleet_file(&project);
    let mut text = std::fs::read_to_string(&path).unwrap();
    for number in [2, 3] {
        let port = format!("port = {}\n", rig.server(number).port);
        text = text.replace(&port, &format!("{port}jump = \"web-{}\"\n", number - 1));
    }
    std::fs::write(&path, change(text)).unwrap();
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
}

fn unpinned(rig: &Rig, number: usize) -> impl FnOnce(String) -> String {
    let pin = format!("host_key = \"{}\"\n", rig.server(number).host_key);
    move |text| text.replace(&pin, "")
}

#[test]
fn a_release_goes_through_two_servers_and_survives_the_death_of_one() {
    let mut rig = Rig::new(3);
    let first = rig.repo.commit([("file", file("1\n"))]);
    let hook = "[projects.shop.environments.production.hooks]\n\
                after_upload = \"echo ran >> \\\"$AWEIGH_SHARED_PATH/ran\\\"; sleep 1\"";
    apply(&rig, hook, |text| text);
    rig.release("main");
    assert_eq!([2, 3].map(|number| rig.revision(number)), [Some(first.clone()), Some(first)]);
    assert!(rig.server(1).log().contains("Accepted publickey"), "nobody came by web-1");
    assert_eq!(rig.current(1), None);

    let second = rig.repo.commit([("file", file("2\n"))]);
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_node(2, "web-3/after_upload", "running");
    rig.fleet.servers[0].stop();
    rig.fleet.servers[0].start();
    rig.wait_for(2, "succeeded");
    assert_eq!([2, 3].map(|number| rig.revision(number)), [Some(second.clone()), Some(second)]);
    for number in [2, 3] {
        let ran = std::fs::read_to_string(rig.root(number).join("shared/ran")).unwrap();
        assert_eq!(ran, "ran\nran\n", "the hook ran once in each release on web-{number}");
    }
}

#[test]
fn a_server_is_trusted_through_the_servers_before_it_and_each_by_its_own_key() {
    let rig = Rig::new(3);
    let commit = rig.repo.commit([("file", file("1\n"))]);
    apply(&rig, "", unpinned(&rig, 3));
    let ran = rig.run(["release", "shop", "-e", "production", "main"]);
    assert!(ran.code == 1 && ran.out.contains("aweigh servers trust web-3"), "{ran:?}");

    let (status, seen) = rig.http("POST", "/servers/web-3/trust", Some(json!({})));
    assert_eq!((status, &seen["keys"][0]["key"]), (200, &json!(rig.server(3).host_key)), "{seen}");
    let fingerprint = seen["keys"][0]["fingerprint"].as_str().unwrap();
    rig.ok(["servers", "trust", "web-3", "--fingerprint", fingerprint]);
    rig.ok(["servers", "check"]);
    rig.release("main");
    assert_eq!(rig.revision(3), Some(commit));

    // The one in the middle is not trusted any more: nothing behind it is reached, and the message says where it ends.
    let (status, _) = rig.http("PATCH", "/servers/web-2", Some(json!({"host_key": []})));
    assert_eq!(status, 200);
    let ran = rig.run(["servers", "check", "web-3"]);
    let place = |number: usize| format!("127.0.0.1:{}", rig.server(number).port);
    let told = format!("jump web-2: the host key of {} (through {}) is not known", place(2), place(1));
    assert!(ran.code == 1 && ran.out.contains("✓ web-3  jump web-1: ") && ran.out.contains(&told), "{ran:?}");
    assert!(ran.out.contains("aweigh servers trust web-2"), "{ran:?}");
}

#[test]
fn a_server_that_others_go_through_stays_and_forbidding_the_way_is_told() {
    let closed = ServerSpec { extra_config: "AllowTcpForwarding no".to_owned(), ..ServerSpec::default() };
    let rig = Rig::with(FleetSpec { servers: 3, special: vec![(1, closed)], ..FleetSpec::default() });
    apply(&rig, "", |text| text);
    let ran = rig.run(["servers", "remove", "web-1"]);
    assert!(ran.code == 4 && ran.err.contains("server web-1 is used by server web-2"), "{ran:?}");
    let (status, problem) = rig.http("DELETE", "/servers/web-2", None);
    assert_eq!((status, &problem["code"]), (409, &json!("held")), "{problem}");
    assert!(rig.ok(["servers", "list"]).contains(" through web-2"));

    let ran = rig.run(["servers", "check"]);
    assert!(ran.code == 1 && ran.out.contains("✓ web-2"), "{ran:?}");
    assert!(
        ran.out.contains("does not allow forwarding") && ran.out.contains("AllowTcpForwarding"),
        "{ran:?}"
    );
    assert!(rig.ok(["export"]).contains("jump = \"web-2\""));
    let jump = |name: &str| rig.http("PATCH", "/servers/web-2", Some(json!({"jump": name})));
    let (status, problem) = jump("web-3");
    assert_eq!(status, 422);
    assert!(problem.to_string().contains("leads back to the server itself"), "{problem}");
    assert_eq!(jump("web-9").0, 422);
    let words = ["servers", "add", "web-4", "--host", "h", "--user", "u", "--credential", "deploy"];
    rig.ok(words.into_iter().chain(["--jump", "web-3"]));
    assert_eq!(rig.get("/servers/web-4")["jump"], json!("web-3"));
}
