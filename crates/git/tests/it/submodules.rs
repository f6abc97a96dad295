//! Submodules: the tree of a commit with those of others in it, however deep, and what goes wrong with them.

use std::{fs, os::unix::fs::symlink};

use git::{Access, Error, Policy};
use testkit::repo::{Entry, Repo, file, tree_listing};

use crate::{
    http_server::{Behaviour, HttpServer},
    rig::{Rig, local, open},
};

/// `me:hunter2` in base 64.
const BASIC: &str = "Basic bWU6aHVudGVyMg==";

/// What `.gitmodules` says of submodules: path and address of each.
pub(crate) fn modules(of: &[(&str, &str)]) -> Entry {
    let entry =
        |(path, url): &(&str, &str)| format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n");
    file(&of.iter().map(entry).collect::<String>())
}

/// A repository with one submodule.
fn with_submodule(path: &str, url: &str, commit: &str) -> (Repo, String) {
    let repo = Repo::new();
    repo.submodule(path, commit);
    let commit = repo.commit([(".gitmodules", modules(&[(path, url)])), ("own", file("own\n"))]);
    (repo, commit)
}

/// The last two parts of a repository's path, by which another one beside it is reached.
fn beside(repo: &Repo) -> String {
    let path = repo.path();
    let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
    format!("../../{folder}/{}", path.file_name().unwrap().to_str().unwrap())
}

#[tokio::test]
async fn submodules_come_along_with_those_inside_of_them() {
    let (inner, middle) = (Repo::new(), Repo::new());
    let first = inner.commit([("deep", file("1\n")), ("bin/run", Entry::Executable(b"run\n".to_vec()))]);
    middle.submodule("in/ner", &first);
    let middle_first = middle.commit([(".gitmodules", modules(&[("in/ner", &beside(&inner))]))]);
    let (repo, commit) = with_submodule("vendor/middle", &middle.url(), &middle_first);
    let rig = Rig::fetched(repo).await;

    let tree = rig.whole(&commit).await.unwrap();
    let mut expected = rig.repo.archive_listing(&commit);
    for (path, listed) in middle.archive_listing(&middle_first) {
        expected.insert(std::path::Path::new("vendor/middle").join(path), listed);
    }
    for (path, listed) in inner.archive_listing(&first) {
        expected.insert(std::path::Path::new("vendor/middle/in/ner").join(path), listed);
    }
    assert_eq!(tree_listing(&tree), expected);
    assert_eq!(fs::read_to_string(tree.join("vendor/middle/in/ner/deep")).unwrap(), "1\n");

    // Submodules move on; their mirrors are used again.
    let second = inner.commit([("deep", file("2\n"))]);
    middle.submodule("in/ner", &second);
    let middle_second = middle.commit([("middle", file("2\n"))]);
    rig.repo.submodule("vendor/middle", &middle_second);
    let moved = rig.repo.commit([("own", file("own\n"))]);
    rig.fetch().await.unwrap();
    let tree = rig.whole(&moved).await.unwrap();
    assert_eq!(fs::read_to_string(tree.join("vendor/middle/in/ner/deep")).unwrap(), "2\n");
    let mirrors = fs::read_dir(rig.folder.path().join("modules")).unwrap().flatten();
    let names: Vec<String> = mirrors.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 2);
    let is_digits = |name: &String| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(names.iter().all(is_digits), "{names:?}");
    let tree = rig.whole(&commit).await.unwrap();
    assert_eq!(fs::read_to_string(tree.join("vendor/middle/in/ner/deep")).unwrap(), "1\n");
}

#[tokio::test]
async fn a_commit_that_no_branch_has_is_fetched_by_its_id_and_kept() {
    let lib = Repo::new();
    lib.commit([("a", file("1"))]);
    let lonely = lib.commit([("a", file("lonely"))]);
    lib.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    let (repo, commit) = with_submodule("lib", &lib.url(), &lonely);
    let rig = Rig::fetched(repo).await;
    let tree = rig.whole(&commit).await.unwrap();
    assert_eq!(fs::read_to_string(tree.join("lib/a")).unwrap(), "lonely");
    // It is there for as long as the mirror, whatever becomes of the repository.
    lib.git(["reflog", "expire", "--expire=now", "--all"]);
    lib.git(["gc", "--quiet", "--prune=now"]);
    let mirror = fs::read_dir(rig.folder.path().join("modules")).unwrap().flatten().next().unwrap().path();
    let mirror = open(&mirror, &lib.url(), local()).await.unwrap();
    mirror.fetch(&Access::None, |_| ()).await.unwrap();
    let tree = rig.whole(&commit).await.unwrap();
    assert_eq!(fs::read_to_string(tree.join("lib/a")).unwrap(), "lonely");
}

