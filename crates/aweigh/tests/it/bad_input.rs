//! Bad input gets one clear sentence that names the thing and the next step, and loses nothing.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::json;
use testkit::repo::{Repo, file};

use crate::rig::{Ran, Rig};

const DEPLOY: [&str; 5] = ["release", "shop", "-e", "production", "main"];

/// A rig with one good release, so that there is something to lose.
fn serving() -> (Rig, String) {
    let rig = Rig::new(1);
    let first = rig.repo.commit([("file", file("1\n"))]);
    rig.apply("");
    rig.release("main");
    (rig, first)
}

fn assert_says(ran: &Ran, code: i32, words: &[&str]) {
    let said = format!("{}{}", ran.out, ran.err);
    assert_eq!(ran.code, code, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in:\n{said}");
    }
}

#[test]
fn hostile_refs_make_no_release() {
    let (rig, first) = serving();
    for bad in [
        "no-such-branch",
        "--upload-pack=touch PWN",
        "-x",
        "a..b",
        "@{-1}",
        "refs/heads/x:refs/heads/y",
        "HEAD^{/x}",
        "",
        "a b",
        "\u{1b}[31m",
    ] {
        let body = json!({"project": "shop", "environment": "production", "ref": bad});
        let (status, problem) = rig.http("POST", "/releases", Some(body));
        assert_eq!(status, 422, "{bad:?}: {problem}");
        assert!(
            ["unknown_ref", "invalid"].contains(&problem["code"].as_str().unwrap()),
            "{bad:?}: {problem}"
        );
    }
    assert_eq!(rig.get("/releases")["items"].as_array().unwrap().len(), 1, "no release was made");
    assert_eq!(rig.revision(1), Some(first));
}

#[test]
fn repositories_that_cannot_be_read_are_named() {
    let (rig, first) = serving();
    let empty = Repo::new();
    for (url, words) in [
        ("file:///no/such/repository".to_owned(), vec!["/no/such/repository"]),
        (empty.url(), vec!["empty"]),
        ("ext::sh -c 'touch PWN'".to_owned(), vec!["repository"]),
        ("--upload-pack=touch PWN".to_owned(), vec!["repository"]),
        ("http://127.0.0.1:1/x.git".to_owned(), vec!["http"]),
        ("https://127.0.0.1:1/x.git".to_owned(), vec!["127.0.0.1:1"]),
    ] {
        let text = rig.shop("").replace(&rig.repo.url(), &url);
        let path = rig.fleet_file(&text);
        let applied = rig.run(["apply", "-f", path.to_str().unwrap()]);
        let ran = if applied.code == 0 { rig.run(DEPLOY) } else { applied };
        assert_says(&ran, 4, &words);
    }
    assert_eq!(rig.revision(1), Some(first));
    assert!(!std::path::Path::new("PWN").exists());
}

#[test]
fn servers_that_cannot_be_used_are_named_and_the_release_fails_before_the_switch() {
    let mut rig = Rig::new(2);
    let first = rig.repo.commit([("file", file("1\n"))]);
    rig.apply("");
    rig.release("main");
    let second = rig.repo.commit([("file", file("2\n"))]);

    // Nobody listens.
    rig.fleet.servers[1].stop();
    assert_says(&rig.run(DEPLOY), 1, &["web-2", "refuses connections"]);
    assert_eq!(rig.node(2, "web-2/upload")["status"], "failed");
    rig.fleet.servers[1].start();

    // Another host key than the pinned one, and none at all.
    let pinned = rig.server(2).host_key.clone();
    let other = rig.server(1).host_key.clone();
    let path = rig.fleet_file(&rig.shop(""));
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, tail) = text.split_at(text.find("[servers.web-2]").unwrap());
    std::fs::write(&path, format!("{head}{}", tail.replacen(pinned.trim(), other.trim(), 1))).unwrap();
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
    assert_says(&rig.run(DEPLOY), 1, &["web-2", "has changed", "servers trust web-2"]);
    // What `servers trust` pinned outlives an apply without a key; a server that is new has none.
    rig.ok(["servers", "remove", "web-2"]);
    std::fs::write(
        &path,
        format!("{head}{}", tail.replacen(&format!("host_key = \"{}\"\n", pinned.trim()), "", 1)),
    )
    .unwrap();
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
    assert_says(&rig.run(DEPLOY), 1, &["web-2", "not known", "servers trust web-2"]);
    assert_eq!(rig.run(["servers", "check", "web-2"]).code, 1);

    // A key that the servers do not know.
    Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(rig.folder.path().join("other"))
        .status()
        .unwrap();
    std::fs::write(&path, text.replace("file = \"id\"", "file = \"other\"")).unwrap();
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
    assert_says(&rig.run(DEPLOY), 1, &["refuses the key"]);

    rig.apply("");
    assert_eq!((rig.revision(1).as_ref(), rig.revision(2).as_ref()), (Some(&first), Some(&first)));
    rig.release("main");
    assert_eq!((rig.revision(1).as_ref(), rig.revision(2).as_ref()), (Some(&second), Some(&second)));
}

