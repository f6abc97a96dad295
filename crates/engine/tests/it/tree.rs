//! Trees that are packed, sent and compared: how one is written, and everything that must arrive.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use engine::artifact::body::Body;
use engine::artifact::kept;
use engine::artifact::manifest::{Manifest, Owner};
use engine::artifact::pack::{Order, pack};
use engine::artifact::stream::{Codec, Wanted, stream};
use engine::driver::{Driver, Stream};
use engine::remote::{Answer, Command};
use tempfile::TempDir;
use testkit::repo::Entry;

use crate::asks::command;

/// The time of the commit in these tests, in seconds since 1970.
pub(crate) const COMMIT_TIME: i64 = 1_700_000_000;

/// One thing that was found in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Dir { mode: u32 },
    File { mode: u32, mtime: i64, bytes: Vec<u8> },
    Link { target: Vec<u8> },
}

/// Everything below a folder, by path.
pub(crate) type Walk = BTreeMap<Vec<u8>, Found>;

/// Everything below `folder`, as it is.
pub(crate) fn walk(folder: &Path) -> Walk {
    let mut found = Walk::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let mode = metadata.mode() & 0o7777;
            let one = if metadata.is_dir() {
                folders.push(path.clone());
                Found::Dir { mode }
            } else if metadata.is_symlink() {
                Found::Link { target: fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec() }
            } else {
                Found::File { mode, mtime: metadata.mtime(), bytes: fs::read(&path).unwrap() }
            };
            found.insert(path.strip_prefix(folder).unwrap().as_os_str().as_bytes().to_vec(), one);
        }
    }
    found
}