/// F42: what is gone is named, with what to do.
#[tokio::test]
async fn a_submodule_that_is_gone_is_named() {
    let lib = Repo::new();
    lib.commit([("a", file("1"))]);
    let gone = "1".repeat(40);
    let (repo, commit) = with_submodule("vendor/lib", &lib.url(), &gone);
    let rig = Rig::fetched(repo).await;
    let error = rig.whole(&commit).await.unwrap_err();
    assert_eq!(error.to_string(), format!("submodule vendor/lib: commit {gone} is gone from {}", lib.url()));
    assert!(
        error.hint().starts_with("push that commit to the repository of the submodule"),
        "{}",
        error.hint()
    );

    fs::rename(lib.path(), lib.path().with_extension("away")).unwrap();
    let error = rig.whole(&commit).await.unwrap_err();
    assert_eq!(error.to_string(), format!("submodule vendor/lib: {} was not found", lib.url()));
    assert!(error.said().unwrap().contains("does not appear to be a git repository"));
}

#[tokio::test]
async fn what_gitmodules_tells_no_good_address_of_is_refused() {
    let lib = Repo::new();
    let lib_commit = lib.commit([("a", file("1"))]);
    for (settings, expected) in [
        (
            modules(&[("other", "../x")]),
            "submodule lib is refused: the commit's .gitmodules has no entry with its path",
        ),
        (
            file("[submodule \"lib\"]\n\tpath = lib\n"),
            "submodule lib is refused: its entry in .gitmodules has no url",
        ),
        (modules(&[("lib", "ext::sh -c 'touch PWN'")]), "submodule lib: protocol ext is not allowed"),
        (modules(&[("lib", "git://h/x")]), "submodule lib: protocol git is not allowed"),
        (
            modules(&[("lib", "lib.git")]),
            "submodule lib: repository address lib.git is refused: it is neither",
        ),
        (modules(&[("lib", "../../../../../../x")]), "it leads out of its host"),
        (file("[submodule \"lib\"\n"), "git config failed: "),
        (Entry::Gone, "submodule lib is refused: the commit's .gitmodules has no entry with its path"),
    ] {
        let repo = Repo::new();
        repo.submodule("lib", &lib_commit);
        let commit = repo.commit([(".gitmodules", settings)]);
        let rig = Rig::fetched(repo).await;
        let tree = rig.folder.path().join("tree");
        let error = rig.whole_into(&commit, &tree, &Access::None).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(fs::read_dir(&tree).unwrap().count(), 0, "the folder is empty again");
    }
}

#[tokio::test]
async fn a_protocol_that_the_policy_does_not_list_is_refused_for_a_submodule_too() {
    let lib = Repo::new();
    let lib_commit = lib.commit([("a", file("1"))]);
    for url in [lib.url(), lib.path().display().to_string()] {
        let (repo, commit) = with_submodule("lib", &url, &lib_commit);
        let server = HttpServer::start(repo.path(), Behaviour::default()).await;
        let folder = tempfile::tempdir().unwrap();
        let policy = Policy { allow_protocols: vec!["http".into()], ..local() };
        let mirror = open(folder.path(), &format!("{}/.git", server.origin), policy).await.unwrap();
        mirror.fetch(&Access::None, |_| ()).await.unwrap();
        let rig = Rig { repo, mirror, folder };
        let error = rig.whole(&commit).await.unwrap_err();
        assert_eq!(error.to_string(), "submodule lib: protocol file is not allowed");
    }
}