#[test]
fn credentials_that_cannot_be_used_are_named() {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    let path = rig.fleet_file(&rig.shop(""));
    let text = std::fs::read_to_string(&path).unwrap();
    let folder = rig.folder.path();
    Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "secret", "-f"])
        .arg(folder.join("locked"))
        .status()
        .unwrap();
    std::fs::create_dir(folder.join("folder")).unwrap();
    for (file, words) in [
        ("missing", vec!["deploy", "missing"]),
        ("folder", vec!["deploy", "folder"]),
        ("locked", vec!["deploy", "passphrase"]),
    ] {
        std::fs::write(&path, text.replace("file = \"id\"", &format!("file = \"{file}\""))).unwrap();
        assert_says(&rig.run(["apply", "-f", path.to_str().unwrap()]), 4, &words);
    }
}

#[test]
fn what_stands_in_the_way_on_a_server_is_refused() {
    let (rig, first) = serving();
    let root = rig.root(1);
    // Not a link: refused, and left alone.
    let link = std::fs::read_link(root.join("current")).unwrap();
    std::fs::remove_file(root.join("current")).unwrap();
    std::fs::create_dir(root.join("current")).unwrap();
    std::fs::write(root.join("current/precious"), "x").unwrap();
    assert_says(&rig.run(DEPLOY), 1, &["current", "not a link", "mv current"]);
    assert!(root.join("current/precious").exists());
    std::fs::remove_dir_all(root.join("current")).unwrap();

    // A link that leads outside is used with a warning, and undo puts it back.
    let outside = rig.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("current")).unwrap();
    rig.repo.commit([("bad", file(""))]);
    rig.apply("[projects.shop.environments.production.hooks]\nafter_activate = \"test \\\"$AWEIGH_ACTION\\\" = undo || test ! -e bad\"");
    assert_eq!(rig.run(DEPLOY).code, 1);
    assert_eq!(rig.status(3), "rolled_back");
    assert_eq!(rig.node(3, "web-1/upload")["status"], "warning");
    assert_eq!(std::fs::read_link(root.join("current")).unwrap(), outside);

    // Switched by somebody else between staging and activation: drift.
    std::fs::remove_file(root.join("current")).unwrap();
    std::os::unix::fs::symlink(&link, root.join("current")).unwrap();
    rig.apply("[projects.shop.environments.production.hooks]\nafter_upload = \"ln -sfn elsewhere \\\"$AWEIGH_CURRENT_PATH\\\"\"");
    assert_says(&rig.run(DEPLOY), 1, &["drift", "elsewhere"]);
    assert_eq!(rig.current(1).as_deref(), Some("elsewhere"), "it is left as somebody wanted it");
    std::fs::remove_file(root.join("current")).unwrap();
    std::os::unix::fs::symlink(&link, root.join("current")).unwrap();
    assert_eq!(rig.revision(1), Some(first));
}

#[test]
fn a_full_disk_leaves_the_live_release_alone() {
    let (rig, first) = serving();
    let small = rig.root(1).join(".aweigh/incoming");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "none"]).arg(&small).status();
    if !mounted.is_ok_and(|status| status.success()) {
        // Without the right to mount there is no small disk to fill.
        eprintln!("skipped: this user may not mount a tmpfs");
        return;
    }
    rig.repo.commit([(
        "big",
        testkit::repo::Entry::File((0..4_000_000_u32).flat_map(u32::to_le_bytes).take(3_000_000).collect()),
    )]);
    let ran = rig.run(DEPLOY);
    Command::new("umount").arg("-l").arg(&small).status().unwrap();
    assert_says(&ran, 1, &["web-1", "No space left"]);
    assert_eq!(rig.revision(1), Some(first));
    rig.release("main");
}

