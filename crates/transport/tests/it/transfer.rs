//! Files and folders, both ways: whole, as they were, and nowhere else.

mod early;
mod leftovers;

use std::fs;
use std::future::IntoFuture;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::{Arc, Mutex};

use testkit::repo::tree_listing;
use testkit::sshd::{Fleet, ServerSpec, Shell};
use tokio::sync::Notify;
use transport::{Error, Progress, Session, Summed};

use crate::rig::{one_sshd, sshd_session, tool};

/// Names that a careless shell would stumble over.
const NAMES: [&str; 6] = ["plain", "with space", "-rf", "it's $(id) \"`x`\"", "ä\\b;c", "!!*?"];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

pub(crate) async fn files_go_both_ways(session: Session, there: &Path) {
    let here = tempfile::tempdir().unwrap();
    let content = noise(700_000);
    for name in NAMES {
        let (from, to, back) = (here.path().join("from"), there.join(name), here.path().join(name));
        fs::write(&from, &content).unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o4751)).unwrap();
        let sent = session.put(from.as_path(), to.to_str().unwrap()).await.unwrap();
        assert_eq!((sent.files, sent.bytes, sent.resumed), (1, 700_000, 0), "{name}");
        assert!(fs::read(&to).unwrap() == content && mode(&to) == 0o751, "{name}: {:o}", mode(&to));
        let got = session.get(to.to_str().unwrap(), &back).await.unwrap();
        assert_eq!((got.files, got.bytes, got.resumed), (1, 700_000, 0), "{name}");
        assert!(fs::read(&back).unwrap() == content && mode(&back) == 0o751, "{name}");
    }
    // Over what was there, from bytes, and empty.
    let to = there.join("plain");
    session.put(b"new\n".to_vec(), to.to_str().unwrap()).mode(0o600).await.unwrap();
    assert_eq!((fs::read(&to).unwrap(), mode(&to)), (b"new\n".to_vec(), 0o600));
    session.put(Vec::new(), to.to_str().unwrap()).await.unwrap();
    assert_eq!((fs::read(&to).unwrap(), mode(&to)), (Vec::new(), 0o644));
    session.get(to.to_str().unwrap(), here.path().join("empty")).await.unwrap();
    assert_eq!(fs::read(here.path().join("empty")).unwrap(), b"");
    for entry in fs::read_dir(there).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(NAMES.contains(&name.as_str()), "{name} is left beside them");
    }
}

async fn with_shell(shell: Shell) -> (Fleet, Session) {
    let fleet = one_sshd(ServerSpec { shell, ..ServerSpec::default() });
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    (fleet, session)
}

#[tokio::test]
async fn files_go_both_ways_on_every_kind_of_machine() {
    for shell in [Shell::Login, Shell::Busybox, Shell::Fish, Shell::Tcsh] {
        let (fleet, session) = with_shell(shell).await;
        files_go_both_ways(session, &fleet.servers[0].root).await;
    }
    let there = tempfile::tempdir().unwrap();
    files_go_both_ways(Session::local(), there.path()).await;
}

