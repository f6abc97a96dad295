//! `put` and `get`, on real servers: three that answer, one behind a narrow line, one that is dead.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::proxy::{Line, Proxy};
use testkit::repo::tree_listing;
use testkit::sshd::{FleetSpec, ServerSpec};

use crate::rig::{Ran, Rig, wait_until};

/// `rig` with its servers, and more of them by name and port, which are `web-1`.
fn apply(rig: &Rig, more: &[(&str, u16)]) {
    let mut text = String::new();
    for (name, port) in more {
        write!(
            text,
            "[servers.{name}]\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"{}\"\ncredential = \"deploy\"\nhost_key = \"{}\"\n",
            rig.server(1).user,
            rig.server(1).host_key.trim(),
        )
        .unwrap();
    }
    let path = rig.fleet_file(&text);
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
}

/// A port where nobody listens.
fn dead() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn noise(bytes: usize) -> Vec<u8> {
    let numbers = (0..u32::MAX).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
    numbers.take(bytes).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn run(rig: &Rig, words: &[&str]) -> Ran {
    rig.run(words.iter().copied())
}

/// The spool is empty again.
fn assert_nothing_waits(rig: &Rig) {
    wait_until("an empty spool", || fs::read_dir(rig.data().join("spool")).unwrap().count() == 0);
}

/// A tree with what transfers stumble over.
fn tree(rig: &Rig) -> PathBuf {
    let tree = rig.folder.path().join("dist");
    fs::create_dir_all(tree.join("a b/-empty")).unwrap();
    fs::write(tree.join("a b/it's $(id)"), noise(100_000)).unwrap();
    fs::write(tree.join("run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(tree.join("run"), fs::Permissions::from_mode(0o750)).unwrap();
    symlink("../run", tree.join("a b/link")).unwrap();
    fs::set_permissions(tree.join("a b/-empty"), fs::Permissions::from_mode(0o500)).unwrap();
    tree
}

#[test]
fn a_file_comes_to_all_that_can_be_reached_and_back_from_each() {
    let rig = Rig::new(3);
    apply(&rig, &[("dead", dead())]);
    let file = rig.folder.path().join("app conf");
    fs::write(&file, noise(300_000)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o740)).unwrap();
    let ran = run(&rig, &["put", "all", text(&file), "~/it's here"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.out.lines().count(), 3, "{ran:?}");
    let dead: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("dead: ")).collect();
    assert!(dead.len() == 1 && dead[0].contains("refuse"), "{ran:?}");
    for number in 1..=3 {
        let there = rig.server(number).home.join("it's here");
        assert!(fs::read(&there).unwrap() == noise(300_000) && mode(&there) == 0o740, "web-{number}");
        fs::write(&there, format!("of web-{number}")).unwrap();
    }
    let ran = run(&rig, &["put", "role=web", text(&file), "~/other", "--json"]);
    let mut objects: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    objects.sort_by_key(|object| object["server"].as_str().unwrap().to_owned());
    assert_eq!((ran.code, objects.len()), (0, 3));
    let deed = rig.get("/audit")["items"][0].clone();
    assert_eq!((&deed["what"], &deed["detail"]), (&json!("files.put"), &json!("role=web: to ~/other")));
    assert_eq!(
        objects[0],
        json!({"server": "web-1", "bytes": 300_000, "ok": true, "files": 1, "resumed": 0})
    );

    let here = rig.folder.path().join("here");
    let ran = run(&rig, &["get", "all", "~/it's here", text(&here)]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for number in 1..=3 {
        let got = here.join(format!("web-{number}/it's here"));
        assert_eq!((fs::read_to_string(&got).unwrap(), mode(&got)), (format!("of web-{number}"), 0o740));
    }
    assert_eq!(fs::read_dir(&here).unwrap().count(), 3);
    // From one server it is the thing itself.
    let one = rig.folder.path().join("one");
    assert_eq!(run(&rig, &["get", "web-2", "~/it's here", text(&one)]).code, 0);
    assert_eq!(fs::read_to_string(&one).unwrap(), "of web-2");
    let again = run(&rig, &["get", "web-3", "~/it's here", text(&one)]);
    assert!(again.code == 4 && again.err.contains("is there already"), "{again:?}");
    assert_eq!(run(&rig, &["get", "web-3", "~/it's here", text(&one), "--replace"]).code, 0);
    assert_eq!(fs::read_to_string(&one).unwrap(), "of web-3");
    assert_nothing_waits(&rig);
    // Nothing is left beside them either.
    let left: Vec<_> =
        fs::read_dir(rig.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".aweigh-get")), "{left:?}");
}

#[test]
fn a_folder_comes_as_it_is_and_replaces_only_when_it_may() {
    let rig = Rig::new(2);
    apply(&rig, &[]);
    let tree = tree(&rig);
    let expected = tree_listing(&tree);
    let ran = run(&rig, &["put", "role=web", text(&tree), "~/www"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for number in 1..=2 {
        let there = rig.server(number).home.join("www");
        assert_eq!(tree_listing(&there), expected, "web-{number}");
        assert_eq!((mode(&there.join("run")), mode(&there.join("a b/-empty"))), (0o750, 0o500));
        fs::write(there.join("mine"), "").unwrap();
    }
    let ran = run(&rig, &["put", "role=web", text(&tree), "~/www"]);
    assert!(ran.code == 1 && ran.err.contains("there is something already"), "{ran:?}");
    assert!(rig.server(1).home.join("www/mine").exists());
    assert_eq!(run(&rig, &["put", "role=web", text(&tree), "~/www", "--replace"]).code, 0);
    let back = rig.folder.path().join("back");
    assert_eq!(run(&rig, &["get", "role=web", "~/www", text(&back)]).code, 0);
    for number in 1..=2 {
        assert_eq!(tree_listing(&rig.server(number).home.join("www")), expected, "web-{number}");
        let got = back.join(format!("web-{number}/www"));
        assert_eq!(tree_listing(&got), expected);
        assert_eq!(mode(&got.join("a b/-empty")), 0o500);
    }
    assert_nothing_waits(&rig);
    let ran = run(&rig, &["put", "role=web", text(&tree), "/etc", "--replace"]);
    assert!(ran.code == 4 && ran.err.contains("to is /etc, which has too much in it"), "{ran:?}");
}

#[test]
fn what_is_cut_off_goes_on_by_itself_and_by_the_same_call() {
    let mut rig = Rig::new(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    // A megabyte takes half a second.
    let line = Line { delay: Duration::from_millis(5), rate: Some(2_000_000) };
    let to = ([127, 0, 0, 1], rig.server(1).port).into();
    let proxy = runtime.block_on(Proxy::start(to, line)).unwrap();
    apply(&rig, &[("far", proxy.address().port())]);
    let file = rig.folder.path().join("large");
    fs::write(&file, noise(4_000_000)).unwrap();
    let home = rig.server(1).home.clone();
    let part = home.join(".large.part");
    let comes = |more_than: u64| {
        wait_until("what comes", || fs::metadata(&part).is_ok_and(|found| found.len() >= more_than));
    };
    let put = |rig: &Rig| {
        let mut command = rig.command();
        command.args(["put", "far", text(&file), "~/large", "--json"]).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    // The connection breaks once: it goes on by itself where it stopped.
    let child = put(&rig);
    comes(500_000);
    rig.fleet.servers[0].stop();
    rig.fleet.servers[0].start();
    let output = child.wait_with_output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(said["ok"] == true && said["resumed"].as_u64().unwrap() >= 400_000, "{said}");
    assert!(fs::read(home.join("large")).unwrap() == noise(4_000_000));
    fs::remove_file(home.join("large")).unwrap();
    // The server goes away: the same call goes on later.
    let child = put(&rig);
    comes(500_000);
    rig.fleet.servers[0].stop();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!home.join("large").exists());
    rig.fleet.servers[0].start();
    let output = put(&rig).wait_with_output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(said["ok"] == true && said["resumed"].as_u64().unwrap() >= 400_000, "{said}");
    assert!(fs::read(home.join("large")).unwrap() == noise(4_000_000) && !part.exists());
}

#[test]
fn what_nobody_waits_for_any_more_leaves_nothing_anywhere() {
    let rig = Rig::new(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let start = |to, rate| {
        let line = Line { delay: Duration::from_millis(1), rate: Some(rate) };
        runtime.block_on(Proxy::start(to, line)).unwrap()
    };
    let far = start(([127, 0, 0, 1], rig.server(1).port).into(), 100_000);
    apply(&rig, &[("far", far.address().port())]);
    let folder = rig.server(1).home.join("logs");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("large"), noise(3_000_000)).unwrap();
    let get = |mut command: std::process::Command, servers: &str, to: &str| {
        command.current_dir(rig.folder.path()).args(["get", servers, "~/logs", to]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    // While one server still sends, what came from the other one waits.
    let mut child = get(rig.command(), "all", "first");
    let large = |place: &Path, server: &str| {
        let large = place.join(server).join("logs/large");
        fs::metadata(large).is_ok_and(|found| found.len() == 3_000_000)
    };
    let spool = rig.data().join("spool");
    let places = || fs::read_dir(&spool).unwrap().map(|place| place.unwrap().path());
    wait_until("what comes first", || places().any(|place| large(&place, "web-1")));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_nothing_waits(&rig);

    // While it is fetched, part of it is beside its place.
    let token = rig.ok(["tokens", "add", "far"]);
    let narrow = start(rig.url().trim_start_matches("http://").parse().unwrap(), 100_000);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_aweigh"));
    command.env("HOME", rig.folder.path()).env("AWEIGH_TOKEN", token.trim());
    command.env("AWEIGH_URL", format!("http://{}", narrow.address()));
    let child = get(command, "web-1", "second");
    let ours = || {
        let entries = fs::read_dir(rig.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.to_string_lossy().contains(".aweigh-get")).collect::<Vec<_>>()
    };
    wait_until("a part of it", || ours().iter().any(|folder| folder.join("web-1/logs/large").exists()));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.code() == Some(3) && said.contains("told to end"), "{:?}: {said}", ended.status);
    assert!(ours().is_empty() && !rig.folder.path().join("second").exists());
}

/// A server on which `tar` gives this archive instead.
fn hostile(folder: &Path, archive: &Path) -> ServerSpec {
    let tar = folder.join("tar");
    fs::write(&tar, format!("#!/bin/sh\nexec cat {}\n", archive.display())).unwrap();
    fs::set_permissions(&tar, fs::Permissions::from_mode(0o755)).unwrap();
    ServerSpec { path: Some(format!("{}:/usr/bin:/bin", folder.display())), ..ServerSpec::default() }
}

#[test]
fn a_hostile_server_writes_nothing_anywhere() {
    let bin = tempfile::tempdir().unwrap();
    let archive = bin.path().join("evil");
    let special = vec![(1, hostile(bin.path(), &archive))];
    let rig = Rig::with(FleetSpec { servers: 2, special, ..FleetSpec::default() });
    apply(&rig, &[]);
    for number in [1, 2] {
        fs::create_dir(rig.server(number).home.join("logs")).unwrap();
        fs::write(rig.server(number).home.join("logs/good"), "good").unwrap();
    }
    fs::write(bin.path().join("file"), "text").unwrap();
    for (round, name) in ["../evil", "../../evil", "/tmp/evil-of-a-get", "a/../../../evil"].iter().enumerate()
    {
        let made = std::process::Command::new("/usr/bin/tar")
            .args(["-cPf", "evil", &format!("--transform=s|file|{name}|"), "file"])
            .current_dir(bin.path())
            .status();
        assert!(made.unwrap().success());
        let to = rig.folder.path().join(format!("got-{round}"));
        let ran = run(&rig, &["get", "role=web", "~/logs", text(&to)]);
        assert!(
            ran.code == 1 && ran.err.contains("web-2: ") && ran.err.contains("does not belong"),
            "{ran:?}"
        );
        assert_eq!(fs::read_to_string(to.join("web-1/logs/good")).unwrap(), "good");
        assert_eq!(fs::read_dir(&to).unwrap().count(), 1, "nothing of the hostile one");
        for place in [rig.folder.path(), &rig.data(), &rig.data().join("spool"), Path::new("/tmp")] {
            assert!(
                !place.join("evil").exists() && !place.join("evil-of-a-get").exists(),
                "{}",
                place.display()
            );
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let mut rig = Rig::new(1);
    apply(&rig, &[]);
    let tree = tree(&rig);
    let file = rig.folder.path().join("file");
    fs::write(&file, noise(3_000_000)).unwrap();
    let (file, tree) = (text(&file), text(&tree));
    for (words, code, says) in [
        (vec!["put", "role=cache", file, "/x/y"], 4, "servers is role=cache, which matches no server"),
        (vec!["put", "all", "/no/such/file", "/x/y"], 4, "cannot read /no/such/file"),
        (vec!["put", "all", file, "/srv/.."], 2, "must name a file or a folder itself"),
        (vec!["put", "all", file, "no/such/folder"], 1, "no/such"),
        (vec!["get", "all", "/no/such/file", "got"], 1, "it is not there"),
        (vec!["get", "role=cache", "/etc/hosts", "got"], 4, "matches no server"),
        (vec!["get", "all", "/dev/null", "got"], 1, "it is no file"),
    ] {
        let ran = run(&rig, &words);
        assert!(ran.code == code && ran.err.contains(says), "{words:?}: {ran:?}");
    }
    let (status, problem) = rig.http("POST", "/put?servers=all&to=/srv/x", Some(json!("no tar file")));
    assert!(status == 422 && problem["errors"][0]["field"] == "archive", "{status} {problem}");
    let (status, problem) = rig.http("POST", "/put?servers=all&to=a%0Ab", None);
    assert!(status == 422 && problem["errors"][0]["field"] == "to", "{status} {problem}");
    assert_eq!(rig.http("GET", "/downloads/..%2Fmaster.key", None).0, 404);
    assert_eq!(rig.http("DELETE", "/downloads/x", None).0, 404);

    // More than the spool takes.
    rig.kill();
    let settings = rig.folder.path().join("server.toml");
    fs::write(&settings, "[limits]\nspool_size = \"1MiB\"\n").unwrap();
    rig.start();
    let ran = run(&rig, &["put", "all", file, "~/large"]);
    assert!(ran.code == 4 && ran.err.contains("spool_size"), "{ran:?}");
    fs::write(rig.server(1).home.join("large"), noise(3_000_000)).unwrap();
    let ran = run(&rig, &["get", "all", "~/large", text(&rig.folder.path().join("got"))]);
    assert!(ran.code == 1 && ran.err.contains("spool_size"), "{ran:?}");
    assert_eq!(run(&rig, &["put", "all", tree, "~/tree"]).code, 0, "room was given back");
    assert_nothing_waits(&rig);
}
