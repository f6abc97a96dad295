//! Export: the tree equals `git archive`, byte for byte, and nothing in the repository runs or leads out.

use std::{fs, path::Path, time::Duration};

use git::{Error, ExportStats, Policy};
use testkit::repo::{Entry, FIRST_COMMIT_TIME, Listed, Repo, file, hostile_tree, link, tree_listing};

use crate::rig::{Rig, id, local, open};

async fn check_equal(rig: &Rig, commit: &str) -> ExportStats {
    let tree = rig.folder.path().join(format!("tree-{commit}"));
    let stats = rig.mirror.export(&id(commit), &tree).await.unwrap();
    let listing = tree_listing(&tree);
    assert_eq!(listing, rig.repo.archive_listing(commit));
    let count = |kind: fn(&Listed) -> bool| listing.values().filter(|listed| kind(listed)).count() as u64;
    assert_eq!(stats.files, count(|listed| matches!(listed, Listed::File { .. })));
    assert_eq!(stats.links, count(|listed| matches!(listed, Listed::Link { .. })));
    assert_eq!(stats.folders, count(|listed| matches!(listed, Listed::Folder)));
    stats
}

#[tokio::test]
async fn a_hostile_tree_equals_git_archive() {
    let repo = Repo::new();
    let commit = repo.commit(hostile_tree());
    let rig = Rig::fetched(repo).await;
    let stats = check_equal(&rig, &commit).await;
    assert!(stats.files >= 20 && stats.links == 8 && stats.bytes > 70_000, "{stats:?}");
    let tree = rig.folder.path().join(format!("tree-{commit}"));
    assert!(!tree.join(".git").exists());
    let modified = tree.join("empty").metadata().unwrap().modified().unwrap();
    assert_eq!(modified, std::time::UNIX_EPOCH + Duration::from_secs(FIRST_COMMIT_TIME.into()));
    assert!(!Path::new("PWN").exists() && !tree.join("PWN").exists());
}

#[tokio::test]
async fn attributes_of_the_tree_count_and_filters_do_not_run() {
    let repo = Repo::new();
    let attributes = "ignored export-ignore\nsecret/ export-ignore\nversion export-subst\n*.txt text eol=crlf\n\
                      *.bin filter=evil\n*.lfs filter=lfs diff=lfs merge=lfs -text\n";
    let canary = tempfile::tempdir().unwrap();
    let canary = canary.path().join("canary");
    let config = format!("[filter \"evil\"]\n\tsmudge = touch {}\n\trequired = true\n", canary.display());
    let commit = repo.commit([
        (".gitattributes", file(attributes)),
        (".gitconfig", file(&config)),
        ("config", file(&config)),
        ("ignored", file("1")),
        ("secret/key", file("1")),
        ("version", file("$Format:%H %an$\n")),
        ("dos.txt", file("a\nb\n")),
        ("x.bin", file("x")),
        ("large.lfs", file("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")),
    ]);
    let rig = Rig::fetched(repo).await;
    check_equal(&rig, &commit).await;
    let tree = rig.folder.path().join(format!("tree-{commit}"));
    assert!(!tree.join("ignored").exists() && !tree.join("secret/key").exists());
    assert_eq!(fs::read_to_string(tree.join("version")).unwrap(), format!("{commit} Ada Lovelace\n"));
    assert_eq!(fs::read_to_string(tree.join("dos.txt")).unwrap(), "a\r\nb\r\n");
    assert!(fs::read_to_string(tree.join("large.lfs")).unwrap().starts_with("version https://git-lfs"));
    assert!(!canary.exists());
}

#[tokio::test]
async fn every_kind_of_commit_can_be_exported() {
    let repo = Repo::new();
    let empty = repo.commit::<&str>([]);
    let first = repo.commit([("a", file("1")), ("b", file("1"))]);
    let second = repo.commit([("a", link("b")), ("b", Entry::Executable(b"1".to_vec()))]);
    repo.git(["update-index", "--add", "--cacheinfo", &format!("160000,{first},module")]);
    repo.git(["commit", "--quiet", "-m", "with a submodule"]);
    let module = repo.head();
    let rig = Rig::fetched(repo).await;
    for commit in [&empty, &first, &second, &module] {
        check_equal(&rig, commit).await;
    }
}

#[tokio::test]
async fn a_folder_with_something_in_it_is_refused() {
    let repo = Repo::new();
    let commit = id(&repo.commit([("a", file("1"))]));
    let rig = Rig::fetched(repo).await;
    let tree = rig.folder.path().join("tree");
    rig.mirror.export(&commit, &tree).await.unwrap();
    fs::write(tree.join("a"), "mine").unwrap();
    let error = rig.mirror.export(&commit, &tree).await.unwrap_err();
    assert!(matches!(error, Error::NotEmpty { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(tree.join("a")).unwrap(), "mine");
    fs::create_dir(rig.folder.path().join("empty")).unwrap();
    rig.mirror.export(&commit, &rig.folder.path().join("empty")).await.unwrap();
}

#[tokio::test]
async fn a_failed_export_leaves_an_empty_folder() {
    let repo = Repo::new();
    let files = (0..50).map(|n| (format!("{n}/file"), file("some text")));
    let commit = id(&repo.commit(files));
    let rig = Rig::fetched(repo).await;
    let tree = rig.folder.path().join("tree");
    let gone = id(&"1".repeat(40));
    let error = rig.mirror.export(&gone, &tree).await.unwrap_err();
    assert!(matches!(&error, Error::CommitGone { commit, .. } if *commit == gone), "{error:?}");
    assert_eq!(tree_listing(&tree).len(), 0);
    let strict = Policy { max_bytes: 100, ..local() };
    let mirror = open(rig.folder.path(), &rig.repo.url(), strict).await.unwrap();
    let error = mirror.export(&commit, &tree).await.unwrap_err();
    assert_eq!(error.to_string(), "the tree has more than 100 bytes");
    assert_eq!(tree_listing(&tree).len(), 0);
    rig.mirror.export(&commit, &tree).await.unwrap();
    assert_eq!(tree_listing(&tree).len(), 100);
}
