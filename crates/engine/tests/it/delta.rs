//! Delta: a release that shares files with the one before it is right, and what happens to the one never gets into the
//! other unnoticed.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use engine::artifact::kept;
use engine::artifact::stream::{Codec, Wanted, stream};
use engine::driver::{Driver, Stream};
use engine::remote::Answer;
use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;
use testkit::repo::{Entry, file, link};

use crate::asks::ask;
use crate::machine::Machine;
use crate::properties::{entry, machine, path};
use crate::site::Site;
use crate::tree::{COMMIT_TIME, Walk, differences, expected_of, keep, owner, receive_onto, walk, write};

/// Two trees, of which the second is packed as what the first one does not have.
pub(crate) struct Pair {
    folder: TempDir,
    artifacts: [String; 2],
}

impl Pair {
    pub(crate) fn new(one: Vec<(OsString, Entry)>, two: Vec<(OsString, Entry)>) -> Self {
        let folder = tempfile::Builder::new().prefix("pair-").tempdir().unwrap();
        let trees = [folder.path().join("one"), folder.path().join("two")];
        for (tree, entries) in trees.iter().zip([one, two]) {
            fs::create_dir(tree).unwrap();
            write(tree, entries);
        }
        let data = folder.path().join("data");
        let first = keep(&data, &trees[0], COMMIT_TIME, None);
        let manifest = kept::manifest(&data, &first).unwrap();
        let second = keep(&data, &trees[1], COMMIT_TIME, Some((&first, &manifest)));
        Self { folder, artifacts: [first, second] }
    }

    fn of(one: &[(&str, Entry)], two: &[(&str, Entry)]) -> Self {
        let owned = |entries: &[(&str, Entry)]| {
            entries.iter().map(|(name, entry)| (OsString::from(name), entry.clone())).collect()
        };
        Self::new(owned(one), owned(two))
    }

    fn expected(&self, at: usize) -> Walk {
        expected_of(&self.folder.path().join(["one", "two"][at]))
    }

    pub(crate) fn stream(&self, at: usize, codec: Codec, base: bool) -> Stream {
        let data = self.folder.path().join("data");
        stream(&Wanted {
            data: &data,
            artifact: &self.artifacts[at],
            base: base.then_some(self.artifacts[0].as_str()),
            codec,
            linked: &[],
            owner: owner(),
            work: &self.folder.path().join("work"),
        })
        .unwrap()
    }

    /// Sends a tree as the release `name`, onto the release `base` where that is not empty.
    async fn send(
        &self,
        driver: &mut Driver,
        at: usize,
        name: &str,
        base: &str,
        own: bool,
        codec: Codec,
    ) -> Answer {
        let stream = self.stream(at, codec, !base.is_empty());
        let command = receive_onto(name, codec, base, own, &[], &[], stream.size());
        driver.upload(&command, &stream, false, |_| {}).await.unwrap()
    }

    /// The first tree as the live release `one`.
    async fn live(&self, site: &Site) -> Driver {
        let mut driver = site.locked().await;
        assert_eq!(self.send(&mut driver, 0, "one", "", false, Codec::Gzip).await.status, 0);
        assert_eq!(ask(&mut driver, "activate", &["one", ""]).await.status, 0);
        driver
    }
}

/// How many files of two releases are one and the same.
fn shared(one: &Path, two: &Path) -> usize {
    let mut same = 0;
    for name in walk(two).keys() {
        let part = Path::new(std::os::unix::ffi::OsStrExt::from_bytes(name.as_slice()) as &std::ffi::OsStr);
        let (one, two) = (one.join(part).symlink_metadata(), two.join(part).symlink_metadata());
        let is_same = |(one, two): &(fs::Metadata, fs::Metadata)| one.is_file() && one.ino() == two.ino();
        same += usize::from(one.ok().zip(two.ok()).as_ref().is_some_and(is_same));
    }
    same
}

fn text_trees() -> Pair {
    let one =
        [("kept", file("kept")), ("folder/kept", file("also")), ("changed", file("1")), ("gone", file("x"))];
    let two = [
        ("kept", file("kept")),
        ("folder/kept", file("also")),
        ("changed", file("2")),
        ("new/er", file("y")),
    ];
    Pair::of(&one, &two)
}