#[tokio::test]
async fn limits_are_those_of_the_whole() {
    let lib = Repo::new();
    let lib_commit = lib.commit([("a", file(&"a".repeat(600))), ("b", file(&"b".repeat(600)))]);
    let (repo, commit) = with_submodule("lib", &lib.url(), &lib_commit);
    let rig = Rig::fetched(repo).await;
    for (policy, expected) in [
        (Policy { max_bytes: 1000, ..local() }, "submodule lib: the tree has more than 1000 bytes"),
        // .gitmodules, own, lib, a and b are five.
        (Policy { max_files: 4, ..local() }, "submodule lib: the tree has more than 4 entries"),
    ] {
        // The mirrors are there already: the limit of a fetch is another one.
        rig.whole(&commit).await.unwrap();
        let mirror = open(rig.folder.path(), &rig.repo.url(), policy).await.unwrap();
        let besides = git::Besides {
            submodules: true,
            lfs: false,
            access: &Access::None,
            owner: "me",
            mirrors: &rig.folder.path().join("modules"),
        };
        let tree = rig.folder.path().join("tree");
        let exported = mirror.export_whole(&crate::rig::id(&commit), &tree, &besides, &mut |_| ()).await;
        assert_eq!(exported.unwrap_err().to_string(), expected);
        assert_eq!(fs::read_dir(&tree).unwrap().count(), 0, "the folder is empty again");
    }
}

#[tokio::test]
async fn two_repositories_that_hold_each_other_come_to_an_end() {
    let (one, other) = (Repo::new(), Repo::new());
    let mut last = one.commit([("a", file("1"))]);
    for round in 0..10 {
        let (holds, held) = if round % 2 == 0 { (&other, &one) } else { (&one, &other) };
        holds.submodule("m", &last);
        last = holds.commit([(".gitmodules", modules(&[("m", &held.url())]))]);
    }
    let rig = Rig::fetched(one).await;
    let error = rig.whole(&last).await.unwrap_err();
    let deep = "more than 8 submodules are inside of each other";
    assert_eq!(error.to_string(), format!("submodule m/m/m/m/m/m/m/m: submodule m is refused: {deep}"));
}

#[tokio::test]
async fn a_submodule_that_attributes_leave_out_is_left_out() {
    let repo = Repo::new();
    repo.submodule("vendor/lib", &"1".repeat(40));
    let commit =
        repo.commit([(".gitattributes", file("vendor/lib export-ignore\n")), ("own", file("own\n"))]);
    let rig = Rig::fetched(repo).await;
    let tree = rig.whole(&commit).await.unwrap();
    assert!(tree.join("own").exists() && !tree.join("vendor/lib").exists());
}

#[tokio::test]
async fn the_credential_goes_to_its_own_host_only() {
    let (near, far, root) = (Repo::new(), Repo::new(), tempfile::tempdir().unwrap());
    let near_commit = near.commit([("near", file("1"))]);
    let far_commit = far.commit([("far", file("1"))]);
    let stranger = HttpServer::start(far.path(), Behaviour::default()).await;
    let repo = Repo::new();
    let far_url = format!("{}/.git", stranger.origin);
    repo.submodule("near", &near_commit);
    repo.submodule("far", &far_commit);
    let commit = repo.commit([(".gitmodules", modules(&[("near", "../../near/.git"), ("far", &far_url)]))]);
    symlink(near.path(), root.path().join("near")).unwrap();
    symlink(repo.path(), root.path().join("shop")).unwrap();
    let guarded = Behaviour { wants: Some(BASIC.into()), ..Behaviour::default() };
    let server = HttpServer::start(root.path().into(), guarded.clone()).await;

    let token = Access::Token { username: Some("me".into()), token: "hunter2".into() };
    for (login, access) in [("", token), ("me:hunter2@", Access::None)] {
        let folder = tempfile::tempdir().unwrap();
        let origin = server.origin.replace("://", &format!("://{login}"));
        let mirror = open(folder.path(), &format!("{origin}/shop/.git"), local()).await.unwrap();
        mirror.fetch(&access, |_| ()).await.unwrap();
        let rig = Rig { repo: Repo::new(), mirror, folder };
        let tree = rig.folder.path().join("tree");
        rig.whole_into(&commit, &tree, &access).await.unwrap();
        assert!(tree.join("near/near").exists() && tree.join("far/far").exists());
        assert!(!stranger.requests.lock().unwrap().is_empty());
        assert_eq!(stranger.authorizations(), [""; 0]);
        assert_eq!(crate::rig::files_with(rig.folder.path(), "hunter2"), [""; 0]);
    }

    // A stranger who asks for a login gets none, and the error says why.
    let stranger = HttpServer::start(far.path(), guarded).await;
    repo.commit([(
        ".gitmodules",
        modules(&[("near", "../../near/.git"), ("far", &format!("{}/.git", stranger.origin))]),
    )]);
    let commit = repo.head();
    let folder = tempfile::tempdir().unwrap();
    let mirror = open(folder.path(), &format!("{}/shop/.git", server.origin), local()).await.unwrap();
    let access = Access::Token { username: Some("me".into()), token: "hunter2".into() };
    mirror.fetch(&access, |_| ()).await.unwrap();
    let rig = Rig { repo, mirror, folder };
    let error = rig.whole_into(&commit, &rig.folder.path().join("tree"), &access).await.unwrap_err();
    let Error::Submodule { path, source } = &error else { panic!("{error:?}") };
    assert!(path == "far" && matches!(**source, Error::LoginRequired { .. }), "{error:?}");
    assert!(
        error.hint().starts_with("the credential of the project goes to its own scheme, host and port only")
    );
    assert_eq!(stranger.authorizations(), [""; 0]);
}

