//! Attacks T10 to T20: addresses, refs and repositories that try to make git do something else.

use std::{fs, path::Path, process::Command};

use git::{Access, Error, Policy, RefName, Url};
use proptest::prelude::*;
use testkit::repo::{Repo, file};

use crate::rig::{Rig, local, open};

#[tokio::test]
async fn a_hostile_address_never_reaches_git() {
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("PWN");
    let touch = format!("touch {}", canary.display());
    for url in [
        format!("--upload-pack={touch}"),
        format!("ext::sh -c '{touch}'"),
        format!("-u{touch}"),
        format!("ssh://-oProxyCommand={touch}/x"),
        format!("ssh://git@-oProxyCommand={touch}/x"),
        format!("-oProxyCommand={touch}:x"),
        format!("x@-oProxyCommand={touch}:x"),
        format!("file://host/`{touch}`"),
        "fd::17/foo".into(),
        "git://127.0.0.1/x".into(),
    ] {
        let refused = open(&folder.path().join("mirror"), &url, local()).await.unwrap_err();
        assert!(
            matches!(refused, Error::InvalidUrl { .. } | Error::ProtocolNotAllowed { .. }),
            "{url}: {refused}"
        );
    }
    assert!(!canary.exists() && !folder.path().join("mirror").exists());
}

#[tokio::test]
async fn a_path_that_looks_like_an_option_or_a_command_is_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("PWN");
    for name in ["--upload-pack=touch PWN", "$(touch PWN)", "`touch PWN`", "a;touch PWN", "new repo:x@y"] {
        let path = folder.path().join(name);
        let repo = Repo::new();
        repo.commit([("a", file("1"))]);
        fs::rename(repo.path(), &path).unwrap();
        for url in [path.display().to_string(), format!("file://{}", path.display())] {
            let mirror = open(&folder.path().join("m"), &url, local()).await.unwrap();
            mirror.fetch(&Access::None, |_| ()).await.unwrap();
            assert_eq!(mirror.branches().await.unwrap().len(), 1);
        }
    }
    assert!(!canary.exists() && !Path::new("PWN").exists());
}

#[tokio::test]
async fn a_protocol_outside_the_policy_is_refused_at_every_door() {
    let folder = tempfile::tempdir().unwrap();
    let url = Url::parse("/srv/x", &local()).unwrap();
    let refused = git::GitRepository::open(folder.path(), &url, Policy::default()).await.unwrap_err();
    assert_eq!(refused.to_string(), "protocol file is not allowed");
    let evil = Policy { allow_protocols: vec!["file".into(), "ext".into()], ..local() };
    let refused = git::GitRepository::open(folder.path(), &url, evil).await.unwrap_err();
    assert_eq!(refused.to_string(), "protocol ext is not allowed");
}

#[tokio::test]
async fn nothing_in_a_repository_or_its_remote_configuration_runs() {
    let repo = Repo::new();
    repo.commit([("a", file("1")), ("hooks/post-checkout", file("#!/bin/sh\ntouch PWN\n"))]);
    let canary = repo.path().join("PWN");
    let touch = format!("touch {}", canary.display());
    // What a hostile administrator of a repository on this machine could set.
    for (name, value) in [
        ("core.fsmonitor", touch.as_str()),
        ("uploadpack.packObjectsHook", &touch),
        ("core.sshCommand", &touch),
        ("core.askPass", &touch),
        ("diff.external", &touch),
    ] {
        repo.git(["config", name, value]);
    }
    let rig = Rig::fetched(repo).await;
    let head = rig.mirror.resolve(&crate::rig::name("main")).await.unwrap().commit;
    rig.mirror.export(&head, &rig.folder.path().join("tree")).await.unwrap();
    rig.mirror.changes(&head, &head).await.unwrap();
    assert!(!canary.exists());
    let config = fs::read_to_string(rig.folder.path().join("mirror.git/config")).unwrap();
    assert!(!config.contains("touch"), "{config}");
    assert!(!rig.folder.path().join("mirror.git/hooks").exists());
}

#[tokio::test]
async fn a_submodule_is_never_followed() {
    let repo = Repo::new();
    let first = repo.commit([("a", file("1"))]);
    let modules = "[submodule \"m\"]\n\tpath = m\n\turl = ext::sh -c 'touch PWN'\n\tupdate = none\n";
    repo.commit([(".gitmodules", file(modules))]);
    repo.git(["update-index", "--add", "--cacheinfo", &format!("160000,{first},m")]);
    repo.git(["commit", "--quiet", "-m", "with a submodule"]);
    let rig = Rig::new(repo).await;
    // Whether git's own check refuses it or not, nothing runs.
    let fetched = rig.fetch().await;
    assert!(matches!(fetched, Ok(()) | Err(Error::HostileObject { .. })), "{fetched:?}");
    assert!(!Path::new("PWN").exists() && !rig.folder.path().join("PWN").exists());
}

