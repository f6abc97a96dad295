//! The stream a server receives: the environment's own part, the files, and the end of the archive, each compressed by
//! itself. Compressed parts one after another are one compressed stream, for zstd (RFC 8878, section 3.1) and for gzip
//! (RFC 1952, section 2.2) alike, so that the files are compressed once for everybody.
//!
//! Files that a server has already, in the release of another artifact, are hard links in the stream.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use model::TreePath;

use super::body::Body;
use super::folder;
use super::kept::{Kept, manifest};
use super::manifest::{Entry, Expected, Manifest, Owner, ancestors, within};
use super::tar::{append, append_hard_link};
use crate::driver::Stream;
use crate::error::Failure;

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// RFC 8878.
    Zstd,
    /// RFC 1952, where a server has no zstd.
    Gzip,
}

impl Codec {
    /// The word the driver knows.
    pub fn word(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }
}

/// What a stream is made for.
#[derive(Debug, Clone)]
pub struct Wanted<'w> {
    /// The data folder.
    pub data: &'w Path,
    /// The artifact.
    pub artifact: &'w str,
    /// The artifact whose release the servers have already.
    pub base: Option<&'w str>,
    /// How it is compressed.
    pub codec: Codec,
    /// The paths that are links into `shared/`.
    pub linked: &'w [TreePath],
    /// Whose the files will be.
    pub owner: Owner,
    /// Where files may be made that are needed for as long as the release runs.
    pub work: &'w Path,
}

/// Makes a stream. Blocking. What all servers of all environments may need is made once and kept.
pub fn stream(wanted: &Wanted<'_>) -> Result<Stream, Failure> {
    let kept = Kept::open(wanted.data, wanted.artifact)?;
    let tree = kept.manifest()?;
    let base = wanted.base.map(|base| manifest(wanted.data, base)).transpose()?;
    // What will be moved into `shared/` must not be a file of another release as well.
    let is_linked = |path: &[u8]| wanted.linked.iter().any(|link| within(path, link.as_str().as_bytes()));
    let is_there = |path: &Vec<u8>, entry: &Entry| {
        base.as_ref().is_some_and(|base| base.entries.get(path) == Some(entry)) && !is_linked(path)
    };
    let files = tree.entries.iter().filter(|(_, entry)| matches!(entry, Entry::File { .. }));
    let (there, sent): (Vec<_>, Vec<_>) = files.partition(|(path, entry)| is_there(path, entry));
    let there: Vec<&[u8]> = there.into_iter().map(|(path, _)| path.as_slice()).collect();
    let sent: BTreeSet<&[u8]> = sent.into_iter().map(|(path, _)| path.as_slice()).collect();
    let body = body(wanted, &kept, &sent)?;
    let expected = tree.expected(wanted.linked)?;
    Ok(Stream {
        head: compressed(wanted.codec, |to| head(to, wanted, tree, &expected, &there))?.into(),
        body: Body::open(&body)?,
        // Two empty blocks end an archive.
        tail: compressed(wanted.codec, |to| to.write_all(&[0; 1024]))?.into(),
        files: sent.len() as u64,
    })
}

/// The folder `manifest/`, the folders, the links, and the files that are there already.
fn head(
    mut to: &mut dyn Write,
    wanted: &Wanted<'_>,
    tree: &Manifest,
    expected: &Expected,
    there: &[&[u8]],
) -> std::io::Result<()> {
    append(&mut to, b"tree", &Entry::Dir, &mut std::io::empty())?;
    append(&mut to, b"manifest", &Entry::Dir, &mut std::io::empty())?;
    let (listing, artifact) = (expected.listing(wanted.owner), [wanted.artifact.as_bytes(), b"\n"].concat());
    for (name, bytes) in [
        ("dirs", &expected.dirs),
        ("links", &expected.links),
        ("files", &expected.files),
        ("expected", &listing),
        ("artifact", &artifact),
    ] {
        let entry =
            Entry::File { executable: false, size: bytes.len() as u64, sha256: String::new(), mtime: 0 };
        append(&mut to, format!("manifest/{name}").as_bytes(), &entry, &mut bytes.as_slice())?;
    }
    // A folder that holds something is made by what it holds, with fewer calls than tar needs for its own entry.
    let made =
        ancestors(tree.entries.iter().filter(|(_, entry)| **entry != Entry::Dir).map(|(path, _)| path));
    for (path, entry) in &tree.entries {
        if !matches!(entry, Entry::File { .. }) && !made.contains(path) {
            append(&mut to, &[b"tree/", path.as_slice()].concat(), entry, &mut std::io::empty())?;
        }
    }
    for path in there {
        append_hard_link(&mut to, &[b"tree/", *path].concat(), &[b"base/", *path].concat())?;
    }
    Ok(())
}

/// The compressed files of a stream.
fn body(wanted: &Wanted<'_>, kept: &Kept, sent: &BTreeSet<&[u8]>) -> Result<PathBuf, Failure> {
    let ending = match wanted.codec {
        Codec::Zstd => "zst",
        Codec::Gzip => "gz",
    };
    if let Some(exactly) = kept.exactly(sent).filter(|_| wanted.codec == Codec::Zstd) {
        return Ok(exactly.to_owned());
    }
    let place = match wanted.base {
        None => folder(wanted.data, wanted.artifact).join(format!("all.tar.{ending}")),
        Some(base) => wanted.work.join(format!("onto-{base}.tar.{ending}")),
    };
    if !place.exists() {
        std::fs::create_dir_all(wanted.work)?;
        let new = place.with_extension(format!("{ending}.{}", hex::encode(rand::random::<[u8; 4]>())));
        let file = write_compressed(wanted.codec, BufWriter::new(File::create(&new)?), |to| {
            kept.write(sent, &mut &mut *to)
        })?;
        file.into_inner().map_err(|error| Failure::from(error.into_error()))?.sync_all()?;
        std::fs::rename(&new, &place)?;
    }
    Ok(place)
}

fn compressed(
    codec: Codec,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<Vec<u8>, Failure> {
    write_compressed(codec, Vec::new(), |to| Ok(fill(to)?))
}

fn write_compressed<W: Write>(
    codec: Codec,
    into: W,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<W, Failure> {
    match codec {
        Codec::Zstd => {
            let mut encoder = zstd::Encoder::new(into, 3)?;
            encoder.include_checksum(true)?;
            fill(&mut encoder)?;
            Ok(encoder.finish()?)
        }
        Codec::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(into, flate2::Compression::fast());
            fill(&mut encoder)?;
            Ok(encoder.finish()?)
        }
    }
}