/// The paths in which two folders differ; comparing whole walks would print every byte.
pub(crate) fn differences(left: &Walk, right: &Walk) -> Vec<String> {
    let paths: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
    let differ = paths.into_iter().filter(|path| left.get(*path) != right.get(*path));
    differ.map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

/// Writes a tree into a folder. What cannot be written, since another entry is in the way, is left out.
pub(crate) fn write(folder: &Path, entries: impl IntoIterator<Item = (OsString, Entry)>) {
    for (name, entry) in entries {
        let path = folder.join(name);
        if fs::create_dir_all(path.parent().unwrap()).is_err() || path.symlink_metadata().is_ok() {
            continue;
        }
        match entry {
            Entry::File(bytes) => fs::write(path, bytes).unwrap(),
            Entry::Executable(bytes) => {
                fs::write(&path, bytes).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
            Entry::Link(target) => symlink(target, path).unwrap(),
            // In a tree that is written once, nothing stands for an empty folder.
            Entry::Gone => fs::create_dir(path).unwrap(),
        }
    }
}

/// A packed tree.
pub(crate) struct Parcel {
    folder: TempDir,
    artifact: String,
}

impl Parcel {
    /// Packs a tree of these entries.
    pub(crate) fn new(entries: impl IntoIterator<Item = (OsString, Entry)>) -> Self {
        let folder = tempfile::Builder::new().prefix("parcel-").tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir(&tree).unwrap();
        write(&tree, entries);
        let artifact = keep(&folder.path().join("data"), &tree, COMMIT_TIME, None);
        Self { folder, artifact }
    }

    /// A tree of text files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self::new(files.iter().map(|(name, text)| (OsString::from(name), testkit::repo::file(text))))
    }

    /// What must arrive: the tree with the modes and times that a release has, and what Capistrano's users expect.
    pub(crate) fn expected(&self) -> Walk {
        expected_of(&self.folder.path().join("tree"))
    }

    /// The stream of this tree.
    pub(crate) fn stream(&self, codec: Codec, linked: &[&str]) -> Stream {
        let linked: Vec<_> = linked.iter().map(|path| path.parse().unwrap()).collect();
        let data = self.folder.path().join("data");
        let (artifact, work) = (self.artifact.as_str(), data.join("work"));
        stream(&Wanted {
            data: &data,
            artifact,
            base: None,
            codec,
            linked: &linked,
            owner: owner(),
            work: &work,
        })
        .unwrap()
    }

    /// The bytes of the stream of this tree.
    pub(crate) fn bytes(&self, codec: Codec) -> Vec<u8> {
        let stream = self.stream(codec, &[]);
        [stream.head.to_vec(), fs::read(stream.body.path()).unwrap(), stream.tail.to_vec()].concat()
    }

    /// A file of the parcel's own, for streams that a test makes up.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sends this tree as the release `name` and seals it.
    pub(crate) async fn send(&self, driver: &mut Driver, name: &str, codec: Codec) -> Answer {
        let stream = self.stream(codec, &[]);
        driver.upload(&receive(name, codec, &[], &[], stream.size()), &stream, false, |_| {}).await.unwrap()
    }

    /// Sends this tree as the release `name`, with these paths linked into `shared/`.
    pub(crate) async fn send_linked(
        &self,
        driver: &mut Driver,
        name: &str,
        dirs: &[&str],
        files: &[&str],
    ) -> Answer {
        let stream = self.stream(Codec::Gzip, &[dirs, files].concat());
        let command = receive(name, Codec::Gzip, dirs, files, stream.size());
        driver.upload(&command, &stream, false, |_| {}).await.unwrap()
    }
}

/// What must arrive of the tree in this folder: the modes and times that a release has, and what Capistrano's users
/// expect.
pub(crate) fn expected_of(tree: &Path) -> Walk {
    let mut expected = walk(tree);
    for found in expected.values_mut() {
        match found {
            Found::Dir { mode } => *mode = 0o755,
            Found::File { mode, mtime, .. } => {
                *mode = if *mode & 0o111 == 0 { 0o644 } else { 0o755 };
                *mtime = COMMIT_TIME;
            }
            Found::Link { .. } => {}
        }
    }
    for (name, text) in [("REVISION", "c0ffee\n".to_owned()), ("REVISION_TIME", format!("{COMMIT_TIME}\n"))] {
        let file = Found::File { mode: 0o644, mtime: COMMIT_TIME, bytes: text.into_bytes() };
        expected.insert(name.as_bytes().to_vec(), file);
    }
    expected
}

/// Packs `tree` into the data folder `data`; answers the artifact's hash.
pub(crate) fn keep(data: &Path, tree: &Path, mtime: i64, base: Option<(&str, &Manifest)>) -> String {
    let order = Order {
        exclude: Vec::new(),
        mtime,
        revision: "c0ffee".into(),
        previous: base.map(|(_, manifest)| manifest.clone()),
        base: base.map(|(hash, _)| hash.to_owned()),
    };
    let new = data.join("artifacts/new");
    let packed = pack(&order, tree, &new).unwrap();
    let place = engine::artifact::folder(data, &packed.hash);
    if kept::chain(data, &packed.hash).is_some() {
        fs::remove_dir_all(&new).unwrap();
    } else {
        fs::rename(&new, &place).unwrap();
    }
    packed.hash
}

/// The command that receives a stream of `size` bytes and seals what it brings.
pub(crate) fn receive(name: &str, codec: Codec, dirs: &[&str], files: &[&str], size: u64) -> Command {
    receive_onto(name, codec, "", false, dirs, files, size)
}

/// The same for a stream onto the release `base`; with `own` no file stays shared with it.
pub(crate) fn receive_onto(
    name: &str,
    codec: Codec,
    base: &str,
    own: bool,
    dirs: &[&str],
    files: &[&str],
    size: u64,
) -> Command {
    let command = command("receive", &[name, codec.word(), base, if own { "1" } else { "0" }, "1"]);
    let command = command.list("folder", dirs.iter().copied()).unwrap();
    command.list("file", files.iter().copied()).unwrap().number(size)
}

/// A stream of these bytes.
pub(crate) fn stream_of(bytes: &[u8], nothing: &Path) -> Stream {
    fs::write(nothing, []).unwrap();
    Stream {
        head: bytes.to_vec().into(),
        body: Body::open(nothing).unwrap(),
        tail: bytes::Bytes::new(),
        files: 0,
    }
}

/// Bytes that look like chance and are the same every time.
pub(crate) fn noise(length: u64) -> Vec<u8> {
    (0..length).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()[5]).collect()
}

/// Whose the files are that these tests make.
pub(crate) fn owner() -> Owner {
    let made = tempfile::tempdir().unwrap();
    let stat = fs::metadata(made.path()).unwrap();
    Owner { user: stat.uid(), group: stat.gid() }
}
