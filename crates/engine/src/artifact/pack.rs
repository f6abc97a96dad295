//! Packing: a folder becomes a manifest and one compressed body, made once and sent to every server.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

use super::manifest::{Entry, Manifest, Text};
use crate::error::Failure;

/// Files up to this size are read once, in bytes; larger ones twice.
const IN_MEMORY: u64 = 4 * 1024 * 1024;

/// How hard zstd tries: beyond 3 the seconds grow faster than the bytes shrink.
const LEVEL: i32 = 3;

/// What is packed, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// The folder whose contents are packed.
    pub tree: PathBuf,
    /// What is left out, in gitignore syntax.
    pub exclude: Vec<String>,
    /// The time of files that were not in the previous artifact, in seconds since 1970: the commit's.
    pub mtime: i64,
    /// The full commit id, for `REVISION`.
    pub revision: String,
    /// The artifact before, for the times of files that did not change.
    pub previous: Option<Manifest>,
}

/// A packed artifact in a folder that nobody else sees yet.
#[derive(Debug)]
pub struct Packed {
    /// What is in it.
    pub manifest: Manifest,
    /// Its address.
    pub hash: String,
}

/// Packs `order` into the new folder `into`: `manifest.jsonl` and `body.tar.zst`.
///
/// Blocking: call it where blocking is allowed. The body holds the entries below `tree/`, without the end of an
/// archive, so that it can stand between other parts. Hashes are those of the bytes that were packed.
pub fn pack(order: &Order, into: &Path) -> Result<Packed, Failure> {
    std::fs::create_dir_all(into)?;
    let excluded = excludes(order)?;
    let body = BufWriter::new(File::create(into.join("body.tar.zst"))?);
    let mut zstd = zstd::Encoder::new(body, LEVEL)?;
    zstd.include_checksum(true)?;
    let mut packer = Packer { order, manifest: Manifest::default(), tar: zstd, excluded };
    packer.folder(Path::new(""))?;
    packer.revision("REVISION", &format!("{}\n", order.revision))?;
    packer.revision("REVISION_TIME", &format!("{}\n", order.mtime))?;
    let Packer { manifest, tar, .. } = packer;
    tar.finish()?.into_inner().map_err(|error| Failure::from(error.into_error()))?.sync_all()?;
    let mut lines = BufWriter::new(File::create(into.join("manifest.jsonl"))?);
    manifest.write(&mut lines)?;
    lines.into_inner().map_err(|error| Failure::from(error.into_error()))?.sync_all()?;
    let hash = manifest.hash();
    Ok(Packed { manifest, hash })
}

fn excludes(order: &Order) -> Result<Gitignore, Failure> {
    let mut builder = GitignoreBuilder::new(&order.tree);
    for line in &order.exclude {
        builder.add_line(None, line).map_err(|error| Failure::new(format!("exclude {line:?}: {error}")))?;
    }
    builder.build().map_err(|error| Failure::new(format!("exclude: {error}")))
}

struct Packer<'o, W: Write> {
    order: &'o Order,
    manifest: Manifest,
    tar: W,
    excluded: Gitignore,
}

