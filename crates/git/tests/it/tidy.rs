//! A mirror stays quick to read: refs and packs are put together when there are many.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use testkit::repo::{Repo, file};

use crate::rig::Rig;

fn count(folder: &std::path::Path, ending: &str) -> usize {
    let mut found = 0;
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found += count(&entry.path(), ending);
        } else if entry.file_name().to_str().unwrap().ends_with(ending) {
            found += 1;
        }
    }
    found
}

#[tokio::test]
async fn many_loose_refs_become_one_file() {
    let repo = Repo::new();
    let first = repo.commit([("a", file("1"))]);
    for number in 0..20 {
        repo.branch(&format!("topic/{number}"));
        repo.tag(&format!("v{number}"));
    }
    let (rig, noted) = Rig::noted(repo).await;
    assert!(noted.verbs().contains(&"pack-refs".to_owned()));
    assert_eq!(count(&rig.mirror_dir().join("refs"), ""), 0);
    assert_eq!(rig.mirror.branches().await.unwrap().len(), 21);
    assert_eq!(rig.commit("topic/7").await.unwrap(), first);

    let second = rig.repo.commit([("a", file("2"))]);
    rig.repo.git(["branch", "-D", "topic/7"]);
    rig.fetch().await.unwrap();
    assert!(!noted.verbs().contains(&"pack-refs".to_owned()), "a few are left alone");
    assert_eq!(rig.commit("main").await.unwrap(), second);
    assert!(rig.commit("topic/7").await.is_err());
}

#[tokio::test]
async fn many_packs_become_few() {
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    let (rig, noted) = Rig::noted(repo).await;
    let git_dir = format!("--git-dir={}", rig.mirror_dir().display());
    let feed = |args: &[&str], input: &str| {
        let mut git = Command::new("git");
        git.arg(&git_dir).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut git = git.spawn().unwrap();
        git.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        String::from_utf8(git.wait_with_output().unwrap().stdout).unwrap()
    };
    let packs = rig.mirror_dir().join("objects/pack");
    for number in 0..60 {
        let blob = feed(&["hash-object", "-w", "--stdin"], &number.to_string());
        feed(&["pack-objects", "--quiet", packs.join("pack").to_str().unwrap()], &blob);
    }
    assert!(count(&packs, ".pack") > 60);
    noted.verbs();
    rig.repo.commit([("a", file("2"))]);
    rig.fetch().await.unwrap();
    assert!(noted.verbs().contains(&"gc".to_owned()));
    assert!(count(&packs, ".pack") < 10);
    rig.fetch().await.unwrap();
    assert!(!noted.verbs().contains(&"gc".to_owned()));
}
