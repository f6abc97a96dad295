//! What an earlier transfer left, and what cannot be removed: neither is in the way of the next one.

use super::*;

/// A server on which `rm` refuses where this is true of its last word.
fn with_rm_that_refuses(folder: &Path, is_so: &str) -> Fleet {
    let script = format!(
        "#!/bin/sh\nfor last; do :; done\nif {is_so}; then echo rm: Permission denied >&2; exit 1; fi\nexec /bin/rm \"$@\"\n"
    );
    with_program(folder, "rm", &script)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_folder_is_replaced_where_the_old_one_cannot_be_removed() {
    let bin = tempfile::tempdir().unwrap();
    let fleet = with_rm_that_refuses(bin.path(), "test -e \"$last/stuck\"");
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let root = &fleet.servers[0].root;
    let (here, to) = (tempfile::tempdir().unwrap(), root.join("tree"));
    tree(here.path(), "last");
    for left in [&[".tree.part.old", "tree"][..], &[".tree.part.old", ".tree.part.old.1", "tree"]] {
        fs::create_dir_all(to.join("stuck")).unwrap();
        // What can be removed is removed, whatever else is left.
        for _ in 0..2 {
            session.put(here.path(), to.to_str().unwrap()).await.unwrap();
            assert_eq!(tree_listing(&to), tree_listing(here.path()));
            assert_eq!(names(root), left);
        }
    }
    for number in 2..10 {
        fs::create_dir_all(root.join(format!(".tree.part.old.{number}/stuck"))).unwrap();
    }
    fs::write(to.join("mine"), "").unwrap();
    let error = session.put(here.path(), to.to_str().unwrap()).await.unwrap_err().to_string();
    assert!(error.contains("Permission denied") && to.join("mine").exists(), "{error}");
}

#[tokio::test]
async fn what_is_removed_leaves_its_other_names_as_they_are() {
    let bin = tempfile::tempdir().unwrap();
    let is_closed = "test -d \"$last\" && find \"$last\" -type d -perm 0500 | grep -q .";
    let fleet = with_rm_that_refuses(bin.path(), is_closed);
    let session = Session::connect(&fleet.target(0)).await.unwrap();
    let root = &fleet.servers[0].root;
    let (kept, closed) = (root.join("kept"), root.join(".tree.part/closed"));
    fs::write(&kept, "").unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o400)).unwrap();
    fs::create_dir_all(closed.join("inner")).unwrap();
    fs::hard_link(&kept, closed.join("file")).unwrap();
    symlink(root, closed.join("link")).unwrap();
    let before = mode(root);
    for folder in [closed.join("inner"), closed] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o500)).unwrap();
    }
    let here = tempfile::tempdir().unwrap();
    tree(here.path(), "last");
    session.put(here.path(), root.join("tree").to_str().unwrap()).await.unwrap();
    assert_eq!((names(root), mode(&kept), mode(root)), (vec!["kept".into(), "tree".into()], 0o400, before));
}

#[tokio::test]
async fn what_a_folder_left_is_not_in_the_way_of_a_file() {
    for shell in [Shell::Login, Shell::Busybox, Shell::Fish, Shell::Tcsh] {
        let (fleet, session) = with_shell(shell).await;
        let (here, there) = (tempfile::tempdir().unwrap(), &fleet.servers[0].root);
        for folder in [here.path(), there] {
            fs::create_dir_all(folder.join(".file.part/a")).unwrap();
            fs::write(folder.join(".file.part/a/b"), "").unwrap();
        }
        session.put(b"text".to_vec(), there.join("file").to_str().unwrap()).await.unwrap();
        session.get(there.join("file").to_str().unwrap(), here.path().join("file")).await.unwrap();
        for folder in [here.path(), there] {
            assert_eq!(names(folder), ["file"]);
            assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "text");
        }
    }
}
