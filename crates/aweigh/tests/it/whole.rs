//! The whole of a commit on the servers: its submodules, and the files that Git LFS keeps.

use std::path::Path;

use testkit::repo::{Entry, Repo, file};

use crate::rig::Rig;

const TRACKED: &str = "*.bin filter=lfs diff=lfs merge=lfs -text\n";

/// A repository of which `lib` is a submodule at `vendor/lib`; both have a file that Git LFS keeps.
struct World {
    rig: Rig,
    lib: Repo,
}

impl World {
    fn new(servers: usize) -> Self {
        let (rig, lib) = (Rig::new(servers), Repo::new());
        let modules = format!("[submodule \"lib\"]\n\tpath = vendor/lib\n\turl = {}\n", lib.url());
        rig.repo.commit([(".gitattributes", file(TRACKED)), (".gitmodules", file(&modules))]);
        let world = Self { rig, lib };
        world.lib.commit([(".gitattributes", file(TRACKED))]);
        world
    }

    /// Commits a version of both, and lets the one name the other.
    fn commit(&self, version: &str) {
        let logo = self.lib.lfs(format!("logo {version}").as_bytes());
        let lib = self.lib.commit([("version", file(version)), ("logo.bin", logo)]);
        self.rig.repo.submodule("vendor/lib", &lib);
        let video = self.rig.repo.lfs(format!("video {version}").as_bytes());
        self.rig.repo.commit([("version", file(version)), ("video.bin", video)]);
    }

    /// Every server has this version of everything.
    fn assert_runs(&self, version: &str) {
        for number in 1..=self.rig.fleet.servers.len() {
            let current = self.rig.root(number).join("current");
            let read = |path: &str| std::fs::read_to_string(current.join(path)).unwrap();
            assert_eq!((read("version"), read("vendor/lib/version")), (version.into(), version.into()));
            assert_eq!(read("video.bin"), format!("video {version}"), "web-{number}");
            assert_eq!(read("vendor/lib/logo.bin"), format!("logo {version}"), "web-{number}");
            assert!(!current.join("vendor/lib/.git").exists());
        }
    }
}

#[test]
fn submodules_and_large_files_are_released_moved_and_rolled_back() {
    let world = World::new(2);
    let rig = &world.rig;
    rig.apply("[projects.shop.build]\nsubmodules = true\nlfs = true");
    assert!(rig.ok(["export"]).contains("submodules = true\nlfs = true"));
    world.commit("1");
    rig.release("main");
    world.assert_runs("1");
    let log = rig.log(1, "build");
    assert!(
        log.contains("submodule vendor/lib: commit ") && log.contains("7 bytes of Git LFS from file://"),
        "{log}"
    );
    world.commit("2");
    rig.release("main");
    world.assert_runs("2");
    // A commit that was packed is not fetched again, and neither is what it is made of.
    std::fs::rename(world.lib.path(), world.lib.path().with_extension("away")).unwrap();
    rig.ok(["rollback", "shop", "-e", "production"]);
    world.assert_runs("1");
}

#[test]
fn a_build_finds_submodules_and_large_files_by_the_file_of_the_commit() {
    let world = World::new(1);
    let rig = &world.rig;
    let build =
        "[build]\nrun = \"cat vendor/lib/logo.bin video.bin > both\"\nsubmodules = true\nlfs = true\n";
    rig.repo.commit([("aweigh.toml", file(build))]);
    rig.apply("");
    world.commit("1");
    rig.release("main");
    let both = rig.root(1).join("current/both");
    assert_eq!(std::fs::read_to_string(both).unwrap(), "logo 1video 1");
}

#[test]
fn what_is_not_asked_for_stays_away_and_is_told() {
    let world = World::new(1);
    let rig = &world.rig;
    world.commit("1");
    rig.apply("");
    rig.release("main");
    let current = rig.root(1).join("current");
    assert_eq!(std::fs::read_dir(current.join("vendor/lib")).unwrap().count(), 0);
    assert!(
        std::fs::read_to_string(current.join("video.bin")).unwrap().starts_with("version https://git-lfs")
    );
    rig.apply("[projects.shop.build]\nrun = \"true\"");
    rig.release("main");
    for (release, node) in [(1, "pack"), (2, "build")] {
        let log = rig.log(release, node);
        let told = |text: &str| log.matches(text).count() == 1;
        assert!(told("submodules = true") && told("1 file is a pointer of Git LFS: lfs = true"), "{log}");
    }
    // One that is asked for is told of no more; the other still is.
    rig.apply("[projects.shop.build]\nlfs = true");
    rig.release("main");
    let log = rig.log(3, "build");
    assert!(log.contains("submodules = true") && !log.contains("is a pointer"), "{log}");
    assert_eq!(std::fs::read_to_string(current.join("video.bin")).unwrap(), "video 1");
}

/// F42: what is gone ends the release by name, before any server is touched.
#[test]
fn a_submodule_or_an_object_that_is_gone_ends_the_release_by_name() {
    let world = World::new(1);
    let rig = &world.rig;
    rig.apply("[projects.shop.build]\nsubmodules = true\nlfs = true");
    world.commit("1");
    rig.release("main");
    let failed = |expected: &str| {
        let ran = rig.run(["release", "shop", "-e", "production", "main"]);
        assert!(ran.code == 1 && ran.out.contains(expected), "{ran:?}");
        world.assert_runs("1");
    };
    let objects = |repo: &Repo| std::fs::remove_dir_all(repo.path().join(".git/lfs")).unwrap();
    world.commit("2");
    objects(&world.lib);
    failed("submodule vendor/lib: the LFS object of logo.bin is not to be had from file://");
    rig.repo.submodule("vendor/lib", &"1".repeat(40));
    rig.repo.commit::<&Path>([]);
    failed("submodule vendor/lib: commit 1111111111111111111111111111111111111111 is gone from file://");
    rig.repo.commit([(".gitmodules", Entry::Gone)]);
    failed("submodule vendor/lib is refused: the commit's .gitmodules has no entry with its path");
}

#[test]
fn a_release_is_cancelled_while_a_submodule_is_fetched() {
    let rig = Rig::new(1);
    // Somebody who takes calls and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ssh://git@{}/lib.git", silent.local_addr().unwrap());
    rig.repo.submodule("lib", &"1".repeat(40));
    let modules = format!("[submodule \"lib\"]\n\tpath = lib\n\turl = {url}\n");
    rig.repo.commit([(".gitmodules", file(&modules))]);
    rig.apply("[projects.shop.build]\nsubmodules = true");
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    let call = silent.accept().unwrap();
    rig.ok(["cancel", "1"]);
    rig.wait_for(1, "cancelled");
    assert_eq!(rig.node(1, "build")["status"], "cancelled");
    assert_eq!(rig.current(1), None);
    drop(call);
}
