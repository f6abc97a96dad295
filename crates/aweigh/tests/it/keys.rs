//! Keys that are made in the server, and keys that take the place of others on every server.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;
use testkit::repo::file;
use testkit::sshd::{FleetSpec, ServerSpec};

use crate::rig::{PATIENCE, Rig};

fn fleet() -> Rig {
    furnished(Rig::new(2))
}

/// Two servers whose `authorized_keys` is where users have it (a link, as some do), with options before the key.
fn furnished(rig: Rig) -> Rig {
    for number in [1, 2] {
        let path = authorized(&rig, number);
        let key = fs::read_to_string(&path).unwrap();
        fs::write(
            &path,
            format!("# who may log in\n\nno-agent-forwarding,no-X11-forwarding {}\n", key.trim()),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let ssh = rig.server(number).home.join(".ssh");
        fs::create_dir(&ssh).unwrap();
        symlink(&path, ssh.join("authorized_keys")).unwrap();
    }
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("");
    rig
}

/// The file that sshd of a server reads.
fn authorized(rig: &Rig, number: usize) -> PathBuf {
    rig.server(number).home.parent().unwrap().join("authorized_keys")
}

fn lines(rig: &Rig, number: usize) -> Vec<String> {
    fs::read_to_string(authorized(rig, number)).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_key_is_replaced_on_every_server_and_the_old_one_opens_nothing() {
    let rig = fleet();
    rig.release("main");
    let before = lines(&rig, 1);
    let told = rig.ok(["credentials", "rotate", "deploy"]);
    assert!(told.contains("web-1") && told.contains("the new one"), "{told}");
    let new = rig.ok(["credentials", "show", "deploy"]);
    for number in [1, 2] {
        let expected = [
            "# who may log in".to_owned(),
            String::new(),
            format!("no-agent-forwarding,no-X11-forwarding {}", new.trim()),
        ];
        assert_eq!(lines(&rig, number), expected);
        assert_ne!(lines(&rig, number)[2], before[2]);
        let mode = fs::metadata(authorized(&rig, number)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(rig.server(number).home.join(".ssh/authorized_keys").is_symlink());
    }
    let names = fs::read_dir(authorized(&rig, 1).parent().unwrap()).unwrap();
    assert!(!names.flatten().any(|entry| entry.file_name().to_string_lossy().contains(".aweigh-")));
    rig.release("main");
    // The key of the fleet file is the old one.
    let ran = rig.run(["apply", "-f", rig.folder.path().join("fleet.toml").to_str().unwrap()]);
    assert!(ran.out.contains("credential deploy"), "{ran:?}");
    assert_eq!(rig.run(["servers", "check", "web-1"]).code, 1);
}

#[test]
fn where_a_server_cannot_be_reached_both_keys_stay_valid_and_the_same_rotation_goes_on() {
    let mut rig = fleet();
    rig.fleet.servers[1].stop();
    let old = rig.ok(["credentials", "show", "deploy"]);
    let ran = rig.run(["credentials", "rotate", "deploy", "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told["replaced"], false);
    assert_eq!(
        (told["servers"][0]["state"].as_str(), told["servers"][1]["state"].as_str()),
        (Some("both"), Some("old"))
    );
    assert!(told["servers"][1]["trouble"].as_str().is_some_and(|why| !why.is_empty()), "{told}");
    let new = told["public_key"].as_str().unwrap().to_owned();
    assert_eq!(rig.ok(["credentials", "show", "deploy"]), old, "the old one is in use");
    let both = lines(&rig, 1);
    assert!(both[2].ends_with(old.trim()) && both[3].ends_with(&new), "{both:?}");
    rig.ok(["servers", "check", "web-1"]);

    rig.kill();
    rig.start();
    rig.fleet.servers[1].start();
    let told: serde_json::Value =
        serde_json::from_str(&rig.ok(["credentials", "rotate", "deploy", "--json"])).unwrap();
    assert_eq!((told["replaced"].as_bool(), told["public_key"].as_str()), (Some(true), Some(new.as_str())));
    for number in [1, 2] {
        assert!(
            lines(&rig, number).iter().all(|line| !line.contains(old.trim())),
            "{:?}",
            lines(&rig, number)
        );
    }
    rig.release("main");
    // Nothing is left of it: the next one is a new one.
    rig.ok(["credentials", "rotate", "deploy"]);
    assert_ne!(rig.ok(["credentials", "show", "deploy"]).trim(), new);
}

#[test]
fn a_server_that_comes_while_a_key_is_replaced_learns_the_new_one_too() {
    // web-1 copies its keys only when it is told to. Until then the replacement is under way.
    let tools = tempfile::tempdir().unwrap();
    let [cp, waits, go] = ["cp", "waits", "go"].map(|name| tools.path().join(name));
    let text = format!(
        "#!/bin/sh\n: >{}\nwhile [ ! -e {} ]; do sleep 0.02; done\nexec /bin/cp \"$@\"\n",
        waits.display(),
        go.display()
    );
    fs::write(&cp, text).unwrap();
    fs::set_permissions(&cp, fs::Permissions::from_mode(0o755)).unwrap();
    let path = Some(format!("{}:/usr/bin:/bin", tools.path().display()));
    let special = vec![(0, ServerSpec { path, ..ServerSpec::default() })];
    let rig = furnished(Rig::with(FleetSpec { servers: 2, special, ..FleetSpec::default() }));
    let old = rig.ok(["credentials", "show", "deploy"]);
    assert_eq!(rig.http("DELETE", "/servers/web-2", None).0, 204);
    let told = std::thread::scope(|scope| {
        let rotating = scope.spawn(|| rig.ok(["credentials", "rotate", "deploy", "--json"]));
        let until = Instant::now() + PATIENCE;
        while !waits.exists() {
            assert!(Instant::now() < until && !rotating.is_finished(), "web-1 was not asked");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        rig.apply("");
        fs::write(&go, "").unwrap();
        rotating.join().unwrap()
    });
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let states: Vec<_> =
        told["servers"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!((told["replaced"].as_bool(), states), (Some(true), vec!["new", "new"]));
    assert!(lines(&rig, 2).iter().all(|line| !line.contains(old.trim())), "{:?}", lines(&rig, 2));
    rig.release("main");
}

#[test]
fn a_server_that_keeps_its_keys_elsewhere_is_named_and_can_be_helped_by_hand() {
    let rig = fleet();
    let link = rig.server(2).home.join(".ssh/authorized_keys");
    fs::remove_file(&link).unwrap();
    let ran = rig.run(["credentials", "rotate", "deploy", "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let (new, trouble) =
        (told["public_key"].as_str().unwrap(), told["servers"][1]["trouble"].as_str().unwrap());
    assert!(trouble.contains("there is no") && trouble.ends_with(new), "{trouble}");
    symlink(authorized(&rig, 2), link).unwrap();
    rig.ok(["credentials", "rotate", "deploy"]);
}

#[test]
fn a_key_is_made_in_the_server_and_only_its_public_half_leaves() {
    let rig = fleet();
    let line = rig.ok(["credentials", "generate", "fresh"]);
    assert!(line.starts_with("ssh-ed25519 AAAA") && line.trim().ends_with("aweigh:fresh"), "{line}");
    let shown = rig.get("/credentials/fresh");
    assert_eq!((shown["public_key"].as_str(), shown["kind"].as_str()), (Some(line.trim()), Some("ssh-key")));
    assert!(!shown.to_string().contains("PRIVATE"));
    let path = authorized(&rig, 1);
    fs::write(&path, fs::read_to_string(&path).unwrap() + &line).unwrap();
    rig.http("PATCH", "/servers/web-1", Some(json!({ "credential": "fresh" })));
    rig.ok(["servers", "check", "web-1"]);

    assert_eq!(rig.run(["credentials", "generate", "fresh"]).code, 4);
    for (path, body, status) in [
        ("/credentials/other/generate", json!({"kind": "ssh-password"}), 422),
        ("/credentials/other/generate", json!({"kind": "rsa"}), 422),
        ("/credentials/other/generate", json!({}), 422),
        ("/credentials/-/generate", json!({"kind": "ssh-key"}), 404),
        ("/credentials/other/rotate", json!({}), 404),
    ] {
        let (found, answer) = rig.http("POST", path, Some(body.clone()));
        assert_eq!(found, status, "{path} {body}: {answer}");
    }
    rig.ok(["credentials", "generate", "repository", "--kind", "git-key"]);
    let (status, answer) = rig.http("POST", "/credentials/repository/rotate", Some(json!({})));
    assert_eq!(status, 422, "{answer}");
}