impl<W: Write> Packer<'_, W> {
    /// Packs what is in the folder `below`, in the order of names, so that equal trees give equal bodies.
    fn folder(&mut self, below: &Path) -> Result<(), Failure> {
        let at = self.order.tree.join(below);
        let listed = std::fs::read_dir(&at).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut children =
            listed.map_err(|error| Failure::new(format!("cannot read {}: {error}", below.display())))?;
        children.sort_by_key(std::fs::DirEntry::file_name);
        for child in children {
            let path = below.join(child.file_name());
            let kind = child.file_type()?;
            if self.excluded.matched(&path, kind.is_dir()).is_ignore() {
                continue;
            }
            if kind.is_dir() {
                self.entry(&path, Entry::Dir, &mut std::io::empty())?;
                self.folder(&path)?;
            } else if kind.is_symlink() {
                let target = std::fs::read_link(child.path())?;
                let target = Text::new(target.as_os_str().as_bytes());
                self.entry(&path, Entry::Link { target }, &mut std::io::empty())?;
            } else if kind.is_file() {
                self.file(&path)?;
            } else {
                let message =
                    format!("{} is a device, a pipe or a socket and cannot be packed", path.display());
                return Err(Failure::new(message).hint("let the build remove it, or name it under exclude"));
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let full = self.order.tree.join(path);
        let mut file =
            File::open(&full).map_err(|e| Failure::new(format!("cannot read {}: {e}", path.display())))?;
        let stat = file.metadata()?;
        let executable = stat.permissions().mode() & 0o111 != 0;
        if stat.len() <= IN_MEMORY {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let entry =
                self.describe(path, executable, bytes.len() as u64, hex::encode(Sha256::digest(&bytes)));
            return self.entry(path, entry, &mut bytes.as_slice());
        }
        let mut hash = Sha256::new();
        let size = std::io::copy(&mut file, &mut HashWriter(&mut hash))?;
        let sha256 = hex::encode(hash.finalize());
        let entry = self.describe(path, executable, size, sha256.clone());
        let mut packed = Sha256::new();
        let mut again = HashReader { from: File::open(&full)?.take(size), hash: &mut packed };
        self.entry(path, entry, &mut again)?;
        if hex::encode(packed.finalize()) == sha256 {
            Ok(())
        } else {
            Err(Failure::new(format!("{} changed while it was packed", path.display()))
                .hint("a process of the build is still writing; let the build wait for it"))
        }
    }

    fn describe(&self, path: &Path, executable: bool, size: u64, sha256: String) -> Entry {
        let before = self.order.previous.as_ref().and_then(|p| p.entries.get(path.as_os_str().as_bytes()));
        let mtime = match before {
            Some(Entry::File { sha256: same, mtime, .. }) if *same == sha256 => *mtime,
            _ => self.order.mtime,
        };
        Entry::File { executable, size, sha256, mtime }
    }

    /// `REVISION` as Capistrano writes it, unless the commit has a file of that name.
    fn revision(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        if self.manifest.entries.contains_key(name.as_bytes()) {
            return Ok(());
        }
        let path = Path::new(name);
        let entry = self.describe(path, false, text.len() as u64, hex::encode(Sha256::digest(text)));
        self.entry(path, entry, &mut text.as_bytes())
    }

    fn entry(&mut self, path: &Path, entry: Entry, bytes: &mut dyn Read) -> Result<(), Failure> {
        let name = Path::new("tree").join(path);
        append(&mut self.tar, name.as_os_str().as_bytes(), &entry, bytes)?;
        self.manifest.entries.insert(path.as_os_str().as_bytes().to_vec(), entry);
        Ok(())
    }
}

/// Writes one entry of a tar archive in GNU's form, which both GNU tar and busybox read.
pub fn append(to: &mut impl Write, name: &[u8], entry: &Entry, bytes: &mut dyn Read) -> std::io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_uid(0);
    header.set_gid(0);
    match entry {
        Entry::Dir => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
        }
        Entry::Link { target } => {
            let target = target.bytes();
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            header.set_size(0);
            fill(to, &mut header, &target, EntryType::GNULongLink)?;
        }
        Entry::File { executable, size, mtime, .. } => {
            header.set_entry_type(EntryType::Regular);
            header.set_mode(if *executable { 0o755 } else { 0o644 });
            header.set_size(*size);
            header.set_mtime(u64::try_from(*mtime).unwrap_or(0));
        }
    }
    fill(to, &mut header, name, EntryType::GNULongName)?;
    header.set_cksum();
    to.write_all(header.as_bytes())?;
    let size = std::io::copy(bytes, to)?;
    if let Entry::File { size: promised, .. } = entry
        && size != *promised
    {
        return Err(std::io::Error::other("a file became shorter while it was packed"));
    }
    pad(to, size)
}

/// Puts a name or a link's text into the header; what does not fit goes before it, as an entry of its own.
fn fill(to: &mut impl Write, header: &mut Header, text: &[u8], long: EntryType) -> std::io::Result<()> {
    let place = match (header.as_gnu_mut(), long) {
        (Some(gnu), EntryType::GNULongLink) => &mut gnu.linkname,
        (Some(gnu), _) => &mut gnu.name,
        (None, _) => return Err(std::io::Error::other("not a GNU header")),
    };
    for (place, byte) in place.iter_mut().zip(text) {
        *place = *byte;
    }
    if text.len() < place.len() {
        return Ok(());
    }
    let mut before = Header::new_gnu();
    if let Some(gnu) = before.as_gnu_mut() {
        for (place, byte) in gnu.name.iter_mut().zip(b"././@LongLink") {
            *place = *byte;
        }
    }
    let size = text.len() as u64 + 1;
    before.set_entry_type(long);
    before.set_mode(0o644);
    before.set_size(size);
    before.set_cksum();
    to.write_all(before.as_bytes())?;
    to.write_all(text)?;
    to.write_all(&[0])?;
    pad(to, size)
}

fn pad(to: &mut impl Write, size: u64) -> std::io::Result<()> {
    let over = usize::try_from(size % 512).unwrap_or(0);
    to.write_all([0; 512].get(over..).filter(|_| over > 0).unwrap_or_default())
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
