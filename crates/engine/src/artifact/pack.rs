//! Packing: a tree becomes a manifest and the files that an earlier artifact does not have, compressed. It is made once
//! for all servers.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use sha2::{Digest, Sha256};

use super::manifest::{Entry, Manifest, Text, ancestors};
use super::tar::append;
use crate::error::Failure;

/// Files up to this size are kept in memory while they are hashed, in bytes.
const IN_MEMORY: u64 = 4 * 1024 * 1024;

/// How hard zstd tries: beyond 3 the seconds grow faster than the bytes shrink.
const LEVEL: i32 = 3;

/// How an artifact is packed.
#[derive(Debug, Clone)]
pub struct Order {
    /// What is left out, in gitignore syntax.
    pub exclude: Vec<String>,
    /// The time of files that were not in the previous artifact, in seconds since 1970: the commit's.
    pub mtime: i64,
    /// The full commit id, for `REVISION`.
    pub revision: String,
    /// The artifact before, for the times of files that did not change.
    pub previous: Option<Manifest>,
    /// The hash of the artifact before, when its files need not be packed again.
    pub base: Option<String>,
}

/// A packed artifact in a folder that nobody else sees yet.
#[derive(Debug)]
pub struct Packed {
    /// What is in it.
    pub manifest: Manifest,
    /// Its address.
    pub hash: String,
    /// How many bytes of files were packed, before compression.
    pub packed_bytes: u64,
}

/// Packs what is in the folder `tree` into the new folder `into`. Blocking.
pub fn pack(order: &Order, tree: &Path, into: &Path) -> Result<Packed, Failure> {
    let mut packing = Packing::begin(order.clone(), into)?;
    packing.tree(tree, Path::new(""))?;
    packing.finish()
}

/// An artifact that is being packed, entry by entry. Blocking.
///
/// Hashes are those of the bytes that were packed. `files.tar.zst` holds its files below `tree/`, without the end of an
/// archive, so that it can stand between other parts.
pub struct Packing {
    order: Order,
    into: PathBuf,
    excluded: Gitignore,
    manifest: Manifest,
    files: zstd::Encoder<'static, BufWriter<File>>,
    packed_bytes: u64,
}

impl Packing {
    /// Begins with nothing, in the new folder `into`.
    pub fn begin(order: Order, into: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(into)?;
        let excluded = excludes(&order)?;
        let mut files = zstd::Encoder::new(BufWriter::new(File::create(into.join("files.tar.zst"))?), LEVEL)?;
        files.include_checksum(true)?;
        let into = into.to_owned();
        Ok(Self { order, into, excluded, manifest: Manifest::default(), files, packed_bytes: 0 })
    }

    /// Takes over everything of the previous artifact but the paths in `changed` and what Aweigh itself added.
    /// Folders are those that are needed, and those that were empty.
    pub fn keep(&mut self, changed: &BTreeSet<Vec<u8>>) {
        let Some(previous) = &self.order.previous else { return };
        let inner = ancestors(previous.entries.keys());
        let ours = |path: &[u8]| path == b"REVISION" || path == b"REVISION_TIME";
        for (path, entry) in &previous.entries {
            if changed.contains(path) || ours(path) || inner.contains(path) {
                continue;
            }
            self.manifest.entries.insert(path.clone(), entry.clone());
        }
    }

    /// Adds a folder.
    pub fn folder(&mut self, path: &[u8]) {
        if !self.is_excluded(path, true) {
            self.manifest.entries.insert(path.to_vec(), Entry::Dir);
        }
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &[u8], target: &[u8]) {
        if !self.is_excluded(path, false) {
            let target = Text::new(target);
            self.manifest.entries.insert(path.to_vec(), Entry::Link { target });
        }
    }

    /// Adds a file with its bytes, of which there are `size`.
    pub fn file(
        &mut self,
        path: &[u8],
        executable: bool,
        size: u64,
        bytes: &mut dyn Read,
    ) -> Result<(), Failure> {
        if self.is_excluded(path, false) {
            return Ok(());
        }
        if size <= IN_MEMORY {
            let mut held = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
            bytes.take(size).read_to_end(&mut held)?;
            let entry = self.describe(path, executable, size, hex::encode(Sha256::digest(&held)));
            return self.add(path, entry, &mut held.as_slice());
        }
        // Its hash stands in front of it, so it is put aside first.
        let mut aside = tempfile::tempfile_in(&self.into)?;
        let mut hash = Sha256::new();
        let copied = std::io::copy(bytes, &mut Both(&mut aside, &mut hash))?;
        aside.rewind()?;
        let entry = self.describe(path, executable, copied, hex::encode(hash.finalize()));
        self.add(path, entry, &mut aside)
    }