#[tokio::test]
async fn what_did_not_change_is_shared_and_with_hooks_before_the_switch_it_is_not() {
    let pair = text_trees();
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = pair.live(&site).await;
        for (name, own, expected) in [("two", false, 2), ("three", true, 0)] {
            for codec in machine.codecs() {
                let answer = pair.send(&mut driver, 1, name, "one", own, *codec).await;
                assert_eq!(answer.status, 0, "{answer:?}");
                let (one, new) = (site.path("releases/one"), site.path("releases").join(name));
                assert_eq!(differences(&walk(&new), &pair.expected(1)), [""; 0]);
                assert_eq!(differences(&walk(&one), &pair.expected(0)), [""; 0]);
                // REVISION and REVISION_TIME are the same in both trees.
                assert_eq!(shared(&one, &new), if own { 0 } else { expected + 2 });
            }
        }
        let whole = pair.stream(1, Codec::Gzip, false);
        assert!(whole.files > pair.stream(1, Codec::Gzip, true).files, "less is sent");
        assert_eq!(ask(&mut driver, "activate", &["two", "releases/one"]).await.status, 0);
    }
}

/// What somebody does to a release.
type Deed = fn(&Path);

const DEEDS: [(&str, Deed); 8] = [
    ("written", |release| fs::write(release.join("kept"), "KEPT").unwrap()),
    ("shortened", |release| {
        fs::OpenOptions::new().write(true).open(release.join("kept")).unwrap().set_len(1).unwrap();
    }),
    ("chmod", |release| {
        fs::set_permissions(release.join("kept"), fs::Permissions::from_mode(0o600)).unwrap();
    }),
    ("chown", |release| std::os::unix::fs::chown(release.join("kept"), Some(12345), None).unwrap()),
    ("deleted", |release| fs::remove_file(release.join("kept")).unwrap()),
    ("a link", |release| {
        fs::remove_file(release.join("kept")).unwrap();
        symlink("/etc/passwd", release.join("kept")).unwrap();
    }),
    ("a folder that is a link", |release| {
        fs::rename(release.join("folder"), release.join("elsewhere")).unwrap();
        fs::write(release.join("elsewhere/kept"), "ALSO").unwrap();
        symlink("elsewhere", release.join("folder")).unwrap();
    }),
    ("replaced", |release| {
        fs::remove_file(release.join("kept")).unwrap();
        fs::write(release.join("kept"), "else").unwrap();
    }),
];

#[tokio::test]
async fn nothing_is_built_upon_what_was_touched() {
    let pair = text_trees();
    for machine in Machine::ALL {
        for (what, deed) in DEEDS {
            if what == "chown" && !nix::unistd::geteuid().is_root() {
                eprintln!("skipped: only root gives files away");
                continue;
            }
            let site = Site::new(machine);
            let mut driver = pair.live(&site).await;
            deed(&site.path("releases/one"));
            let touched = walk(&site.path("releases/one"));
            let answer = pair.send(&mut driver, 1, "two", "one", false, Codec::Gzip).await;
            assert!([70, 76].contains(&answer.status), "{what}: {answer:?}");
            assert_eq!(site.names("releases"), ["one"], "{what}");
            // Everything is sent then; what was touched is left as it is.
            let mut driver = site.locked().await;
            assert_eq!(pair.send(&mut driver, 1, "two", "", false, Codec::Gzip).await.status, 0, "{what}");
            assert_eq!(differences(&walk(&site.path("releases/two")), &pair.expected(1)), [""; 0], "{what}");
            assert_eq!(differences(&walk(&site.path("releases/one")), &touched), [""; 0], "{what}");
        }
    }
}

