//! Attacks T15 and T16: trees that are made to break whoever writes them down, and what an earlier tree left behind.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use git::{Error, Policy};
use testkit::repo::{Repo, file, tree_listing};

use crate::rig::{Rig, id, local, open};

/// A commit whose tree has one file below folders of these names, which git itself would not write to a disk.
fn odd_tree(repo: &Repo, names: &[&str]) -> String {
    let mktree = |line: String| {
        let mut git = Command::new("git");
        git.current_dir(repo.path())
            .args(["mktree", "-z", "--missing"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut git = git.spawn().unwrap();
        git.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        let output = git.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    repo.commit([("a", file("1"))]);
    let blob = repo.git(["rev-parse", "HEAD:a"]);
    let mut names = names.iter().rev();
    let mut tree = mktree(format!("100644 blob {blob}\t{}\0", names.next().unwrap()));
    for name in names {
        tree = mktree(format!("040000 tree {tree}\t{name}\0"));
    }
    let commit = repo.git(["commit-tree", "-m", "odd", &tree]);
    repo.git(["branch", "odd", &commit]);
    commit
}

#[tokio::test]
async fn names_that_no_disk_can_hold_are_a_clear_error() {
    let part = "d".repeat(200);
    let deep: Vec<&str> = std::iter::repeat_n(part.as_str(), 30).collect();
    for names in [&["x".repeat(4096).as_str()][..], &deep] {
        let repo = Repo::new();
        let commit = odd_tree(&repo, names);
        let rig = Rig::new(repo).await;
        // Newer versions of git refuse some of them when they come in.
        if let Err(error) = rig.fetch().await {
            assert!(matches!(error, Error::HostileObject { .. }), "{error:?}");
            continue;
        }
        for folder in ["tree", "checkout"] {
            let folder = rig.folder.path().join(folder);
            let error = if folder.ends_with("tree") {
                rig.mirror.export(&id(&commit), &folder).await.unwrap_err()
            } else {
                rig.mirror.checkout(&id(&commit), &folder).await.unwrap_err()
            };
            assert!(error.to_string().contains("File name too long"), "{error}");
            let left = tree_listing(&folder);
            assert!(left.keys().all(|path| path.starts_with(".aweigh-checkout")), "{left:?}");
        }
    }
}

#[tokio::test]
async fn a_git_folder_below_another_folder_is_refused() {
    let repo = Repo::new();
    let commit = odd_tree(&repo, &["sub", ".git", "config"]);
    let rig = Rig::new(repo).await;
    let error = match rig.fetch().await {
        Ok(()) => rig.mirror.export(&id(&commit), &rig.folder.path().join("tree")).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, Error::HostileObject { .. } | Error::HostileTree { .. }), "{error:?}");
}

#[tokio::test]
async fn names_of_devices_and_names_that_differ_in_case_are_files_like_others() {
    let repo = Repo::new();
    let names = ["CON", "nul", "aux.txt", "COM1", "Read.me", "read.me", "READ.ME/x", "c:\\x", "a:b", "PRN."];
    let commit = repo.commit(names.map(|name| (name, file(name))));
    let rig = Rig::fetched(repo).await;
    let (tree, checkout) = (rig.folder.path().join("tree"), rig.folder.path().join("checkout"));
    rig.mirror.export(&id(&commit), &tree).await.unwrap();
    rig.mirror.checkout(&id(&commit), &checkout).await.unwrap();
    for name in names {
        assert_eq!(fs::read_to_string(tree.join(name)).unwrap(), name);
        assert_eq!(fs::read_to_string(checkout.join(name)).unwrap(), name);
    }
    assert_eq!(tree_listing(&tree), rig.repo.archive_listing(&commit));
}

#[tokio::test]
async fn a_tree_with_too_many_files_is_refused() {
    let repo = Repo::new();
    let commit = repo.commit((0..30).map(|n| (n.to_string(), file("1"))));
    let rig = Rig::fetched(repo).await;
    let strict = open(rig.folder.path(), &rig.repo.url(), Policy { max_files: 20, ..local() }).await.unwrap();
    let tree = rig.folder.path().join("tree");
    let error = strict.export(&id(&commit), &tree).await.unwrap_err();
    assert_eq!(error.to_string(), "the tree has more than 20 entries");
    assert_eq!(error.hint(), "raise repository_files under [limits]");
    assert_eq!(tree_listing(&tree).len(), 0);
}

/// What a build, or whoever else can write there, may leave in a folder: none of it is ever asked.
#[tokio::test]
async fn what_an_earlier_tree_planted_never_runs() {
    let repo = Repo::new();
    let first = id(&repo.commit([("a", file("1"))]));
    let second = id(&repo.commit([(".gitattributes", file("* filter=evil diff=evil\n")), ("a", file("2"))]));
    let rig = Rig::fetched(repo).await;
    let canary = rig.folder.path().join("PWN");
    let touch = format!("touch {}", canary.display());
    let checkout = rig.folder.path().join("checkout");
    rig.mirror.checkout(&first, &checkout).await.unwrap();
    plant(&checkout, &touch);
    plant(rig.folder.path().join("home").as_path(), &touch);
    rig.mirror.checkout(&second, &checkout).await.unwrap();
    rig.mirror.export(&second, &rig.folder.path().join("tree")).await.unwrap();
    rig.mirror.patch(&first, &second, 1 << 20).await.unwrap();
    rig.fetch().await.unwrap();
    assert!(!canary.exists());
    assert_eq!(fs::read_to_string(checkout.join("a")).unwrap(), "2");
}

/// A `.git` and a `.gitconfig` that would run a command at every turn.
fn plant(folder: &Path, touch: &str) {
    let config = format!(
        "[core]\n\tfsmonitor = {touch}\n\thooksPath = {hooks}\n\tsshCommand = {touch}\n[filter \"evil\"]\n\tsmudge = {touch}\n\
         \tclean = {touch}\n\trequired = true\n[diff \"evil\"]\n\tcommand = {touch}\n\ttextconv = {touch}\n[gc]\n\tauto = 1\n",
        hooks = folder.join(".git/hooks").display()
    );
    let git = folder.join(".git");
    fs::create_dir_all(git.join("hooks")).unwrap();
    fs::create_dir_all(git.join("objects")).unwrap();
    fs::create_dir_all(git.join("refs")).unwrap();
    fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(git.join("config"), &config).unwrap();
    fs::write(folder.join(".gitconfig"), &config).unwrap();
    for hook in ["post-checkout", "reference-transaction", "pre-auto-gc", "post-index-change"] {
        let path = git.join("hooks").join(hook);
        fs::write(&path, format!("#!/bin/sh\n{touch}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
