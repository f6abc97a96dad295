//! Artifacts that are kept: where their files are, over the chain of bases.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use tar::Archive;

use super::folder;
use super::manifest::{Entry, Manifest};
use super::tar::append;
use crate::error::Failure;

/// How many artifacts may build on one another before one is packed whole again: whoever needs a whole stream reads
/// all of them.
const LONGEST_CHAIN: usize = 16;

/// The hashes of an artifact and its bases, the first one last; nothing when one of them is not kept any more.
pub fn chain(data: &Path, hash: &str) -> Option<Vec<String>> {
    let mut chain = vec![hash.to_owned()];
    loop {
        let last = chain.last()?;
        let is_hash = last.len() == 64 && last.bytes().all(|byte| byte.is_ascii_hexdigit());
        let at = folder(data, last);
        if !is_hash || !at.join("manifest.jsonl").is_file() || !at.join("files.tar.zst").is_file() {
            return None;
        }
        match std::fs::read_to_string(at.join("base")) {
            Ok(_) if chain.len() > LONGEST_CHAIN => return None,
            Ok(base) => chain.push(base),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(chain),
            Err(_) => return None,
        }
    }
}

/// The manifest of a kept artifact.
pub fn manifest(data: &Path, hash: &str) -> Result<Manifest, Failure> {
    let file = File::open(folder(data, hash).join("manifest.jsonl"));
    Ok(Manifest::read(BufReader::new(file.map_err(|error| gone(hash, &error.to_string()))?))?)
}

/// What a new artifact takes over from the one with this hash: its manifest, and whether it may leave out what that one has.
/// `None` when it is not kept any more. Blocking.
pub fn before(data: &Path, hash: &str) -> Result<Option<(Manifest, bool)>, Failure> {
    let Some(chain) = chain(data, hash) else { return Ok(None) };
    Ok(Some((manifest(data, hash)?, chain.len() < LONGEST_CHAIN)))
}

/// Where the files of an artifact are.
pub struct Kept {
    links: Vec<Link>,
}

struct Link {
    files: PathBuf,
    manifest: Manifest,
}

impl Kept {
    /// The artifact with this hash.
    pub fn open(data: &Path, hash: &str) -> Result<Self, Failure> {
        let chain = chain(data, hash).ok_or_else(|| gone(hash, "one of its parts is missing"))?;
        let links = chain.iter().map(|one| {
            Ok(Link { files: folder(data, one).join("files.tar.zst"), manifest: manifest(data, one)? })
        });
        Ok(Self { links: links.collect::<Result<_, Failure>>()? })
    }

    /// What is in it.
    pub fn manifest(&self) -> Result<&Manifest, Failure> {
        self.links.first().map(|link| &link.manifest).ok_or_else(|| gone("", "it is empty"))
    }

    /// The file that holds exactly the files `wanted`, where there is one.
    pub fn exactly(&self, wanted: &BTreeSet<&[u8]>) -> Option<&Path> {
        let own: BTreeSet<&[u8]> = self.own(0).into_iter().collect();
        (own == *wanted).then(|| self.links.first().map(|link| link.files.as_path()))?
    }

    /// The paths of the files that one part of the chain holds itself.
    fn own(&self, at: usize) -> Vec<&[u8]> {
        let Some(link) = self.links.get(at) else { return Vec::new() };
        let base = self.links.get(at + 1).map(|base| &base.manifest.entries);
        let is_own = |path: &Vec<u8>, entry: &Entry| {
            matches!(entry, Entry::File { .. }) && base.is_none_or(|base| base.get(path) != Some(entry))
        };
        let own = link.manifest.entries.iter().filter(|(path, entry)| is_own(path, entry));
        own.map(|(path, _)| path.as_slice()).collect()
    }

    /// Writes the files `wanted` as entries below `tree/`. Blocking.
    pub fn write(&self, wanted: &BTreeSet<&[u8]>, to: &mut impl Write) -> Result<(), Failure> {
        let entries = &self.manifest()?.entries;
        let mut left = wanted.clone();
        for (at, link) in self.links.iter().enumerate() {
            let here: BTreeSet<&[u8]> = self.own(at).into_iter().filter(|path| left.contains(path)).collect();
            if here.is_empty() {
                continue;
            }
            let mut archive = Archive::new(zstd::Decoder::new(File::open(&link.files)?)?);
            for file in archive.entries()? {
                let mut file = file?;
                let name = file.path_bytes().into_owned();
                let Some(path) = name.strip_prefix(b"tree/") else { continue };
                if let Some(entry) = here.contains(path).then(|| entries.get(path)).flatten() {
                    append(to, &name, entry, &mut file)?;
                    left.remove(path);
                }
            }
        }
        if left.is_empty() { Ok(()) } else { Err(gone("", "files of it are missing")) }
    }
}

fn gone(hash: &str, why: &str) -> Failure {
    Failure::new(format!("the artifact {hash} cannot be read: {why}")).hint("release its commit again")
}