#[tokio::test]
async fn what_is_done_to_a_live_release_is_noticed_in_the_one_before() {
    let pair = text_trees();
    for machine in Machine::ALL {
        for (what, deed) in &DEEDS[..4] {
            if *what == "chown" && !nix::unistd::geteuid().is_root() {
                continue;
            }
            let site = Site::new(machine);
            let mut driver = pair.live(&site).await;
            assert_eq!(pair.send(&mut driver, 1, "two", "one", false, Codec::Gzip).await.status, 0);
            let origin = async |driver: &mut Driver| {
                let answer = ask(driver, "acquire", &["", "", "one", "0"]).await;
                answer.get("origin").map(str::to_owned)
            };
            assert_eq!(origin(&mut driver).await.as_deref(), Some("yes"), "{what}");
            deed(&site.path("releases/two"));
            assert_eq!(origin(&mut driver).await, None, "{what}: the older release is staged anew");
            let refused = ask(&mut driver, "activate", &["two", "releases/one"]).await;
            assert_eq!(refused.status, 77, "{what}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn a_release_says_what_it_is_unless_a_hook_changed_it() {
    let pair = text_trees();
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = pair.live(&site).await;
        let base = async |driver: &mut Driver| {
            ask(driver, "acquire", &["", "", "", "0"]).await.get("base").map(str::to_owned)
        };
        assert_eq!(base(&mut driver).await, Some(pair.artifacts[0].clone()));
        fs::write(site.path("releases/one/kept"), "by a hook").unwrap();
        assert_eq!(ask(&mut driver, "seal", &["one"]).await.status, 0);
        assert_eq!(base(&mut driver).await, None);
    }
}

/// Some entries of a tree, changed by `edits`: taken away, written anew, or others added.
fn edited(
    tree: &[(PathBuf, Entry)],
    edits: &[(usize, Option<Entry>)],
    added: &[(PathBuf, Entry)],
) -> Vec<(OsString, Entry)> {
    let mut two: Vec<(PathBuf, Entry)> = tree.to_vec();
    for (at, edit) in edits {
        if two.is_empty() {
            break;
        }
        let at = at % two.len();
        match edit {
            Some(entry) => two[at].1 = entry.clone(),
            None => drop(two.remove(at)),
        }
    }
    two.extend_from_slice(added);
    two.into_iter().map(|(path, entry)| (path.into_os_string(), entry)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_edit_of_any_tree_arrives_as_it_is(
        tree in vec((path(), entry()), 0..20),
        edits in vec((any::<usize>(), proptest::option::of(entry())), 0..8),
        added in vec((path(), entry()), 0..5),
        own in any::<bool>(),
        machine in machine(),
    ) {
        let one = tree.iter().map(|(path, entry)| (path.clone().into_os_string(), entry.clone())).collect();
        let pair = Pair::new(one, edited(&tree, &edits, &added));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let site = Site::new(machine);
            let mut driver = pair.live(&site).await;
            for codec in machine.codecs() {
                let answer = pair.send(&mut driver, 1, codec.word(), "one", own, *codec).await;
                assert_eq!(answer.status, 0, "{answer:?}");
                let arrived = walk(&site.path("releases").join(codec.word()));
                assert_eq!(differences(&arrived, &pair.expected(1)), [""; 0]);
                assert_eq!(differences(&walk(&site.path("releases/one")), &pair.expected(0)), [""; 0]);
            }
        });
    }
}

#[test]
fn a_chain_of_artifacts_gives_every_file_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut last: Option<String> = None;
    for round in 0..5 {
        let tree = folder.path().join(format!("tree-{round}"));
        fs::create_dir(&tree).unwrap();
        let mut entries = vec![("always".to_owned(), file("always")), ("link".to_owned(), link("always"))];
        entries.extend((0..=round).map(|n| (format!("of-{n}"), file(&format!("{n}")))));
        entries.push(("changes".to_owned(), file(&format!("round {round}"))));
        write(&tree, entries.into_iter().map(|(name, entry)| (name.into(), entry)));
        let manifest = last.as_ref().map(|hash| kept::manifest(&data, hash).unwrap());
        last = Some(keep(&data, &tree, COMMIT_TIME, last.as_deref().zip(manifest.as_ref())));
    }
    let last = last.unwrap();
    assert_eq!(kept::chain(&data, &last).unwrap().len(), 5);
    let whole = kept::Kept::open(&data, &last).unwrap();
    let files =
        whole.manifest().unwrap().entries.keys().map(Vec::as_slice).filter(|path| *path != b"link").collect();
    let mut archive = Vec::new();
    whole.write(&files, &mut archive).unwrap();
    let mut found: Vec<(String, String)> = Vec::new();
    for entry in tar::Archive::new(archive.as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        found.push((entry.path().unwrap().display().to_string(), text));
    }
    found.sort();
    let expected = [
        ("tree/REVISION", "c0ffee\n".to_owned()),
        ("tree/REVISION_TIME", format!("{COMMIT_TIME}\n")),
        ("tree/always", "always".to_owned()),
        ("tree/changes", "round 4".to_owned()),
        ("tree/of-0", "0".to_owned()),
        ("tree/of-1", "1".to_owned()),
        ("tree/of-2", "2".to_owned()),
        ("tree/of-3", "3".to_owned()),
        ("tree/of-4", "4".to_owned()),
    ];
    assert_eq!(found, expected.map(|(name, text)| (name.to_owned(), text)));
    // Without one of its parts it is not kept, and is never half read.
    let middle = kept::chain(&data, &last).unwrap().swap_remove(2);
    fs::remove_file(engine::artifact::folder(&data, &middle).join("files.tar.zst")).unwrap();
    assert!(kept::chain(&data, &last).is_none() && kept::Kept::open(&data, &last).is_err());
}