#[tokio::test]
async fn a_tree_with_a_git_folder_is_refused() {
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    let blob = repo.git(["rev-parse", "HEAD:a"]);
    let tree = repo.path().join("tree");
    let mut bytes = b"100644 .git\0".to_vec();
    bytes.extend((0..40).step_by(2).map(|at| u8::from_str_radix(&blob[at..at + 2], 16).unwrap()));
    fs::write(&tree, bytes).unwrap();
    let tree = repo.git(["hash-object", "-t", "tree", "-w", "--literally", tree.to_str().unwrap()]);
    let commit = repo.git(["commit-tree", "-m", "evil", &tree]);
    repo.git(["branch", "evil", &commit]);
    let rig = Rig::new(repo).await;
    let error = rig.fetch().await.unwrap_err();
    assert!(matches!(error, Error::HostileObject { .. }), "{error:?}");
}

#[tokio::test]
async fn honest_old_repositories_are_accepted() {
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    let tree = repo.git(["rev-parse", "HEAD^{tree}"]);
    let old = format!(
        "tree {tree}\nauthor Old Tool <old@example.com>1000000000 +0000\ncommitter Old <old@example.com> 1000000000 +051800\n\nold\n"
    );
    fs::write(repo.path().join("old"), old).unwrap();
    let commit = repo.git(["hash-object", "-t", "commit", "-w", "--literally", "old"]);
    repo.git(["update-ref", "refs/heads/old", &commit]);
    let rig = Rig::fetched(repo).await;
    assert_eq!(rig.commit("old").await.unwrap(), commit);
}

#[tokio::test]
async fn variables_of_the_caller_do_not_reach_git() {
    // This test runs itself in a process whose environment is hostile.
    if std::env::var_os("GIT_EXEC_PATH").is_none() {
        let program = std::env::current_exe().unwrap();
        let evil = [
            ("GIT_EXEC_PATH", "/nonexistent"),
            ("GIT_DIR", "/nonexistent"),
            ("GIT_ALLOW_PROTOCOL", "ext"),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "protocol.file.allow"),
            ("GIT_CONFIG_VALUE_0", "never"),
            ("GIT_TRACE", "/dev/stderr"),
            ("GIT_SSH_COMMAND", "touch PWN"),
        ];
        let test = "attacks::variables_of_the_caller_do_not_reach_git";
        let output = Command::new(program).args(["--exact", test]).envs(evil).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    let made = Command::new("git")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .args(["init", "--quiet", "--bare"])
        .arg(&source)
        .status()
        .unwrap();
    assert!(made.success());
    let mut said = Vec::new();
    let mirror = open(&folder.path().join("m"), source.to_str().unwrap(), local()).await.unwrap();
    let fetched = mirror.fetch(&Access::None, |line| said.push(line.to_owned())).await;
    assert!(matches!(fetched, Err(Error::Empty { .. })), "{fetched:?} {said:?}");
    assert!(!said.iter().any(|line| line.contains("trace")), "{said:?}");
}

/// So many cases, or a hundred times as many in `make soak`.
fn cases(few: u32) -> u32 {
    if std::env::var_os("AWEIGH_SOAK").is_some() { few * 100 } else { few }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_name_is_a_branch_name_for_git(text in "[-a-c./@{}~^:?*\\[\\\\ \t\u{1}\u{7f}é$'`;&|<>()]{1,8}(\\.lock)?") {
        if RefName::parse(&text).is_ok() {
            prop_assert!(!text.starts_with('-'));
            let checked = Command::new("git").args(["check-ref-format", "--branch", &text]).output().unwrap();
            prop_assert!(checked.status.success(), "{text:?}");
        }
    }

    #[test]
    fn an_address_is_read_without_a_panic_and_never_as_an_option(text in "(ssh://|https://|file://|ext::)?[-a-z0-9@:/.%\\[\\]~ $]{0,24}") {
        if let Ok(url) = Url::parse(&text, &local()) {
            prop_assert!(!url.as_str().starts_with('-') && !url.as_str().contains("::sh"));
            prop_assert_eq!(Url::parse(url.as_str(), &local()).unwrap(), url);
        }
    }
}
