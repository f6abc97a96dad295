//! Servers that run no commands and have SFTP: the same files and folders, and the same care.

mod hostile;

use std::fs;
use std::future::IntoFuture;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use testkit::repo::tree_listing;
use testkit::sshd::{Fleet, ServerSpec};
use tokio::sync::Notify;
use transport::{Error, Progress, Session, Transferred};

use crate::rig::{one_sshd, tool};
use crate::transfer::{files_go_both_ways, folders_go_both_ways, noise, tree};

/// An sshd with these lines, and a session with it.
async fn sshd(lines: &str) -> (Fleet, Session) {
    let fleet = one_sshd(ServerSpec { extra_config: lines.to_owned(), ..ServerSpec::default() });
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    (fleet, session)
}

/// What sshd says to everybody who is to have SFTP alone.
const INTERNAL: &str = "Subsystem sftp internal-sftp\nForceCommand internal-sftp";

/// Without the extension that renames over what is there.
const PLAIN: &str = "Subsystem sftp internal-sftp\nForceCommand internal-sftp -P posix-rename";

/// A login whose shell turns commands away, and SFTP not; one at a time.
const NO_LOGIN: &str = "MaxSessions 1\nSubsystem sftp /bin/sftp\nForceCommand test \"$SSH_ORIGINAL_COMMAND\" = /bin/sftp || { echo This account is not available; exit 1; }; exec SERVER";

/// The program of OpenSSH, which also sits where commands are run.
const OUTSIDE: &str = "Subsystem sftp SERVER\nForceCommand exec SERVER";

/// The program itself; where it lies differs.
fn server() -> PathBuf {
    let folders = ["/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh", "/usr/libexec"];
    let mut places = folders.map(|folder| Path::new(folder).join("sftp-server")).into_iter();
    places.find(|place| place.exists()).expect("sftp-server is missing: apt-get install openssh-sftp-server")
}

#[tokio::test]
async fn files_and_folders_go_both_ways_where_commands_are_refused() {
    for lines in [INTERNAL, PLAIN, NO_LOGIN, OUTSIDE] {
        let (fleet, session) = sshd(&lines.replace("SERVER", server().to_str().unwrap())).await;
        let root = &fleet.servers[0].root;
        let (files, folders) = (root.join("files"), root.join("folders"));
        fs::create_dir(&files).unwrap();
        fs::create_dir(&folders).unwrap();
        files_go_both_ways(session.clone(), &files).await;
        folders_go_both_ways(session, &folders).await;
    }
}

#[tokio::test]
async fn the_root_of_a_changed_root_is_the_root_of_paths() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    // All folders above belong to root alone, or sshd does not use it.
    let jail = tempfile::tempdir_in("/var/lib").unwrap();
    fs::set_permissions(jail.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(jail.path().join("home")).unwrap();
    let lines = format!("{INTERNAL} -d /home\nChrootDirectory {}", jail.path().display());
    let (_fleet, session) = sshd(&lines).await;
    let here = tempfile::tempdir().unwrap();
    tree(&here.path().join("from"), "last");
    session.put(here.path().join("from"), "/home/tree").await.unwrap();
    assert_eq!(tree_listing(&jail.path().join("home/tree")), tree_listing(&here.path().join("from")));
    // What is relative begins at the home folder.
    for from in ["tree", "~/tree", "/home/tree"] {
        session.get(from, here.path().join("back")).await.unwrap();
        assert_eq!(
            tree_listing(&here.path().join("back")),
            tree_listing(&here.path().join("from")),
            "{from}"
        );
    }
}

#[tokio::test]
async fn names_go_to_such_a_server_byte_for_byte() {
    let (fleet, session) = sshd(INTERNAL).await;
    let here = tempfile::tempdir().unwrap();
    let from = here.path().join("from");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs::create_dir_all(from.join(name)).unwrap();
    fs::write(from.join(name).join(name), "latin\n").unwrap();
    symlink(name, from.join("link")).unwrap();
    let there = fleet.servers[0].root.join("tree");
    session.put(from.as_path(), there.to_str().unwrap()).await.unwrap();
    session.get(there.to_str().unwrap(), here.path().join("back")).await.unwrap();
    for copy in [&there, &here.path().join("back")] {
        assert_eq!(fs::read_to_string(copy.join(name).join(name)).unwrap(), "latin\n");
        assert_eq!(fs::read_link(copy.join("link")).unwrap().as_os_str(), name);
    }
}

