//! `shared list`, `put` and `get`: what releases share, on two real servers.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::{Value, json};
use testkit::repo::file;

use crate::rig::Rig;

const PLACE: [&str; 3] = ["shop", "-e", "production"];

fn shop() -> Rig {
    let rig = Rig::new(2);
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("linked_files = [\".env\", \"config/local.toml\"]\nlinked_dirs = [\"storage\"]\n");
    rig
}

fn words<'a>(verb: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["shared", verb], &PLACE[..], more].concat()
}

#[test]
fn linked_files_come_before_the_first_release_and_are_listed_as_they_are() {
    let rig = shop();
    let here = rig.folder.path().join("here");
    fs::write(&here, "LEVEL=1\n").unwrap();
    fs::set_permissions(&here, fs::Permissions::from_mode(0o640)).unwrap();
    let from = here.to_str().unwrap();
    // Nothing is there yet: not even the folder of the environment.
    let refused = rig.run(["release", "shop", "-e", "production", "main"]);
    assert!(refused.out.contains("aweigh shared put shop -e production .env FILE"), "{}", refused.out);
    rig.ok(words("put", &[".env", from]));
    rig.ok(words("put", &["config/local.toml", from, "--servers", "web-1"]));
    for (number, has_both) in [(1, true), (2, false)] {
        let shared = rig.root(number).join("shared");
        assert_eq!(fs::read_to_string(shared.join(".env")).unwrap(), "LEVEL=1\n");
        assert_eq!(fs::metadata(shared.join(".env")).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(shared.join("config/local.toml").exists(), has_both);
    }
    symlink("/nowhere", rig.root(2).join("shared/storage")).unwrap();

    let listed: Value = serde_json::from_str(&rig.ok(words("list", &["--json"]))).unwrap();
    let sum = "1dcfc1c9bb97f2536633ef6de665c0d6a40b6946b8513a9ae87e0e236d1a8e9d";
    let kinds = |server: usize| -> Vec<&str> {
        let things = listed[server]["things"].as_array().unwrap();
        things.iter().map(|thing| thing["kind"].as_str().unwrap()).collect()
    };
    assert_eq!((kinds(0), kinds(1)), (vec!["file", "file", "missing"], vec!["file", "missing", "other"]));
    let first = &listed[0]["things"][0];
    assert_eq!((&first["name"], &first["mode"], &first["size"]), (&json!(".env"), &json!("640"), &json!(8)));
    assert_eq!((&first["sha256"], &listed[1]["things"][0]["sha256"]), (&json!(sum), &json!(sum)));
    assert!(rig.ok(words("list", &[])).contains("config/local.toml"));

    // A release has them, and what is put later is seen in it.
    rig.ok(words("put", &["config/local.toml", from]));
    fs::remove_file(rig.root(2).join("shared/storage")).unwrap();
    rig.release("main");
    fs::write(&here, "LEVEL=2\n").unwrap();
    rig.ok(words("put", &[".env", from]));
    assert_eq!(fs::read_to_string(rig.root(2).join("current/.env")).unwrap(), "LEVEL=2\n");
    let to = rig.folder.path().join("back");
    rig.ok(words("get", &[".env", to.to_str().unwrap()]));
    assert_eq!(fs::read_to_string(to.join("web-2/.env")).unwrap(), "LEVEL=2\n");
}

#[test]
fn a_folder_is_put_below_a_linked_one_and_comes_back() {
    let rig = shop();
    let fonts = rig.folder.path().join("fonts");
    fs::create_dir_all(fonts.join("a b")).unwrap();
    fs::write(fonts.join("a b/one"), "1").unwrap();
    let from = fonts.to_str().unwrap();
    rig.ok(words("put", &["storage/deep/fonts", from]));
    assert_eq!(rig.run(words("put", &["storage/deep/fonts", from])).code, 1);
    fs::write(fonts.join("a b/two"), "2").unwrap();
    rig.ok(words("put", &["storage/deep/fonts", from, "--replace"]));
    assert!(rig.root(1).join("shared/storage/deep/fonts/a b/two").is_file());
    let to = rig.folder.path().join("back");
    rig.ok(words("get", &["storage/deep/fonts", to.to_str().unwrap(), "--servers", "web-1"]));
    assert_eq!(fs::read_to_string(to.join("a b/two")).unwrap(), "2");
}

#[test]
fn what_is_not_shared_is_refused_with_its_reason() {
    let rig = shop();
    let file = rig.folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let folder = rig.folder.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let (file, folder, socket) =
        (file.to_str().unwrap(), folder.to_str().unwrap(), rig.data().join("aweigh.sock"));
    for (verb, more, code, part) in [
        ("put", vec!["current", file], 4, "does not share"),
        ("put", vec!["storage2/x", file], 4, "does not share"),
        ("put", vec!["../shared/.env", file], 2, ".."),
        ("put", vec!["/etc/passwd", file], 2, "inside the release"),
        ("put", vec![".env", folder], 4, "is in linked_files, and what was sent is a folder"),
        ("put", vec![".env", socket.to_str().unwrap()], 4, "aweigh.sock\": it is neither a file nor"),
        ("put", vec!["storage", file], 4, "is in linked_dirs, and what was sent is a file"),
        ("put", vec![".env", file, "--servers", "db-1"], 4, "matches no server of production"),
        ("get", vec!["config", "to"], 4, "does not share"),
        ("list", vec!["--servers", "db-1"], 4, "matches no server of production"),
    ] {
        let ran = rig.run(words(verb, &more));
        assert!(ran.code == code && ran.err.contains(part), "{verb} {more:?}: {} {}", ran.code, ran.err);
    }
    let ran = rig.run(["shared", "list", "shop", "-e", "staging"]);
    assert!(ran.code == 4 && ran.err.contains("staging"), "{}", ran.err);
    assert!(!rig.root(1).exists() && !rig.root(2).exists(), "something was written");
    // What cannot be made is told; the other server has it.
    fs::write(rig.root(1), "").unwrap();
    let ran = rig.run(words("put", &[".env", file]));
    assert!(ran.code == 1 && ran.err.contains("shared cannot be made"), "{}", ran.err);
    assert!(rig.root(2).join("shared/.env").is_file());
}
