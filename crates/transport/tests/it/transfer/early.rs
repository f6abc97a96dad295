//! Transfers that end before their time: nobody waits for them any more, or what comes is refused.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;

/// How long what ends at once may take.
const SOON: Duration = Duration::from_secs(20);

/// The head of a tar stream: a file of so many bytes, which are still to come.
fn head_of_file(size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path("file").unwrap();
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// A `tar` that does this, and then neither reads nor writes until the file `gate` is gone; and the gate.
fn stuck_tar(folder: &Path, begin: &str) -> (Fleet, std::path::PathBuf) {
    let gate = folder.join("gate");
    fs::write(&gate, "").unwrap();
    let script = format!("#!/bin/sh\n{begin}\nwhile test -e {}; do sleep 0.05; done\n", gate.display());
    (with_program(folder, "tar", &script), gate)
}

#[tokio::test]
async fn what_is_given_up_lets_go_of_everything() {
    let bin = tempfile::tempdir().unwrap();
    let head = bin.path().join("head");
    fs::write(&head, head_of_file(1 << 40)).unwrap();
    let begin = format!("case \"$*\" in *c*) cat {}; head -c 1000000 /dev/zero;; esac", head.display());
    let (fleet, gate) = stuck_tar(bin.path(), &begin);
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let here = tempfile::tempdir().unwrap();
    let from = here.path().join("from");
    fs::create_dir(&from).unwrap();
    // More than is on its way at once.
    fs::write(from.join("large"), noise(16 << 20)).unwrap();
    let mut waited = Vec::new();
    for is_put in [true, false] {
        let to = fleet.servers[0].root.join("to");
        let (held, let_go) = oneshot::channel::<()>();
        let begun = Arc::new(Notify::new());
        let tell = Arc::clone(&begun);
        let notice = move |progress: Progress| {
            let _held = &held;
            if progress.done > 500_000 {
                tell.notify_one();
            }
        };
        let transfer = if is_put {
            session.put(from.as_path(), to.to_str().unwrap()).progress(notice).into_future()
        } else {
            let there = fleet.servers[0].root.to_str().unwrap();
            session.get(there, here.path().join("back")).progress(notice).into_future()
        };
        tokio::select! {
            ended = transfer => panic!("it does not end by itself: {ended:?}"),
            () = begun.notified() => {}
        }
        waited.push(timeout(SOON, let_go).await);
    }
    // Whatever was not let go of ends now.
    fs::remove_file(gate).unwrap();
    assert!(waited.iter().all(Result::is_ok), "{waited:?}");
}

#[tokio::test]
async fn what_is_refused_is_told_at_once_and_why() {
    let bin = tempfile::tempdir().unwrap();
    let whole = bin.path().join("whole");
    tool("/usr/bin/tar", &["-cf", "whole", "--files-from", "/dev/null"], bin.path());
    for (come, expected) in [
        (format!("cat {} /dev/zero", whole.display()), "more behind the end of the archive"),
        ("yes".to_owned(), "numeric field was not a number"),
        ("echo it is closed today >&2; exit 3".to_owned(), "it is closed today"),
    ] {
        let fleet = with_program(bin.path(), "tar", &format!("#!/bin/sh\n{come}\n"));
        let session = Session::connect(&fleet.target(0)).await.unwrap();
        let here = tempfile::tempdir().unwrap();
        let get = session.get(fleet.servers[0].root.to_str().unwrap(), here.path().join("to"));
        let got = timeout(SOON, get.into_future()).await.expect("it is waited for");
        let said = got.unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn complaints_without_end_hold_nothing_up() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(there.path().join("file"), "text").unwrap();
    // tar has a line for each of these: more than a pipe holds.
    for number in 0..1000 {
        std::os::unix::net::UnixListener::bind(there.path().join(format!("{number:070}"))).unwrap();
    }
    let session = Session::local();
    let get = session.get(there.path().to_str().unwrap(), here.path().join("to"));
    let got = timeout(SOON, get.into_future()).await.expect("it is held up").unwrap();
    assert_eq!((got.files, got.bytes), (1, 4));
}
