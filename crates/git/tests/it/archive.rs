//! Archives: the stream of `git archive`, packed in four ways, and never whole when git was not.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
    time::Duration,
};

use git::{ArchiveFormat, Error, Prefix};
use testkit::repo::{Repo, file, hostile_tree, tree_listing};
use tokio::io::AsyncReadExt as _;

use crate::rig::{Rig, eventually, id, processes_with};

async fn archive(rig: &Rig, commit: &str, format: ArchiveFormat, prefix: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    rig.mirror.archive(&id(commit), format, &Prefix::parse(prefix).unwrap(), &mut bytes).await.unwrap();
    bytes
}

/// What a program makes of bytes.
fn through(program: &str, args: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut child =
        Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let feeding = std::thread::spawn(move || stdin.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    assert!(output.status.success(), "{program} failed");
    output.stdout
}

#[tokio::test]
async fn every_format_holds_the_stream_of_git_archive() {
    let repo = Repo::new();
    let commit = repo.commit(hostile_tree());
    let rig = Rig::fetched(repo).await;
    let theirs =
        Command::new("git").current_dir(rig.repo.path()).args(["archive", &commit]).output().unwrap().stdout;
    let tar = archive(&rig, &commit, ArchiveFormat::Tar, "").await;
    assert!(tar == theirs, "{} and {} bytes", tar.len(), theirs.len());
    let gz = archive(&rig, &commit, ArchiveFormat::TarGz, "").await;
    assert!(through("gzip", &["-dc"], &gz) == theirs);
    let zst = archive(&rig, &commit, ArchiveFormat::TarZst, "").await;
    assert!(through("zstd", &["-dc"], &zst) == theirs);
    assert!(gz.len() < theirs.len() && zst.len() < theirs.len());
    let zip = archive(&rig, &commit, ArchiveFormat::Zip, "").await;
    let theirs = Command::new("git")
        .current_dir(rig.repo.path())
        .args(["archive", "--format=zip", &commit])
        .output()
        .unwrap()
        .stdout;
    assert!(zip == theirs, "{} and {} bytes", zip.len(), theirs.len());
    assert!(
        archive(&rig, &commit, ArchiveFormat::TarGz, "").await == gz,
        "the same commit gives the same bytes"
    );
}

#[tokio::test]
async fn a_prefix_stands_before_every_path() {
    let repo = Repo::new();
    let commit = repo.commit([("a", file("1")), ("b/c", file("2"))]);
    let rig = Rig::fetched(repo).await;
    let zst = archive(&rig, &commit, ArchiveFormat::TarZst, "shop-1.0 $(x)").await;
    let tree = tempfile::tempdir().unwrap();
    through("tar", &["-xC", tree.path().to_str().unwrap()], &through("zstd", &["-dc"], &zst));
    let listed = tree_listing(&tree.path().join("shop-1.0 $(x)"));
    assert_eq!(listed, rig.repo.archive_listing(&commit));
    assert_eq!(std::fs::read_dir(tree.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn what_is_not_whole_does_not_look_whole() {
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    let rig = Rig::fetched(repo).await;
    for format in ArchiveFormat::ALL {
        let mut bytes = Vec::new();
        let gone = rig.mirror.archive(&id(&"1".repeat(40)), format, &Prefix::default(), &mut bytes).await;
        assert!(matches!(gone, Err(Error::CommitGone { .. })), "{gone:?}");
        let mut read = Vec::new();
        let is_whole = match format {
            ArchiveFormat::TarGz => {
                flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut read).is_ok()
            }
            ArchiveFormat::TarZst => !bytes.is_empty() && zstd::stream::decode_all(bytes.as_slice()).is_ok(),
            _ => !bytes.is_empty(),
        };
        assert!(!is_whole, "{format}");
    }
}

#[tokio::test]
async fn an_archive_that_nobody_reads_waits_and_one_that_is_dropped_ends() {
    let repo = Repo::new();
    let files = (0..20).map(|n| (format!("{n}"), file(&format!("{n} text\n").repeat(50_000))));
    let commit = id(&repo.commit(files));
    let rig = Rig::fetched(repo).await;
    let (mut reader, writer) = tokio::io::duplex(4096);
    let (format, prefix) = (ArchiveFormat::Tar, Prefix::default());
    let archive = rig.mirror.archive(&commit, format, &prefix, writer);
    let look = async {
        let mut first = [0; 512];
        reader.read_exact(&mut first).await.unwrap();
        assert!(!processes_with(&rig.mirror_dir().display().to_string()).is_empty());
    };
    tokio::select! {
        ended = archive => panic!("{ended:?}"),
        () = look => {}
    }
    eventually("git is gone", || processes_with(&rig.mirror_dir().display().to_string()).is_empty()).await;
    let (reader, writer) = tokio::io::duplex(4096);
    drop(reader);
    let written = rig.mirror.archive(&commit, format, &prefix, writer);
    let ended = tokio::time::timeout(Duration::from_secs(20), written).await.unwrap();
    assert!(matches!(ended, Err(Error::Io { .. })), "{ended:?}");
}