pub(crate) fn tree(folder: &Path, last: &str) {
    fs::create_dir_all(folder.join("a/b b/c")).unwrap();
    fs::create_dir_all(folder.join("empty")).unwrap();
    fs::write(folder.join("a/run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(folder.join("a/run"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("a/b b/c/-x 'y' $z"), noise(90_000)).unwrap();
    fs::write(folder.join(last), "last\n").unwrap();
    fs::write(folder.join("x".repeat(180)), "long name\n").unwrap();
    symlink("a/run", folder.join("link")).unwrap();
    symlink("/nowhere", folder.join("a/dangling")).unwrap();
    fs::set_permissions(folder.join("empty"), fs::Permissions::from_mode(0o700)).unwrap();
}

pub(crate) async fn folders_go_both_ways(session: Session, there: &Path) {
    let here = tempfile::tempdir().unwrap();
    let (one, two) = (here.path().join("one"), here.path().join("two"));
    tree(&one, "first");
    tree(&two, "second");
    let to = there.join("tree");
    for from in [&one, &two, &two] {
        let sent = session.put(from.as_path(), to.to_str().unwrap()).await.unwrap();
        assert_eq!((sent.files, sent.bytes), (4, 90_025));
        assert_eq!(tree_listing(&to), tree_listing(from));
        assert_eq!(mode(&to.join("empty")), 0o700);
    }
    let back = here.path().join("back");
    for _ in 0..2 {
        let got = session.get(to.to_str().unwrap(), &back).await.unwrap();
        assert_eq!((got.files, got.bytes), (4, 90_025));
        assert_eq!(tree_listing(&back), tree_listing(&two));
        assert_eq!(mode(&back.join("empty")), 0o700);
    }
    assert_eq!(fs::read_dir(there).unwrap().count(), 1, "something is left beside it");
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 3, "something is left beside it here");
    // A file in the place of the folder, and a folder without any file.
    fs::create_dir(here.path().join("bare")).unwrap();
    session.put(here.path().join("bare"), to.to_str().unwrap()).await.unwrap();
    assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
}

#[tokio::test]
async fn folders_go_both_ways_on_every_kind_of_machine() {
    for shell in [Shell::Login, Shell::Busybox, Shell::Fish, Shell::Tcsh] {
        let (fleet, session) = with_shell(shell).await;
        folders_go_both_ways(session, &fleet.servers[0].root).await;
    }
    let there = tempfile::tempdir().unwrap();
    folders_go_both_ways(Session::local(), there.path()).await;
}

#[tokio::test]
async fn a_file_that_was_cut_off_goes_on_where_it_stopped() {
    let mut fleet = one_sshd(ServerSpec::default());
    let to = fleet.servers[0].root.join("large");
    let content = noise(48 << 20);
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let begun = Arc::new(Notify::new());
    let tell = Arc::clone(&begun);
    let put = session.put(content.clone(), to.to_str().unwrap()).progress(move |progress: Progress| {
        if progress.done > 4 << 20 {
            tell.notify_one();
        }
    });
    let cut = async {
        begun.notified().await;
        fleet.servers[0].stop();
    };
    let (sent, ()) = tokio::join!(put.into_future(), cut);
    assert!(matches!(sent, Err(Error::Lost { .. })), "{sent:?}");
    assert!(!to.exists(), "a part has the name of the whole");

    fleet.servers[0].start();
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let sent = session.put(content.clone(), to.to_str().unwrap()).await.unwrap();
    assert!(sent.resumed > 0 && sent.bytes == 48 << 20, "{sent:?}");
    assert!(fs::read(&to).unwrap() == content);
}

#[tokio::test]
async fn what_an_earlier_try_left_is_used_only_when_it_is_the_same() {
    let (fleet, session) = sshd_session().await;
    let content = noise(300_000);
    let here = tempfile::tempdir().unwrap();
    let (there, back) = (fleet.servers[0].root.join("file"), here.path().join("file"));
    let (left_there, left_here) = (there.with_file_name(".file.part"), here.path().join(".file.part"));
    let mut wrong = content[..1000].to_vec();
    wrong[500] ^= 1;
    let longer = [&content[..], b"more"].concat();
    for (left, resumed) in
        [(&content[..100_000], 100_000), (&wrong[..], 0), (&longer[..], 0), (&content[..], 300_000)]
    {
        fs::write(&left_there, left).unwrap();
        let told: Arc<Mutex<Vec<Progress>>> = Arc::default();
        let log = Arc::clone(&told);
        let put = session.put(content.clone(), there.to_str().unwrap());
        let sent = put.progress(move |progress| log.lock().unwrap().push(progress)).await.unwrap();
        assert_eq!((sent.resumed, fs::read(&there).unwrap() == content), (resumed, true));
        let told = told.lock().unwrap().clone();
        let all = Some(300_000);
        assert_eq!(told.first(), Some(&Progress { done: resumed, total: all }));
        assert_eq!(told.last(), Some(&Progress { done: 300_000, total: all }));

        fs::write(&left_here, left).unwrap();
        let got = session.get(there.to_str().unwrap(), &back).await.unwrap();
        assert_eq!((got.resumed, fs::read(&back).unwrap() == content), (resumed, true));
    }
    // Nobody else's file is gone on with; only root can give one away.
    if nix::unistd::geteuid().is_root() {
        for left in [&left_there, &left_here] {
            fs::write(left, &content[..1000]).unwrap();
            std::os::unix::fs::chown(left, Some(12345), None).unwrap();
        }
        let sent = session.put(content.clone(), there.to_str().unwrap()).await.unwrap();
        let got = session.get(there.to_str().unwrap(), &back).await.unwrap();
        assert_eq!((sent.resumed, got.resumed), (0, 0));
        for whole in [&there, &back] {
            assert_eq!(fs::metadata(whole).unwrap().uid(), 0);
        }
    }
    // What stands there by that name and is a link leads nowhere.
    symlink("/etc/hostname", &left_there).unwrap();
    symlink("/etc/hostname", &left_here).unwrap();
    session.put(content.clone(), there.to_str().unwrap()).await.unwrap();
    session.get(there.to_str().unwrap(), &back).await.unwrap();
    assert!(!fs::symlink_metadata(&there).unwrap().is_symlink() && !back.is_symlink());
}

#[tokio::test]
async fn what_cannot_be_brought_is_told_with_its_reason() {
    let (fleet, session) = sshd_session().await;
    let root = &fleet.servers[0].root;
    let here = tempfile::tempdir().unwrap();
    let there = |name: &str| root.join(name).to_str().unwrap().to_owned();
    tool("mkfifo", &["fifo"], root);
    let check = |result: Result<transport::Transferred, Error>, expected: &str| {
        let error = result.unwrap_err();
        let said = format!("{error}");
        assert!(said.contains(expected) && !error.hint().is_empty(), "{said}");
    };
    check(session.get(there("nothing"), here.path().join("x")).await, "it is not there");
    check(session.get(there("fifo"), here.path().join("x")).await, "it is no file");
    check(session.put(Vec::new(), there("no/such/folder")).await, "no/such/");
    check(session.put(Vec::new(), root.to_str().unwrap()).await, "it is a folder");
    check(session.put("/no/such/file", there("x")).await, "/no/such/file");
    check(session.put(Vec::new(), "a\nb").await, "no name for a file");
    check(session.get(there("x"), "/").await, "/");
    let odd = here.path().join("odd");
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("a\nb"), "").unwrap();
    check(session.put(odd.as_path(), there("odd")).await, "line break");
    fs::remove_file(odd.join("a\nb")).unwrap();
    check(session.put(odd.as_path(), there("no/such/folder")).await, "no/such/");
    assert!(fs::read_dir(root).unwrap().count() == 1, "something was written");
}