/// Whoever is asked without the credential cannot have it used for an address of ours either.
#[tokio::test]
async fn a_stranger_who_names_a_repository_of_ours_does_not_have_it_opened() {
    let (secret, stranger, root) = (Repo::new(), Repo::new(), tempfile::tempdir().unwrap());
    let secret_commit = secret.commit([("secret", file("1"))]);
    let repo = Repo::new();
    symlink(secret.path(), root.path().join("secret")).unwrap();
    symlink(repo.path(), root.path().join("shop")).unwrap();
    let guarded = Behaviour { wants: Some(BASIC.into()), ..Behaviour::default() };
    let server = HttpServer::start(root.path().into(), guarded).await;
    stranger.submodule("theirs", &secret_commit);
    let url = format!("{}/secret/.git", server.origin);
    let stranger_commit = stranger.commit([(".gitmodules", modules(&[("theirs", &url)]))]);
    repo.submodule("m", &stranger_commit);
    let commit = repo.commit([(".gitmodules", modules(&[("m", &stranger.url())]))]);
    let folder = tempfile::tempdir().unwrap();
    let mirror = open(folder.path(), &format!("{}/shop/.git", server.origin), local()).await.unwrap();
    let access = Access::Token { username: Some("me".into()), token: "hunter2".into() };
    mirror.fetch(&access, |_| ()).await.unwrap();
    let rig = Rig { repo, mirror, folder };
    let error = rig.whole_into(&commit, &rig.folder.path().join("tree"), &access).await.unwrap_err();
    assert_eq!(error.to_string(), format!("submodule m/theirs: {url} wants a login"));
}

#[tokio::test]
async fn what_a_login_has_opened_is_not_for_who_has_none() {
    let private = Repo::new();
    let secret = private.commit([("secret", file("s"))]);
    let guarded = Behaviour { wants: Some(BASIC.into()), ..Behaviour::default() };
    let server = HttpServer::start(private.path(), guarded).await;
    let address = format!("{}/.git", server.origin);
    let opened = address.replace("://", "://me:hunter2@");
    let (repo, commit) = with_submodule("m", &opened, &secret);
    let rig = Rig::fetched(repo).await;
    assert!(rig.whole(&commit).await.unwrap().join("m/secret").exists());
    for other in [address.clone(), address.replace("://", "://me:wrong@")] {
        let commit = rig.repo.commit([(".gitmodules", modules(&[("m", &other)]))]);
        rig.fetch().await.unwrap();
        let Error::Submodule { path, source } = rig.whole(&commit).await.unwrap_err() else {
            panic!("{other}")
        };
        assert!(
            path == "m" && matches!(*source, Error::LoginRequired { .. } | Error::Denied { .. }),
            "{source:?}"
        );
    }
}
