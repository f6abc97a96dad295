//! `servers check` and `servers facts` against real sshd: all at once, live, and the same way in as a release.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::{Value, json};
use testkit::repo::file;
use testkit::sshd::{FleetSpec, ServerSpec, Shell};

use crate::rig::Rig;

fn special(extra_config: &str) -> ServerSpec {
    ServerSpec { extra_config: extra_config.to_owned(), ..ServerSpec::default() }
}

#[test]
fn what_is_wrong_with_each_server_is_told_and_the_others_are_good() {
    let busybox = ServerSpec { shell: Shell::Busybox, ..ServerSpec::default() };
    let forced = special("ForceCommand echo only backups here");
    let closed = special("AuthorizedKeysFile none");
    let special = vec![(1, busybox), (2, forced), (3, closed)];
    let rig = Rig::with(FleetSpec { servers: 4, special, ..FleetSpec::default() });
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("[projects.shop.environments.production.hooks]\nafter_activate = { run = \"sudo -n true\", on = \"web-2\" }");

    let ran = rig.run(["servers", "check", "web-1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for line in
        ["✓ web-1  login: ", "✓ web-1  tar: ", "✓ web-1  path shop/production: ~/shop is not there yet"]
    {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    assert!(!ran.out.contains("sudo"), "no hook of it asks for that: {}", ran.out);

    let ran = rig.run(["servers", "check", "env=production"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let place = |number: usize| format!("{}@127.0.0.1:{}", rig.server(number).user, rig.server(number).port);
    for line in [
        format!("✓ web-1  {}\n", place(1)),
        "✗ web-2  sudo: hooks use it, and it is not there\n".to_owned(),
        "✗ web-2  releases cannot run there: sudo\n".to_owned(),
        "✗ web-3  shell: answers something else than the command that was sent: only backups here\n"
            .to_owned(),
        "✗ web-4  releases cannot run there: login\n".to_owned(),
    ] {
        assert!(ran.out.contains(&line), "{line}: {}", ran.out);
    }
    let all: Value =
        serde_json::from_str(&rig.run(["servers", "check", "web-1", "web-4", "--json"]).out).unwrap();
    let words = |name: &str| -> Vec<String> {
        let items = all[name]["items"].as_array().unwrap();
        items
            .iter()
            .map(|found| format!("{} {}", found["what"].as_str().unwrap(), found["status"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(words("web-4"), ["connect ok", "handshake ok", "host key ok", "login failed"]);
    assert!(words("web-1").contains(&"clock ok".to_owned()), "{all}");
    let ran = rig.run(["servers", "check", "web-9"]);
    assert!(ran.code == 4 && ran.err.contains("web-9 means no server"), "{ran:?}");
}

/// T09: a check has no way of its own to a server. Whatever a release would refuse, it refuses, and sends nothing.
#[test]
fn a_check_and_facts_refuse_a_stranger_before_they_send_anything() {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("");
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDiqOi+Oz0uc3cZuxhgX6Vw0PzvO/hedEzypK0HBxfJj";
    assert_eq!(rig.http("PATCH", "/servers/web-1", Some(json!({"host_key": other}))).0, 200);
    let ran = rig.run(["servers", "check", "web-1"]);
    assert!(ran.code == 1 && ran.out.contains("✗ web-1  host key: the host key of"), "{ran:?}");
    assert!(ran.out.contains("has changed: it presents ssh-ed25519 SHA256:"), "{ran:?}");
    assert!(ran.out.contains("aweigh servers trust web-1"), "{ran:?}");
    let ran = rig.run(["servers", "facts", "web-1"]);
    assert!(ran.code == 1 && ran.err.contains("has changed"), "{ran:?}");
    assert!(!rig.server(1).log().contains("Accepted"), "{}", rig.server(1).log());
    // Who may not release may not look either: the same door, the same policy.
    for host in ["-oProxyCommand=x", "h;id", "h\nx", "$(id)", "file:///etc/passwd", ""] {
        assert_eq!(rig.http("PATCH", "/servers/web-1", Some(json!({"host": host}))).0, 422, "{host}");
    }
}

#[test]
fn a_server_that_says_nothing_does_not_hold_the_others() {
    let rig = Rig::new(1);
    rig.apply("");
    // It takes connections and never speaks.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let words = [
        "servers",
        "add",
        "silent",
        "--host",
        "127.0.0.1",
        "--user",
        "u",
        "--credential",
        "deploy",
        "--port",
    ];
    rig.ok(words.into_iter().chain([port.as_str()]));
    let mut check = rig.command();
    check.args(["servers", "check"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = check.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("✓ web-1 "), "{line}");
    assert!(child.try_wait().unwrap().is_none(), "the other is still waited for");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn facts_of_one_server_are_a_list_and_of_many_a_table() {
    let busybox = ServerSpec { shell: Shell::Busybox, ..ServerSpec::default() };
    let fish = ServerSpec { shell: Shell::Fish, ..ServerSpec::default() };
    let tcsh = ServerSpec { shell: Shell::Tcsh, ..ServerSpec::default() };
    let special = vec![(1, busybox), (2, fish), (3, tcsh)];
    let rig = Rig::with(FleetSpec { servers: 4, special, ..FleetSpec::default() });
    rig.apply("");
    let one = rig.ok(["servers", "facts", "web-1"]);
    assert!(one.contains("kernel        Linux ") && one.contains("tar           /"), "{one}");
    let many = rig.ok(["servers", "facts"]);
    assert_eq!(many.lines().count(), 5, "{many}");
    let facts: Value = serde_json::from_str(&rig.ok(["servers", "facts", "--json"])).unwrap();
    for name in ["web-1", "web-2", "web-3", "web-4"] {
        assert!(facts[name]["cpus"].as_u64().unwrap() > 0, "{facts}");
    }
    let tar = |name: &str| facts[name]["tools"][0]["version"].as_str().unwrap().to_owned();
    assert!(tar("web-1").starts_with("GNU ") && tar("web-2").starts_with("BusyBox "), "{facts}");
}
