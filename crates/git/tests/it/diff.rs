//! Differences of two commits: complete within their bounds, and nothing of a repository runs for them.

use git::{Error, FileDiff, LineCounts};
use testkit::repo::{Entry, Repo, file, hostile_tree, link};

use crate::rig::{Rig, eventually, id, processes_with};

fn lines(added: u64, deleted: u64) -> LineCounts {
    LineCounts { added, deleted }
}

fn of(status: char, path: &str, lines: Option<LineCounts>) -> FileDiff {
    FileDiff { status, path: path.into(), before: None, lines }
}

#[tokio::test]
async fn files_are_named_with_what_happened_to_them() {
    let repo = Repo::new();
    let long = "a\nb\nc\nd\ne\nf\ng\nh\n";
    let from = id(&repo.commit([
        ("changed", file("1\n2\n")),
        ("gone", file("1\n")),
        ("kept", file("1\n")),
        ("kind", file("1\n")),
        ("old name", file(long)),
        ("picture", Entry::File(vec![0, 1])),
    ]));
    let to = id(&repo.commit([
        ("changed", file("1\n3\n4\n")),
        ("gone", Entry::Gone),
        ("kind", link("kept")),
        ("old name", Entry::Gone),
        ("new\nname", file(long)),
        ("picture", Entry::File(vec![0, 2])),
    ]));
    let rig = Rig::fetched(repo).await;
    let diff = rig.mirror.diff(&from, &to, 100).await.unwrap();
    let renamed = FileDiff { before: Some("old name".into()), ..of('R', "new\nname", Some(lines(0, 0))) };
    let expected = [
        of('M', "changed", Some(lines(2, 1))),
        of('D', "gone", Some(lines(0, 1))),
        of('T', "kind", Some(lines(1, 1))),
        renamed,
        of('M', "picture", None),
    ];
    assert_eq!(diff.files, expected);
    assert!(!diff.more);
    assert_eq!(rig.mirror.diff(&to, &to, 100).await.unwrap(), git::Diff::default());
    let few = rig.mirror.diff(&from, &to, 2).await.unwrap();
    assert_eq!((few.files.as_slice(), few.more), (&expected[..2], true));
    let exact = rig.mirror.diff(&from, &to, 5).await.unwrap();
    assert_eq!((exact.files.len(), exact.more), (5, false));
    for (a, b) in [(&from, &id(&"1".repeat(40))), (&id(&"1".repeat(40)), &to)] {
        let gone = rig.mirror.diff(a, b, 9).await.unwrap_err();
        assert!(matches!(gone, Error::CommitGone { .. }), "{gone:?}");
        let gone = rig.mirror.patch(a, b, 9).await.unwrap_err();
        assert!(matches!(gone, Error::CommitGone { .. }), "{gone:?}");
    }
}

#[tokio::test]
async fn a_patch_brings_one_tree_to_the_other() {
    let repo = Repo::new();
    let from = repo.commit([("a", file("1\n2\n3\n")), ("gone", file("x\n"))]);
    let to =
        repo.commit([("a", file("1\n2\nthree\n")), ("gone", Entry::Gone), ("odd\tname", file("no newline"))]);
    let rig = Rig::fetched(repo).await;
    let patch = rig.mirror.patch(&id(&from), &id(&to), 1 << 20).await.unwrap();
    assert!(!patch.more);
    rig.repo.checkout(&from);
    std::fs::write(rig.folder.path().join("patch"), &patch.text).unwrap();
    rig.repo.git(["apply", "--index", rig.folder.path().join("patch").to_str().unwrap()]);
    assert_eq!(rig.repo.git(["write-tree"]), rig.repo.git(["rev-parse", &format!("{to}^{{tree}}")]));
}

#[tokio::test]
async fn attributes_and_hostile_names_change_nothing() {
    let repo = Repo::new();
    let canary = repo.path().join("PWN");
    let touch = format!("touch {}", canary.display());
    let config = format!(
        "[diff \"evil\"]\n\tcommand = {touch}\n\ttextconv = {touch}\n\txfuncname = x\n[core]\n\tpager = {touch}\n"
    );
    let from = repo.commit([
        (".gitattributes", file("* diff=evil\n*.bin -diff\n")),
        (".gitconfig", file(&config)),
        ("a.bin", file("1\n")),
    ]);
    repo.git(["config", "diff.evil.command", &touch]);
    repo.git(["config", "diff.evil.textconv", &touch]);
    let to = repo.commit(hostile_tree().into_iter().chain([("a.bin".into(), file("2\n\u{1b}[31m\n"))]));
    let rig = Rig::fetched(repo).await;
    let diff = rig.mirror.diff(&id(&from), &id(&to), 1000).await.unwrap();
    assert_eq!(diff.files.len(), 32);
    assert!(diff.files.iter().any(|file| file.path == "--upload-pack=touch PWN"));
    assert!(diff.files.iter().any(|file| file.path.starts_with("latin-")));
    let patch = rig.mirror.patch(&id(&from), &id(&to), 1 << 20).await.unwrap();
    let text = String::from_utf8_lossy(&patch.text);
    assert!(text.contains("Binary files /dev/null and b/bytes differ"), "{text}");
    assert!(!canary.exists());
}

#[tokio::test]
async fn a_patch_has_an_end_and_so_has_its_git() {
    let repo = Repo::new();
    let from = id(&repo.commit([("a", file(""))]));
    let files = (0..40).map(|n| (format!("{n:02}"), file(&format!("{n} text\n").repeat(10_000))));
    let to = id(&repo.commit(files));
    let rig = Rig::fetched(repo).await;
    let patch = rig.mirror.patch(&from, &to, 5000).await.unwrap();
    assert!(patch.more && patch.text.len() <= 5000 && patch.text.len() > 4900, "{}", patch.text.len());
    assert!(patch.text.starts_with(b"diff --git a/00 b/00\n") && patch.text.ends_with(b"+0 text\n"));
    let word = rig.mirror_dir().display().to_string();
    eventually("git is gone", || processes_with(&word).is_empty()).await;
    let nothing = rig.mirror.patch(&from, &to, 0).await.unwrap();
    assert!(nothing.more && nothing.text.is_empty());
}
