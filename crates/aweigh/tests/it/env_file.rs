//! The file of variables and secrets: written into each release, restored by a rollback, and never in the way of a file of
//! the repository.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use testkit::repo::file;

use crate::rig::Rig;

const PASSWORD: &str = "it's $5 \"and\" `more`\\";

fn shop(more: &str) -> Rig {
    let rig = Rig::new(2);
    rig.repo.commit([("file", file("1\n"))]);
    apply(&rig, "one", more);
    let path = "/projects/shop/environments/production/secrets/DB_PASSWORD";
    assert_eq!(rig.http("PUT", path, Some(json!({ "value": PASSWORD }))).0, 200);
    rig
}

fn apply(rig: &Rig, level: &str, more: &str) {
    rig.apply(&format!("env_file = \".env\"\nvariables = {{ LEVEL = \"{level}\" }}\n{more}"));
}

/// What a shell reads in the file of what is live.
fn read(rig: &Rig, number: usize) -> String {
    let live = rig.root(number).join("current");
    let script = "set -a; . ./.env; printf '%s %s' \"$LEVEL\" \"$DB_PASSWORD\"";
    let output = std::process::Command::new("sh").args(["-c", script]).current_dir(live).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_release_has_its_own_file_and_a_rollback_restores_it() {
    let rig = shop("");
    rig.release("main");
    for number in [1, 2] {
        assert_eq!(read(&rig, number), format!("one {PASSWORD}"));
        let path = rig.root(number).join("current/.env");
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(rig.node(1, "web-1/env_file")["status"], "ok");
    assert_eq!(rig.log(1, "web-1/env_file"), ".env: DB_PASSWORD, LEVEL\n");

    apply(&rig, "two", "");
    rig.http("PUT", "/servers/web-2/secrets/DB_PASSWORD", Some(json!({ "value": "of web-2" })));
    rig.repo.commit([("file", file("2\n"))]);
    rig.release("main");
    assert_eq!((read(&rig, 1), read(&rig, 2)), (format!("two {PASSWORD}"), "two of web-2".to_owned()));
    // What runs is still built upon: only what changed was sent.
    assert!(
        rig.log(2, "web-1/upload").contains("is shared with what runs there"),
        "{}",
        rig.log(2, "web-1/upload")
    );

    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!((read(&rig, 1), read(&rig, 2)), (format!("one {PASSWORD}"), format!("one {PASSWORD}")));
    assert_eq!(rig.node(3, "web-1/env_file")["status"], "skipped");

    // A folder whose file was touched is not what was good: it is staged anew, with the values of now.
    rig.ok(["unlock", "shop", "-e", "production"]);
    rig.ok(["rollback", "shop", "-e", "production", "--to", "2"]);
    let old = rig.root(1).join("releases").join(rig.snapshot(1)["release"]["name"].as_str().unwrap());
    fs::write(old.join(".env"), "LEVEL=by-hand\n").unwrap();
    rig.ok(["unlock", "shop", "-e", "production"]);
    rig.ok(["rollback", "shop", "-e", "production", "--to", "1"]);
    assert_eq!((read(&rig, 1), read(&rig, 2)), (format!("two {PASSWORD}"), format!("one {PASSWORD}")));
}

#[test]
fn hooks_may_change_it_until_the_release_is_staged() {
    let hooks = "[projects.shop.environments.production.hooks]\nafter_upload = \"echo KEY=made-here >> .env\"\n\
                 after_activate = \"grep -c KEY .env\"";
    let rig = shop(hooks);
    rig.release("main");
    assert_eq!(rig.log(1, "web-1/after_activate"), "1\n");
    assert!(!rig.log(1, "web-1/env_file").contains("and"));
}

#[test]
fn a_file_of_the_repository_is_left_alone_and_the_release_fails_before_the_switch() {
    let rig = shop("");
    rig.repo.commit([(".env", file("LEVEL=of-the-repository\n"))]);
    let ran = rig.run(["release", "shop", "-e", "production", "main"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let node = rig.node(1, "web-1/env_file");
    assert!(
        node["reason"].as_str().unwrap().contains(".env is in the tree of this release already"),
        "{node}"
    );
    assert_eq!(rig.current(1), None);
}

#[test]
fn a_file_that_is_linked_or_leads_outside_is_refused() {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    for (keys, field) in [
        (
            "env_file = \".env\"\nlinked_files = [\".env\"]",
            "env_file is .env, which linked_files already covers",
        ),
        (
            "env_file = \"config/.env\"\nlinked_dirs = [\"config\"]",
            "env_file is config/.env, which linked_dirs",
        ),
        ("env_file = \"../.env\"", "env_file"),
        ("env_file = \"/etc/environment\"", "env_file"),
        ("env_file = \"\"", "env_file"),
        ("env_file = \"REVISION\"", "env_file"),
    ] {
        let path = rig.fleet_file(&rig.shop(keys));
        let refused = rig.run(["apply", "-f", path.to_str().unwrap()]);
        assert_eq!(refused.code, 4, "{keys}: {refused:?}");
        assert!(refused.err.contains(field), "{keys}: {refused:?}");
    }
}