#[tokio::test]
async fn how_far_it_is_is_told_from_the_beginning_to_the_end() {
    let (fleet, session) = sshd(INTERNAL).await;
    let there = fleet.servers[0].root.join("file");
    let here = tempfile::tempdir().unwrap();
    let log: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let tell = || {
        let log = Arc::clone(&log);
        move |progress| log.lock().unwrap().push(progress)
    };
    let told = || std::mem::take(&mut *log.lock().unwrap());
    let is_whole = |told: &[Progress]| {
        let all = Some(300_000);
        told.first() == Some(&Progress { done: 0, total: all })
            && told.last() == Some(&Progress { done: 300_000, total: all })
            && told.is_sorted_by_key(|progress| progress.done)
    };
    session.put(noise(300_000), there.to_str().unwrap()).progress(tell()).await.unwrap();
    let put = told();
    assert!(is_whole(&put), "{put:?}");
    session.get(there.to_str().unwrap(), here.path().join("file")).progress(tell()).await.unwrap();
    let got = told();
    assert!(is_whole(&got), "{got:?}");
}

#[tokio::test]
async fn a_cut_transfer_leaves_nothing_half_and_the_next_one_is_whole() {
    let (mut fleet, session) = sshd(INTERNAL).await;
    let to = fleet.servers[0].root.join("large");
    let (content, here) = (noise(48 << 20), tempfile::tempdir().unwrap());
    let back = here.path().join("back");
    for is_put in [true, false] {
        let session =
            if is_put { session.clone() } else { Session::connect(&fleet.target(0)).await.unwrap() };
        let begun = Arc::new(Notify::new());
        let tell = Arc::clone(&begun);
        let notice = move |progress: Progress| {
            if progress.done > 4 << 20 {
                tell.notify_one();
            }
        };
        let transfer = if is_put {
            session.put(content.clone(), to.to_str().unwrap()).progress(notice).into_future()
        } else {
            session.get(to.to_str().unwrap(), &back).progress(notice).into_future()
        };
        let cut = async {
            begun.notified().await;
            fleet.servers[0].stop();
        };
        let (ended, ()) = tokio::join!(transfer, cut);
        assert!(matches!(ended, Err(Error::Lost { .. })), "{ended:?}");
        assert!(if is_put { !to.exists() } else { !back.exists() }, "a part has the name of the whole");
        fleet.servers[0].start();
        let session = Session::connect(&fleet.target(0)).await.unwrap();
        if is_put {
            let sent = session.put(content.clone(), to.to_str().unwrap()).await.unwrap();
            assert_eq!((sent.resumed, sent.bytes), (0, 48 << 20));
            assert!(fs::read(&to).unwrap() == content);
        } else {
            session.get(to.to_str().unwrap(), &back).await.unwrap();
            assert!(fs::read(&back).unwrap() == content);
        }
    }
    assert_eq!(fs::read_dir(to.parent().unwrap()).unwrap().count(), 1, "something is left beside it");
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 1, "something is left beside it here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_is_there_at_every_moment() {
    let (fleet, session) = sshd(INTERNAL).await;
    let to = fleet.servers[0].root.join("file");
    fs::write(&to, vec![b'0'; 100_000]).unwrap();
    let (is_over, looked_at) = (Arc::new(AtomicBool::new(false)), to.clone());
    let stop = Arc::clone(&is_over);
    let watching = std::thread::spawn(move || {
        let mut looks = 0;
        while !stop.load(Ordering::Relaxed) {
            let found = fs::read(&looked_at).expect("it is away");
            assert!(found.len() == 100_000 && found.iter().all(|byte| *byte == found[0]), "it is half there");
            looks += 1;
        }
        looks
    });
    for round in b'1'..=b'9' {
        session.put(vec![round; 100_000], to.to_str().unwrap()).await.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(watching.join().unwrap() > 0);
    assert_eq!(fs::read(&to).unwrap(), vec![b'9'; 100_000]);
}

#[tokio::test]
async fn what_an_earlier_try_left_is_replaced_and_never_written_through() {
    for lines in [INTERNAL, PLAIN] {
        let (fleet, session) = sshd(lines).await;
        let root = &fleet.servers[0].root;
        let (kept, to) = (root.join("kept"), root.join("file"));
        fs::write(&kept, "kept").unwrap();
        for left in [".file.part", ".file.part.old", "file"] {
            symlink(&kept, root.join(left)).unwrap();
        }
        session.put(b"new".to_vec(), to.to_str().unwrap()).await.unwrap();
        assert!(!to.is_symlink() && fs::read(&to).unwrap() == b"new" && fs::read(&kept).unwrap() == b"kept");
        // A folder that was to have the name of the file.
        fs::create_dir_all(root.join(".file.part/full")).unwrap();
        session.put(b"newer".to_vec(), to.to_str().unwrap()).await.unwrap();
        assert!(fs::read(&to).unwrap() == b"newer" && !root.join(".file.part").exists());
        // Of a folder, even what forbids to be removed.
        let folder = root.join(".tree.part/closed");
        fs::create_dir_all(&folder).unwrap();
        symlink(&kept, folder.join("link")).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
        let here = tempfile::tempdir().unwrap();
        tree(here.path(), "last");
        session.put(here.path(), root.join("tree").to_str().unwrap()).await.unwrap();
        assert_eq!(tree_listing(&root.join("tree")), tree_listing(here.path()));
        assert!(kept.exists() && !root.join(".tree.part").exists());
    }
}

#[tokio::test]
async fn a_folder_replaces_what_is_there_unless_it_may_not() {
    let (fleet, session) = sshd(INTERNAL).await;
    let root = &fleet.servers[0].root;
    let here = tempfile::tempdir().unwrap();
    tree(here.path(), "last");
    fs::create_dir(root.join("folder")).unwrap();
    fs::write(root.join("folder/mine"), "").unwrap();
    symlink("/nowhere", root.join("link")).unwrap();
    for (name, is_new) in [("folder", false), ("link", false), ("new", true)] {
        let sent = session.put(here.path(), root.join(name).to_str().unwrap()).replace(false).await;
        assert_eq!(sent.is_ok(), is_new, "{name}: {sent:?}");
        let said = sent.map_or_else(|error| error.to_string(), |_| String::new());
        assert!(is_new || said.contains("there is something already"), "{said}");
    }
    assert!(root.join("folder/mine").exists() && root.join("link").is_symlink());
    session.put(here.path(), root.join("folder").to_str().unwrap()).await.unwrap();
    assert!(!root.join("folder/mine").exists());
}

fn check(result: Result<Transferred, Error>, expected: &str) {
    let error = result.unwrap_err();
    let said = format!("{error}");
    assert!(said.contains(expected) && !error.hint().is_empty(), "{said}");
}

#[tokio::test]
async fn what_cannot_be_brought_by_sftp_is_told_with_its_reason() {
    let (fleet, session) = sshd(INTERNAL).await;
    let root = &fleet.servers[0].root;
    let here = tempfile::tempdir().unwrap();
    let there = |name: &str| root.join(name).to_str().unwrap().to_owned();
    tool("mkfifo", &["fifo"], root);
    check(session.get(there("nothing"), here.path().join("x")).await, "it is not there");
    check(session.get(there("fifo"), here.path().join("x")).await, "it is no file");
    check(session.put(Vec::new(), there("no/such/folder")).await, "No such file");
    check(session.put(Vec::new(), root.to_str().unwrap()).await, "it is a folder");
    check(session.put("/no/such/file", there("x")).await, "/no/such/file");
    let odd = here.path().join("odd");
    fs::create_dir(&odd).unwrap();
    check(session.put(odd.as_path(), there("no/such/folder")).await, "No such file");
    tool("mkfifo", &["fifo"], &odd);
    check(session.put(odd.as_path(), there("odd")).await, "neither a file nor a folder nor a link");
    let got = session.get(root.to_str().unwrap(), here.path().join("x")).await;
    assert!(matches!(got, Err(Error::HostileName { .. })), "a pipe is no file: {got:?}");
    assert!(!root.join("odd").exists() && !root.join("x").exists() && !here.path().join("x").exists());

    let (fleet, session) = sshd(&format!("{INTERNAL} -R")).await;
    let to = fleet.servers[0].root.join("x");
    check(session.put(Vec::new(), to.to_str().unwrap()).await, "Permission denied");
    check(session.put(here.path(), to.to_str().unwrap()).await, "Permission denied");
}

#[tokio::test]
async fn where_there_is_no_sftp_either_the_refusal_of_the_command_is_told() {
    let (_fleet, session) = sshd("ForceCommand echo come by mail >&2; exit 1").await;
    check(session.put(Vec::new(), "x").await, "come by mail");
    let here = tempfile::tempdir().unwrap();
    check(session.put(here.path(), "x").await, "come by mail");
    check(session.get("x", here.path().join("x")).await, "come by mail");
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0);
}