#[test]
fn the_fleet_file_is_checked_as_a_whole() {
    let rig = Rig::new(1);
    for (text, words) in [
        (rig.shop("kep = 3"), vec!["kep", "keep"]),
        (rig.shop("").replace("env=production", "env=nowhere"), vec!["env=nowhere"]),
        (rig.shop("").replace("~/shop", "/"), vec!["path"]),
        (rig.shop("").replace("~/shop", "shop"), vec!["path"]),
        (rig.shop("batches = [0]"), vec!["batches[0]", "one server at least"]),
        (rig.shop("batches = [1, \"101%\"]"), vec!["batches[1]", "101%"]),
        (rig.shop("batches = []"), vec!["batches", "is empty"]),
        (rig.shop("batches = [{ select = \"role=cache\" }]"), vec!["batches[0].select", "role=cache"]),
        (rig.shop("max_failures = -1"), vec!["max_failures", "-1"]),
        (rig.shop("keep = -3"), vec!["keep", "between 1 and 1000"]),
        (rig.shop("keep = 1000000"), vec!["keep", "between 1 and 1000"]),
        (
            rig.shop("[projects.shop.environments.other]\nservers = \"web-1\"\npath = \"~/shop\""),
            vec!["other", "path"],
        ),
        (format!("{}\n[projects.shop]\n", rig.shop("")), vec!["line", "duplicate"]),
    ] {
        let path = rig.fleet_file(&text);
        assert_says(&rig.run(["apply", "-f", path.to_str().unwrap()]), 4, &words);
        assert_eq!(rig.get("/projects")["items"].as_array().unwrap().len(), 0, "all or nothing");
    }
}

#[test]
fn the_data_folder_is_guarded() {
    let mut rig = Rig::new(0);
    // Builds with a user of their own pass it.
    std::fs::set_permissions(rig.data(), std::fs::Permissions::from_mode(0o711)).unwrap();
    let second = Command::new("timeout")
        .args(["20", env!("CARGO_BIN_EXE_aweigh"), "--data"])
        .arg(rig.data())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("aweigh"), "{said}");
    assert!(said.contains("in use") || said.contains("another"), "{said}");
    let mode = std::fs::metadata(rig.data()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o711, "whoever is refused changes nothing");
    rig.kill();
    let serve = |environment: &[(&str, &str)]| {
        let mut command = Command::new("timeout");
        command.args(["20", env!("CARGO_BIN_EXE_aweigh"), "--data"]).arg(rig.data()).args([
            "serve",
            "--listen",
            "127.0.0.1:0",
        ]);
        let output = command.envs(environment.iter().copied()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = serve(&[("AWEIGH_MASTER_KEY", &"ab".repeat(32))]);
    assert!(code != Some(0) && said.contains("master key"), "{said}");
    let key = rig.data().join("master.key");
    std::fs::rename(&key, rig.folder.path().join("kept.key")).unwrap();
    let (code, said) = serve(&[]);
    assert!(code != Some(0) && said.contains("master"), "{said}");
    std::fs::rename(rig.folder.path().join("kept.key"), &key).unwrap();
    let database = rig.data().join("aweigh.db");
    let whole = std::fs::read(&database).unwrap();
    // Without its log there is nothing to mend it from.
    let log = rig.data().join("aweigh.db-wal");
    let kept = std::fs::read(&log).ok();
    std::fs::remove_file(&log).ok();
    std::fs::write(
        &database,
        b"this is no database, and it is long enough to be looked at by SQLite".repeat(100),
    )
    .unwrap();
    let (code, said) = serve(&[]);
    assert!(code != Some(0) && said.contains("aweigh.db"), "{said}");
    std::fs::write(&database, whole).unwrap();
    if let Some(kept) = kept {
        std::fs::write(&log, kept).unwrap();
    }
    rig.start();
    rig.ok(["status"]);
}
