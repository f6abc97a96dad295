//! A commit on real servers: the tree under `current` is that of `git archive`.

use testkit::repo::{Entry, file, hostile_tree};
use testkit::sshd::{FleetSpec, ServerSpec, Shell};

use crate::rig::Rig;

#[test]
fn the_tree_of_the_commit_runs_on_every_kind_of_server() {
    let busybox = ServerSpec { shell: Shell::Busybox, ..ServerSpec::default() };
    let fish = ServerSpec { shell: Shell::Fish, ..ServerSpec::default() };
    let tcsh = ServerSpec { shell: Shell::Tcsh, ..ServerSpec::default() };
    let special = vec![(5, tcsh), (6, busybox), (7, fish)];
    let rig = Rig::with(FleetSpec { servers: 8, special, ..FleetSpec::default() });
    let first = rig.repo.commit(hostile_tree());
    rig.repo.tag("v1");
    let second = rig.repo.commit([
        ("with space/and  two", file("changed\n")),
        ("quotes'\"`", Entry::Gone),
        ("new file", file("new\n")),
        ("bin/run", file("not executable any more\n")),
    ]);
    rig.repo.tag("v2");
    rig.apply("");

    rig.release("v1");
    rig.assert_runs(&first);
    rig.release("main");
    rig.assert_runs(&second);
    rig.ok(["rollback", "shop", "-e", "production"]);
    rig.assert_runs(&first);
    rig.ok(["rollback", "shop", "-e", "production", "--to", "2"]);
    rig.assert_runs(&second);
    for number in 1..=8 {
        assert!(!rig.root(number).join(".aweigh/lock").is_symlink(), "the lock is given back");
        let log = std::fs::read_to_string(rig.root(number).join("revisions.log")).unwrap();
        assert_eq!(log.lines().count(), 4, "{log}");
        assert!(log.contains(&format!("Branch v1 (at {first}) deployed as release")), "{log}");
    }
}

#[test]
fn what_is_live_stays_until_the_new_one_is_whole() {
    let rig = Rig::new(1);
    let first = rig.repo.commit([("file", file("one\n"))]);
    rig.apply("linked_files = [\".env\"]\nlinked_dirs = [\"storage\", \"var/cache\"]");
    let missing = rig.run(["release", "shop", "-e", "production", "main"]);
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(missing.out.contains(".env") || missing.err.contains(".env"), "{missing:?}");
    assert_eq!(rig.current(1), None);

    rig.share(".env", |_| "SECRET=1\n".to_owned());
    rig.release("main");
    let root = rig.root(1);
    assert_eq!(rig.revision(1), Some(first));
    assert_eq!(std::fs::read_to_string(root.join("current/.env")).unwrap(), "SECRET=1\n");
    std::fs::write(root.join("current/storage/upload"), "kept").unwrap();
    std::fs::write(root.join("current/var/cache/x"), "kept").unwrap();

    // A folder of the commit fills a linked folder once, and never again.
    let second = rig.repo.commit([("storage/seed", file("seed\n")), ("file", file("two\n"))]);
    rig.release("main");
    assert_eq!(rig.revision(1), Some(second));
    assert_eq!(std::fs::read_to_string(root.join("current/storage/upload")).unwrap(), "kept");
    assert!(!root.join("current/storage/seed").exists(), "it was filled before");
    assert_eq!(std::fs::read_to_string(root.join("shared/var/cache/x")).unwrap(), "kept");
}

#[test]
fn old_releases_go_and_good_ones_stay() {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("keep = 2\n[projects.shop.environments.production.hooks]\nafter_upload = \"test -e ok\"");
    rig.repo.commit([("ok", file("")), ("file", file("1\n"))]);
    rig.release("main");
    rig.repo.commit([("file", file("2\n"))]);
    rig.release("main");
    // Two that fail leave their folders; they must not push out good ones.
    rig.repo.commit([("ok", Entry::Gone)]);
    for _ in 0..2 {
        assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    }
    rig.repo.commit([("ok", file("")), ("file", file("5\n"))]);
    rig.release("main");
    let mut left: Vec<String> = std::fs::read_dir(rig.root(1).join("releases"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.rsplit('-').next().unwrap().to_owned())
        .collect();
    left.sort();
    assert_eq!(left, ["2", "5"]);
}

#[test]
fn a_repository_over_ssh_is_read_with_a_key_and_a_known_host() {
    let rig = Rig::new(1);
    let commit = rig.repo.commit([("file", file("1\n"))]);
    let (server, path) = (rig.server(1), rig.repo.path());
    let url = format!("ssh://{}@127.0.0.1:{}{}", server.user, server.port, path.display());
    let project = rig.shop("").replace(&rig.repo.url(), &url);
    let project = project.replacen("repository", "credential = \"shop-git\"\nrepository", 1);
    let text = format!("[credentials.shop-git]\nkind = \"git-key\"\nfile = \"id\"\n{project}");
    rig.ok(["apply", "-f", rig.fleet_file(&text).to_str().unwrap()]);

    let unknown = rig.run(["release", "shop", "-e", "production", "main"]);
    assert!(
        unknown.code == 4
            && unknown.err.contains("is not known")
            && unknown.err.contains("aweigh projects trust shop"),
        "{unknown:?}"
    );
    let line = format!("[127.0.0.1]:{} {}\n", server.port, server.host_key.trim());
    std::fs::write(rig.data().join("known_hosts"), line).unwrap();
    rig.release("main");
    assert_eq!(rig.revision(1), Some(commit));
}

#[test]
fn what_attributes_write_into_a_file_is_of_the_commit_that_is_released() {
    let rig = Rig::new(1);
    // It is not packed itself, as in many repositories.
    let attributes = ".gitattributes export-ignore\nversion export-subst\n";
    rig.repo.commit([(".gitattributes", file(attributes)), ("version", file("$Format:%H$\n"))]);
    rig.apply("");
    for text in ["1", "2"] {
        let commit = rig.repo.commit([("other", file(text))]);
        rig.release("main");
        let current = rig.root(1).join("current");
        assert_eq!(std::fs::read_to_string(current.join("version")).unwrap(), format!("{commit}\n"));
        assert!(!current.join(".gitattributes").exists());
    }
}
