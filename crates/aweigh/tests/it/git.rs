//! `aweigh git` and `projects trust` against a running Aweigh, a real repository and a real sshd.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::repo::{Entry, Listing, file, tree_listing};

use crate::rig::Rig;

/// A rig with two commits; the tag `v1` is at the first.
fn serving() -> (Rig, [String; 2]) {
    let rig = Rig::new(1);
    let first = rig.repo.commit([("a", file("1\n")), ("folder/gone", file("1\n"))]);
    rig.repo.tag("v1");
    let second = rig.repo.commit([("a", file("1\n2\n")), ("folder/gone", Entry::Gone), ("new", file("n\n"))]);
    rig.apply("");
    (rig, [first, second])
}

fn tree_of(folder: &Path) -> Listing {
    let mut listing = tree_listing(folder);
    listing.retain(|path, _| !path.starts_with(".aweigh-checkout"));
    listing
}

#[test]
fn a_mirror_that_has_nothing_is_fetched_before_anything_is_said_of_it() {
    let (rig, [_, second]) = serving();
    let moved = rig.repo.path().with_extension("away");
    fs::rename(rig.repo.path(), &moved).unwrap();
    for what in ["branches", "tags", "commits"] {
        let ran = rig.run(["git", "shop", what]);
        assert!(ran.code != 0 && ran.out.is_empty(), "{what}: {ran:?}");
    }
    fs::rename(&moved, rig.repo.path()).unwrap();
    let listed = rig.ok(["git", "shop", "branches"]);
    assert!(listed.contains("main") && listed.contains(&second[..7]), "{listed}");
}

