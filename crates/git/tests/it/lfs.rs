//! Git LFS, with the real `git-lfs`: the files that attributes say, the objects that pointers say, and nothing else.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use git::{Access, Error, Policy};
use testkit::repo::{Entry, FIRST_COMMIT_TIME, Repo, file};

use crate::{
    rig::{Rig, local, open},
    submodules::modules,
};

/// The attributes that `git lfs track "*.bin"` writes.
pub(crate) const TRACKED: &str = "*.bin filter=lfs diff=lfs merge=lfs -text\n";

fn executable(entry: Entry) -> Entry {
    if let Entry::File(bytes) = entry { Entry::Executable(bytes) } else { entry }
}

/// All objects in the mirror.
fn kept(rig: &Rig) -> Vec<PathBuf> {
    let mut folders = vec![rig.mirror_dir().join("lfs/objects")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

fn read(tree: &Path, path: &str) -> String {
    fs::read_to_string(tree.join(path)).unwrap()
}

#[tokio::test]
async fn what_attributes_say_is_brought_and_pointers_elsewhere_stay() {
    let repo = Repo::new();
    let (picture, tool) = (repo.lfs(b"picture\n"), repo.lfs(b"tool\n"));
    let Entry::File(text) = picture.clone() else { unreachable!() };
    let text = String::from_utf8(text).unwrap();
    let commit = repo.commit([
        (".gitattributes", file(TRACKED)),
        ("sub/.gitattributes", file("*.bin !filter\n*.dat filter=lfs\n")),
        ("picture.bin", picture.clone()),
        ("same.bin", picture.clone()),
        ("bin/tool.bin", executable(tool)),
        ("odd \n\"name\".bin", picture.clone()),
        ("sub/plain.bin", picture.clone()),
        ("sub/picture.dat", picture.clone()),
        ("picture.txt", picture),
        ("own.bin", file("not a pointer\n")),
    ]);
    let rig = Rig::fetched(repo).await;
    let tree = rig.whole(&commit).await.unwrap();
    for path in ["picture.bin", "same.bin", "odd \n\"name\".bin", "sub/picture.dat"] {
        assert_eq!(read(&tree, path), "picture\n", "{path}");
    }
    for path in ["sub/plain.bin", "picture.txt"] {
        assert_eq!(read(&tree, path), text, "{path}");
    }
    assert_eq!(
        (read(&tree, "bin/tool.bin"), read(&tree, "own.bin")),
        ("tool\n".into(), "not a pointer\n".into())
    );
    let tool = tree.join("bin/tool.bin").metadata().unwrap();
    assert_eq!((tool.permissions().mode() & 0o777, tool.mtime()), (0o755, FIRST_COMMIT_TIME.into()));
    assert_eq!(kept(&rig).len(), 2);
    let left = fs::read_dir(rig.folder.path()).unwrap().flatten().map(|entry| entry.file_name());
    assert!(
        !left.into_iter().any(|name| name.to_str().unwrap().starts_with("lfs-")),
        "nothing is left behind"
    );
}

#[tokio::test]
async fn objects_are_fetched_once_and_looked_at_with_every_use() {
    let repo = Repo::new();
    let commit = repo.commit([(".gitattributes", file(TRACKED)), ("a.bin", repo.lfs(b"picture\n"))]);
    let rig = Rig::fetched(repo).await;
    rig.whole(&commit).await.unwrap();
    let there = rig.repo.path().join(".git/lfs");
    let away = there.with_extension("away");
    fs::rename(&there, &away).unwrap();
    assert_eq!(read(&rig.whole(&commit).await.unwrap(), "a.bin"), "picture\n");
    let object = kept(&rig).remove(0);
    // On one disk it may be the very file of the other repository.
    fs::remove_file(&object).unwrap();
    fs::write(&object, "Picture\n").unwrap();
    let error = rig.whole(&commit).await.unwrap_err();
    assert!(matches!(error, Error::LfsObject { .. }), "{error:?}");
    // git-lfs has made an empty one.
    fs::remove_dir_all(&there).unwrap();
    fs::rename(&away, &there).unwrap();
    assert_eq!(read(&rig.whole(&commit).await.unwrap(), "a.bin"), "picture\n");
}

#[tokio::test]
async fn the_attributes_are_those_of_the_commit() {
    let repo = Repo::new();
    let picture = repo.lfs(b"picture\n");
    let before = repo.commit([("a.bin", picture.clone())]);
    let tracked = repo.commit([(".gitattributes", file(TRACKED))]);
    repo.commit([(".gitattributes", Entry::Gone)]);
    let rig = Rig::fetched(repo).await;
    assert_eq!(read(&rig.whole(&tracked).await.unwrap(), "a.bin"), "picture\n");
    assert!(read(&rig.whole(&before).await.unwrap(), "a.bin").starts_with("version "));
}

/// F42: what is gone is named, with what to do.
#[tokio::test]
async fn an_object_that_is_gone_is_named() {
    let repo = Repo::new();
    let pointer = repo.lfs(b"picture\n");
    fs::remove_dir_all(repo.path().join(".git/lfs")).unwrap();
    let commit = repo.commit([(".gitattributes", file(TRACKED)), ("img/a.bin", pointer)]);
    let rig = Rig::fetched(repo).await;
    let tree = rig.folder.path().join("tree");
    let error = rig.whole_into(&commit, &tree, &Access::None).await.unwrap_err();
    let Error::LfsObject { path, oid, url, .. } = &error else { panic!("{error:?}") };
    assert_eq!((path.as_str(), oid.len(), url.as_str()), ("img/a.bin", 64, rig.repo.url().as_str()));
    assert!(error.to_string().starts_with("the LFS object of img/a.bin is not to be had from "), "{error}");
    assert!(error.to_string().contains(oid.as_str()) && error.hint().contains("git lfs push --all"));
    assert_eq!(fs::read_dir(&tree).unwrap().count(), 0, "the folder is empty again");
    // The next fetch removes what git-lfs has left, such as its own logs.
    let left = rig.mirror_dir().join("lfs/incomplete/half");
    fs::create_dir_all(left.parent().unwrap()).unwrap();
    fs::write(&left, "half").unwrap();
    rig.fetch().await.unwrap();
    let kept = fs::read_dir(rig.mirror_dir().join("lfs")).unwrap().flatten();
    assert!(kept.map(|entry| entry.file_name()).all(|name| name == "objects"));
}

#[tokio::test]
async fn without_the_program_it_is_said_what_to_install() {
    let path = std::env::var_os("PATH").unwrap();
    let git =
        std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("git");
    fs::write(&program, format!("#!/bin/sh\nPATH=/nonexistent exec '{}' \"$@\"\n", git.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let repo = Repo::new();
    let commit = repo.commit([(".gitattributes", file(TRACKED)), ("a.bin", repo.lfs(b"picture\n"))]);
    let rig = Rig::fetched(repo).await;
    let mirror = open(rig.folder.path(), &rig.repo.url(), Policy { program, ..local() }).await.unwrap();
    let rig = Rig { mirror, ..rig };
    let error = rig.whole(&commit).await.unwrap_err();
    assert!(matches!(error, Error::LfsMissing), "{error:?}");
    assert_eq!(error.hint(), "install git-lfs (on Debian: apt-get install git-lfs)");
}

#[tokio::test]
async fn large_files_of_submodules_come_too() {
    let lib = Repo::new();
    let lib_commit = lib.commit([(".gitattributes", file(TRACKED)), ("a.bin", lib.lfs(b"theirs\n"))]);
    let repo = Repo::new();
    repo.submodule("lib", &lib_commit);
    let ours = repo.lfs(b"ours\n");
    let commit = repo.commit([
        (".gitmodules", modules(&[("lib", &lib.url())])),
        (".gitattributes", file(TRACKED)),
        ("a.bin", ours),
    ]);
    let rig = Rig::fetched(repo).await;
    let tree = rig.whole(&commit).await.unwrap();
    assert_eq!((read(&tree, "a.bin"), read(&tree, "lib/a.bin")), ("ours\n".into(), "theirs\n".into()));
    fs::remove_dir_all(lib.path().join(".git/lfs")).unwrap();
    let gone = lib.commit([("b.bin", lib.lfs(b"gone\n"))]);
    fs::remove_dir_all(lib.path().join(".git/lfs")).unwrap();
    rig.repo.submodule("lib", &gone);
    let commit = rig.repo.commit([("own", file("1"))]);
    rig.fetch().await.unwrap();
    let error = rig.whole(&commit).await.unwrap_err();
    assert!(
        error.to_string().starts_with("submodule lib: the LFS object of b.bin is not to be had"),
        "{error}"
    );
}

#[tokio::test]
async fn the_bytes_of_objects_count_before_any_is_fetched() {
    let repo = Repo::new();
    let huge = "version https://git-lfs.github.com/spec/v1\noid sha256:0000000000000000000000000000000000000000000000000000000000000000\nsize 18446744073709551615\n";
    let commit =
        repo.commit([(".gitattributes", file(TRACKED)), ("a.bin", file(huge)), ("b.bin", file(huge))]);
    let rig = Rig::fetched(repo).await;
    let error = rig.whole(&commit).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the tree has more than {} bytes", local().max_bytes));
    assert_eq!(error.hint(), "raise repository_size under [limits]");
}

#[tokio::test]
async fn nothing_that_a_repository_configures_is_run_or_asked() {
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("canary");
    let touch = format!("touch {}", canary.display());
    let repo = Repo::new();
    let config = format!(
        "[lfs]\n\tfetchexclude = *\n\tskipdownloaderrors = true\n\tstandalonetransferagent = evil\n\
         [lfs \"customtransfer.evil\"]\n\tpath = {touch}\n[lfs \"extension.evil\"]\n\tsmudge = {touch}\n\tpriority = 0\n\
         [credential]\n\thelper = \"!{touch}\"\n[core]\n\tsshCommand = {touch}\n\tfsmonitor = {touch}\n\
         [filter \"lfs\"]\n\tsmudge = {touch}\n\tprocess = {touch}\n\trequired = true\n\
         [include]\n\tpath = /nonexistent\n[alias]\n\tlfs = !{touch}\n"
    );
    let commit = repo.commit([
        (".gitattributes", file(TRACKED)),
        (".lfsconfig", file(&config)),
        (".gitconfig", file(&config)),
        ("config", file(&config)),
        ("a.bin", repo.lfs(b"picture\n")),
    ]);
    // What a hostile administrator of a repository on this machine could set.
    for (name, value) in [("filter.lfs.smudge", &touch), ("core.fsmonitor", &touch), ("alias.lfs", &touch)] {
        repo.git(["config", name, value]);
    }
    let rig = Rig::fetched(repo).await;
    assert_eq!(read(&rig.whole(&commit).await.unwrap(), "a.bin"), "picture\n");
    assert!(!canary.exists());
}