/// A server on which one program is this script instead.
fn with_program(folder: &Path, name: &str, script: &str) -> Fleet {
    let path = folder.join(name);
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.to_str().unwrap());
    one_sshd(ServerSpec { path: Some(path), ..ServerSpec::default() })
}

#[tokio::test]
async fn a_byte_that_changed_on_the_way_is_noticed() {
    let bin = tempfile::tempdir().unwrap();
    let fleet = with_program(bin.path(), "cat", "#!/bin/sh\n/bin/cat | tr a b\n");
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let to = fleet.servers[0].root.join("file");
    let sent = session.put(b"banana".to_vec(), to.to_str().unwrap()).await;
    assert!(matches!(sent, Err(Error::Differs { .. })) && !to.exists(), "{sent:?}");

    let bin = tempfile::tempdir().unwrap();
    let fleet = with_program(bin.path(), "tail", "#!/bin/sh\n/usr/bin/tail \"$@\" | tr a b\n");
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let from = fleet.servers[0].root.join("file");
    fs::write(&from, "banana").unwrap();
    let here = tempfile::tempdir().unwrap();
    let got = session.get(from.to_str().unwrap(), here.path().join("file")).await;
    assert!(matches!(got, Err(Error::Differs { .. })), "{got:?}");
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_hostile_machine_writes_nowhere_else() {
    let bin = tempfile::tempdir().unwrap();
    let evil = bin.path().join("evil.tar");
    let fleet = with_program(bin.path(), "tar", &format!("#!/bin/sh\nexec cat {}\n", evil.display()));
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let from = fleet.servers[0].root.to_str().unwrap().to_owned();
    fs::write(bin.path().join("file"), "text").unwrap();
    for name in ["../evil", "/tmp/evil-of-a-test", "a/../../evil"] {
        let rename = format!("--transform=s|file|{name}|");
        tool("/usr/bin/tar", &["-cPf", "evil.tar", &rename, "file"], bin.path());
        let here = tempfile::tempdir().unwrap();
        let got = session.get(&*from, here.path().join("folder/tree")).await;
        assert!(matches!(got, Err(Error::LocalFile { .. })), "no folder to put it into: {got:?}");
        let got = session.get(&*from, here.path().join("tree")).await;
        assert!(matches!(got, Err(Error::HostileName { .. })), "{name}: {got:?}");
        assert!(!here.path().join("tree").exists() && !here.path().join("evil").exists());
        assert!(!Path::new("/tmp/evil-of-a-test").exists());
    }
    // A stream that ends in the middle is no tree.
    tool("/usr/bin/tar", &["-cf", "whole.tar", "file"], bin.path());
    let whole = fs::read(bin.path().join("whole.tar")).unwrap();
    fs::write(&evil, &whole[..514]).unwrap();
    let here = tempfile::tempdir().unwrap();
    let got = session.get(&*from, here.path().join("tree")).await;
    assert!(got.is_err() && !here.path().join("tree").exists(), "{got:?}");
    // Nor is one that lacks a file, or that has another one.
    fs::write(&evil, &whole).unwrap();
    let got = session.get(&*from, here.path().join("tree")).await;
    assert!(matches!(got, Err(Error::Differs { .. })), "{got:?}");
}

#[tokio::test]
async fn what_was_summed_once_is_brought_to_many_places() {
    let (fleet, session) = sshd_session().await;
    let root = &fleet.servers[0].root;
    let there = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let here = tempfile::tempdir().unwrap();
    let (file, folder) = (here.path().join("file"), here.path().join("folder"));
    let content = noise(300_000);
    fs::write(&file, &content).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    tree(&folder, "last");
    let (file, folder) = (Summed::of(&file).unwrap(), Summed::of(&folder).unwrap());
    let longer = [&content[..], b"more"].concat();
    for (place, left) in [("one", None), ("two", Some(&content[..100_000])), ("three", Some(&longer[..]))] {
        if let Some(left) = left {
            fs::write(root.join(format!(".{place}.part")), left).unwrap();
        }
        let sent = session.put(file.clone(), there(place)).await.unwrap();
        assert_eq!(sent.resumed, if place == "two" { 100_000 } else { 0 }, "{place}");
        assert!(fs::read(root.join(place)).unwrap() == content && mode(&root.join(place)) == 0o640);
        let to = format!("{place}-folder");
        session.put(folder.clone(), there(&to)).await.unwrap();
        assert_eq!(tree_listing(&root.join(&to)), tree_listing(&folder.path));
    }
    // It must not change: what differs from its sums is nothing.
    fs::write(&file.path, "other").unwrap();
    let sent = session.put(file, there("four")).await;
    assert!(matches!(sent, Err(Error::Differs { .. })), "{sent:?}");
    fs::write(folder.path.join("last"), "other").unwrap();
    let sent = session.put(folder, there("five")).await;
    assert!(matches!(sent, Err(Error::Differs { .. })), "{sent:?}");
    assert!(!root.join("four").exists() && !root.join("five").exists());
}

#[tokio::test]
async fn a_folder_replaces_what_is_there_unless_it_may_not() {
    for shell in [Shell::Login, Shell::Busybox, Shell::Fish, Shell::Tcsh] {
        let (fleet, session) = with_shell(shell).await;
        let root = &fleet.servers[0].root;
        let here = tempfile::tempdir().unwrap();
        tree(here.path(), "last");
        fs::create_dir(root.join("folder")).unwrap();
        fs::write(root.join("folder/mine"), "").unwrap();
        symlink("/nowhere", root.join("link")).unwrap();
        for (name, is_new) in [("folder", false), ("link", false), ("new", true)] {
            let to = root.join(name);
            let sent = session.put(here.path(), to.to_str().unwrap()).replace(false).await;
            assert_eq!(sent.is_ok(), is_new, "{name}: {sent:?}");
            let said = sent.map_or_else(|error| error.to_string(), |_| String::new());
            assert!(is_new || said.contains("there is something already"), "{said}");
        }
        assert!(root.join("folder/mine").exists() && root.join("link").is_symlink());
        session.put(here.path(), root.join("folder").to_str().unwrap()).await.unwrap();
        assert!(!root.join("folder/mine").exists());
    }
}

#[test]
fn what_came_with_no_right_to_read_it_is_packed_as_it_came() {
    let modes =
        [("a", 0o000), ("a/file", 0o000), ("b", 0o300), ("b/file", 0o640), ("c", 0o400), ("c/file", 0o200)];
    let mut archive = Vec::new();
    testkit::nobody::as_nobody(|| {
        let ours = tempfile::tempdir().unwrap();
        for (name, _) in modes {
            let path = ours.path().join(name);
            if name.contains('/') { fs::write(path, name).unwrap() } else { fs::create_dir(path).unwrap() }
        }
        for (name, mode) in modes.into_iter().rev() {
            fs::set_permissions(ours.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        transport::pack(ours.path(), &mut archive, &mut |_| ()).unwrap();
    });
    let mut tar = tar::Archive::new(&*archive);
    for (entry, (name, mode)) in tar.entries().unwrap().zip(modes) {
        let entry = entry.unwrap();
        let size = if name.contains('/') { name.len() as u64 } else { 0 };
        assert_eq!((&*entry.path().unwrap(), entry.size()), (Path::new(name), size));
        assert_eq!(entry.header().mode().unwrap(), mode, "{name}");
    }
}

#[test]
fn an_archive_is_what_was_packed_whatever_its_names() {
    let here = tempfile::tempdir().unwrap();
    let (from, into) = (here.path().join("from"), here.path().join("into"));
    tree(&from, "two\nlines");
    fs::create_dir(&into).unwrap();
    let mut archive = Vec::new();
    let mut packed = 0;
    transport::pack(&from, &mut archive, &mut |bytes| packed += bytes).unwrap();
    transport::unpack(&*archive, &into, &mut |_| ()).unwrap();
    assert_eq!((tree_listing(&into), packed), (tree_listing(&from), 90_025));
    // One thing comes by its own name, and what cannot be brought is refused before anything is sent.
    let mut archive = Vec::new();
    transport::pack_one(&from.join("a"), &mut archive, &mut |_| ()).unwrap();
    let into = here.path().join("one");
    fs::create_dir(&into).unwrap();
    transport::unpack(&*archive, &into, &mut |_| ()).unwrap();
    assert_eq!(tree_listing(&into.join("a")), tree_listing(&from.join("a")));
    // What is taken in has the sums that reading it again has.
    let into = here.path().join("taken");
    fs::create_dir(&into).unwrap();
    let taken = transport::unpack_one(&*archive, &into, &mut |_| ()).unwrap().unwrap();
    assert_eq!((&taken.path, &taken.sums), (&into.join("a"), &Summed::of(&from.join("a")).unwrap().sums));
    assert!(taken.sums.contains_key(Path::new("run")));
    for (files, is_one) in [(&["x"][..], true), (&["x", "y"], false), (&[], false)] {
        let into = tempfile::tempdir().unwrap();
        let mut tar = tar::Builder::new(Vec::new());
        for name in files {
            tar.append_path_with_name(from.join("a/run"), name).unwrap();
        }
        let taken = transport::unpack_one(&*tar.into_inner().unwrap(), into.path(), &mut |_| ()).unwrap();
        let sums = taken.map(|taken| taken.sums);
        assert_eq!(sums, is_one.then(|| Summed::of(&from.join("a/run")).unwrap().sums));
    }
    let refused = transport::pack_one(&from, &mut Vec::new(), &mut |_| ()).unwrap_err().to_string();
    assert!(refused.contains("line break") && !refused.contains(here.path().to_str().unwrap()), "{refused}");
    assert!(Summed::of(&from).unwrap_err().to_string().contains("line break"));
}