#[test]
fn commits_and_differences_between_refs_are_listed() {
    let (rig, [first, second]) = serving();
    let listed = rig.ok(["git", "shop", "commits", "v1..main"]);
    assert!(listed.contains(&second[..7]) && !listed.contains(&first[..7]), "{listed}");
    let files = rig.ok(["git", "shop", "diff", "v1", "main"]);
    insta::assert_snapshot!(files, @r"
    CHANGE    LINES  PATH
    modified  +1 -0  a
    deleted   +0 -1  folder/gone
    added     +1 -0  new
    ");
    let json = rig.ok(["git", "shop", "diff", "v1", "main", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["from"].as_str(), json["to"].as_str()), (Some(first.as_str()), Some(second.as_str())));
    let patch = rig.ok(["git", "shop", "diff", "v1", "main", "--patch"]);
    rig.repo.checkout("v1");
    fs::write(rig.folder.path().join("patch"), patch).unwrap();
    rig.repo.git(["apply", "--index", rig.folder.path().join("patch").to_str().unwrap()]);
    assert_eq!(rig.repo.git(["write-tree"]), rig.repo.git(["rev-parse", "main^{tree}"]));
}

#[test]
fn an_archive_is_whole_or_not_there() {
    let (rig, [first, _]) = serving();
    let at = |name: &str| rig.folder.path().join(name).to_str().unwrap().to_owned();
    rig.ok(["git", "shop", "archive", "v1", "-o", &at("x.tar.gz"), "--prefix", "shop-1"]);
    let tree = at("unpacked");
    fs::create_dir(&tree).unwrap();
    assert!(Command::new("tar").args(["-xzf", &at("x.tar.gz"), "-C", &tree]).status().unwrap().success());
    assert_eq!(tree_listing(&Path::new(&tree).join("shop-1")), rig.repo.archive_listing(&first));
    let piped = rig.command().args(["git", "shop", "archive", "main", "--format", "zip"]).output().unwrap();
    assert!(piped.status.success() && piped.stdout.starts_with(b"PK"));
    for (words, said) in [
        (vec!["nope", "-o", &at("y.tar")], "no branch, tag or commit nope"),
        (vec!["main", "-o", &at("y")], "does not tell the format"),
        (vec!["main", "-o", &at("none/y.tar")], "cannot write"),
        (vec!["main", "-o", &at("y.tar"), "--prefix", "../x"], "prefix"),
        (vec!["--", "--output=x"], "ref --output=x is refused"),
    ] {
        let ran = rig.run(["git", "shop", "archive"].into_iter().chain(words));
        assert_eq!(ran.code, 4, "{}", ran.err);
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    assert!(!Path::new(&at("y.tar")).exists());
    // `script` gives a command a terminal.
    let words = format!("{} git shop archive main", env!("CARGO_BIN_EXE_aweigh"));
    let mut script = Command::new("script");
    script.args(["-q", "-e", "-c", &words, "/dev/null"]).env("AWEIGH_DATA", rig.data()).stdin(Stdio::null());
    let output = script.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("an archive is nothing for a terminal"), "{said}");
}

#[test]
fn a_folder_is_switched_from_ref_to_ref() {
    let (rig, [first, second]) = serving();
    let folder = rig.folder.path().join("checkout");
    let into = folder.to_str().unwrap();
    rig.ok(["git", "shop", "checkout", "main", into]);
    assert_eq!(tree_of(&folder), rig.repo.archive_listing(&second));
    fs::write(folder.join("a"), "by hand").unwrap();
    let said = rig.ok(["git", "shop", "checkout", "v1", into]);
    assert!(said.contains(&first[..7]) && said.contains("2 written, 1 removed, 0 as before"), "{said}");
    assert_eq!(tree_of(&folder), rig.repo.archive_listing(&first));
    fs::write(folder.join("new"), "mine").unwrap();
    let refused = rig.run(["git", "shop", "checkout", "main", into]);
    assert_eq!(refused.code, 4);
    assert!(
        refused.err.contains("new is in the way") && refused.err.contains("hint: move it away"),
        "{}",
        refused.err
    );
    assert_eq!(fs::read_to_string(folder.join("new")).unwrap(), "mine");
    let elsewhere = rig.run(["git", "shop", "checkout", "main", rig.data().to_str().unwrap()]);
    assert_eq!(elsewhere.code, 4);
    assert!(elsewhere.err.contains("is not an empty folder"), "{}", elsewhere.err);
    let unknown = rig.run(["git", "shop", "checkout", "nope", rig.folder.path().join("x").to_str().unwrap()]);
    assert_eq!(unknown.code, 4);
    assert!(!rig.folder.path().join("x").exists());
}

#[test]
fn words_that_make_no_sense_are_refused() {
    let (rig, _) = serving();
    for (words, code) in [
        (&["commits", "a...b"][..], 4),
        (&["commits", "v1..nope"], 4),
        (&["diff", "v1"], 2),
        (&["diff", "v1", "nope"], 4),
        (&["diff", "v1", "main", "--stat", "--patch"], 2),
        (&["archive", "main", "--format", "rar"], 2),
        (&["checkout", "main"], 2),
    ] {
        let ran = rig.run(["git", "shop"].into_iter().chain(words.iter().copied()));
        assert_eq!(ran.code, code, "{words:?}: {}", ran.err);
    }
    assert_eq!(rig.run(["git", "nope", "diff", "v1", "main"]).code, 4);
    assert_eq!(rig.run(["projects", "trust", "nope"]).code, 4);
    let https = rig.run(["projects", "trust", "shop"]);
    assert_eq!(https.code, 4);
    assert!(https.err.contains("not reached over SSH"), "{}", https.err);
}

#[test]
fn a_git_host_is_believed_once_its_key_is_trusted() {
    let rig = Rig::with(testkit::sshd::FleetSpec { servers: 2, ..testkit::sshd::FleetSpec::default() });
    let first = rig.repo.commit([("a", file("1"))]);
    let (host, other) = (rig.server(1), rig.server(2));
    let text = rig.shop("").replace(
        &rig.repo.url(),
        &format!("ssh://{}@127.0.0.1:{}{}", host.user, host.port, rig.repo.path().display()),
    );
    let text = text.replacen("[projects.shop]", "[projects.shop]\ncredential = \"shop-git\"", 1);
    let path = rig.fleet_file(&format!("[credentials.shop-git]\nkind = \"git-key\"\nfile = \"id\"\n{text}"));
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
    let fingerprint = |key: &str| transport::HostKey::parse(key).unwrap().fingerprint();
    let (right, wrong) = (fingerprint(&host.host_key), fingerprint(&other.host_key));

    let unknown = rig.run(["git", "shop", "fetch"]);
    assert_eq!(unknown.code, 4);
    assert!(unknown.err.contains("is not known") && unknown.err.contains(&right), "{}", unknown.err);
    assert!(
        unknown.err.contains("hint: ") && unknown.err.contains("aweigh projects trust shop"),
        "{}",
        unknown.err
    );

    let line = format!("[127.0.0.1]:{} {}\n", host.port, other.host_key.trim());
    fs::write(rig.data().join("known_hosts"), line).unwrap();
    let changed = rig.run(["git", "shop", "fetch"]);
    assert_eq!(changed.code, 4);
    assert!(changed.err.contains("has changed"), "{}", changed.err);
    assert!(changed.err.contains(&right) && changed.err.contains(&wrong), "{}", changed.err);

    let unasked = rig.run(["projects", "trust", "shop"]);
    assert_eq!(unasked.code, 4);
    assert!(unasked.out.contains(&right), "{}", unasked.out);
    assert!(unasked.err.contains("aweigh projects trust shop --fingerprint SHA256:"), "{}", unasked.err);
    assert_eq!(rig.run(["projects", "trust", "shop", "--fingerprint", &wrong]).code, 4);
    assert_eq!(rig.run(["git", "shop", "fetch"]).code, 4, "nothing was pinned");

    rig.ok(["projects", "trust", "shop", "--fingerprint", &right]);
    rig.ok(["git", "shop", "fetch"]);
    assert!(rig.ok(["git", "shop", "branches"]).contains(&first[..7]));
    rig.release("main");
    rig.assert_runs(&first);
}