    /// Writes what was added, and `REVISION` and `REVISION_TIME` as Capistrano does, unless the commit has them.
    pub fn finish(mut self) -> Result<Packed, Failure> {
        for (name, text) in [
            ("REVISION", format!("{}\n", self.order.revision)),
            ("REVISION_TIME", format!("{}\n", self.order.mtime)),
        ] {
            if !self.manifest.entries.contains_key(name.as_bytes()) {
                let hash = hex::encode(Sha256::digest(&text));
                let entry = self.describe(name.as_bytes(), false, text.len() as u64, hash);
                self.add(name.as_bytes(), entry, &mut text.as_bytes())?;
            }
        }
        for folder in ancestors(self.manifest.entries.keys()) {
            self.manifest.entries.insert(folder, Entry::Dir);
        }
        let Self { order, into, manifest, files, packed_bytes, .. } = self;
        synced(files.finish()?)?;
        let mut lines = BufWriter::new(File::create(into.join("manifest.jsonl"))?);
        manifest.write(&mut lines)?;
        synced(lines)?;
        if let Some(base) = order.base {
            let mut file = BufWriter::new(File::create(into.join("base"))?);
            file.write_all(base.as_bytes())?;
            synced(file)?;
        }
        let hash = manifest.hash();
        Ok(Packed { manifest, hash, packed_bytes })
    }

    /// Packs what is in the folder `below` of `tree`, in the order of names, so that equal trees give equal files.
    fn tree(&mut self, tree: &Path, below: &Path) -> Result<(), Failure> {
        let listed = std::fs::read_dir(tree.join(below)).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut children =
            listed.map_err(|error| Failure::new(format!("cannot read {}: {error}", below.display())))?;
        children.sort_by_key(std::fs::DirEntry::file_name);
        for child in children {
            let path = below.join(child.file_name());
            let name = path.as_os_str().as_bytes();
            let kind = child.file_type()?;
            if self.is_excluded(name, kind.is_dir()) {
                continue;
            }
            if kind.is_dir() {
                self.folder(name);
                self.tree(tree, &path)?;
            } else if kind.is_symlink() {
                self.link(name, std::fs::read_link(child.path())?.as_os_str().as_bytes());
            } else if kind.is_file() {
                self.file_of(tree, &path)?;
            } else {
                let message =
                    format!("{} is a device, a pipe or a socket and cannot be packed", path.display());
                return Err(Failure::new(message).hint("let the build remove it, or name it under exclude"));
            }
        }
        Ok(())
    }

    fn file_of(&mut self, tree: &Path, path: &Path) -> Result<(), Failure> {
        let full = tree.join(path);
        let name = path.as_os_str().as_bytes();
        let mut file =
            File::open(&full).map_err(|e| Failure::new(format!("cannot read {}: {e}", path.display())))?;
        let stat = file.metadata()?;
        let executable = stat.permissions().mode() & 0o111 != 0;
        if stat.len() <= IN_MEMORY {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            return self.file(name, executable, bytes.len() as u64, &mut bytes.as_slice());
        }
        // Read twice: what is large is mostly what did not change, and need not be copied.
        let mut hash = Sha256::new();
        let size = std::io::copy(&mut file, &mut HashWriter(&mut hash))?;
        let sha256 = hex::encode(hash.finalize());
        let entry = self.describe(name, executable, size, sha256.clone());
        let mut packed = Sha256::new();
        let mut again = HashReader { from: File::open(&full)?.take(size), hash: &mut packed };
        self.add(name, entry, &mut again)?;
        std::io::copy(&mut again, &mut std::io::sink())?;
        if hex::encode(packed.finalize()) == sha256 {
            Ok(())
        } else {
            Err(Failure::new(format!("{} changed while it was packed", path.display()))
                .hint("a process of the build is still writing; let the build wait for it"))
        }
    }

    fn is_excluded(&self, path: &[u8], folder: bool) -> bool {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        !self.excluded.is_empty() && self.excluded.matched_path_or_any_parents(path, folder).is_ignore()
    }

    fn describe(&self, path: &[u8], executable: bool, size: u64, sha256: String) -> Entry {
        let before = self.order.previous.as_ref().and_then(|previous| previous.entries.get(path));
        let mtime = match before {
            Some(Entry::File { sha256: same, mtime, .. }) if *same == sha256 => *mtime,
            _ => self.order.mtime,
        };
        Entry::File { executable, size, sha256, mtime }
    }

    /// Adds a file, and packs it unless the base has it.
    fn add(&mut self, path: &[u8], entry: Entry, bytes: &mut dyn Read) -> Result<(), Failure> {
        let previous = self.order.previous.as_ref().filter(|_| self.order.base.is_some());
        if previous.is_none_or(|previous| previous.entries.get(path) != Some(&entry)) {
            append(&mut self.files, &[b"tree/", path].concat(), &entry, bytes)?;
            if let Entry::File { size, .. } = &entry {
                self.packed_bytes += size;
            }
        }
        self.manifest.entries.insert(path.to_vec(), entry);
        Ok(())
    }
}

fn excludes(order: &Order) -> Result<Gitignore, Failure> {
    let mut builder = GitignoreBuilder::new("");
    for line in &order.exclude {
        builder.add_line(None, line).map_err(|error| Failure::new(format!("exclude {line:?}: {error}")))?;
    }
    builder.build().map_err(|error| Failure::new(format!("exclude: {error}")))
}

fn synced(file: BufWriter<File>) -> Result<(), Failure> {
    Ok(file.into_inner().map_err(|error| Failure::from(error.into_error()))?.sync_all()?)
}

struct Both<'b>(&'b mut File, &'b mut Sha256);

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

struct HashWriter<'h>(&'h mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct HashReader<'h, R> {
    from: R,
    hash: &'h mut Sha256,
}

impl<R: Read> Read for HashReader<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.from.read(into)?;
        self.hash.update(into.get(..n).unwrap_or_default());
        Ok(n)
    }
}
