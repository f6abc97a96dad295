//! Artifacts that were built elsewhere: an archive becomes an artifact without ever being unpacked here.
//!
//! It comes from another machine, so nothing in it is believed: names stay inside, nothing lies below a file or a link, links
//! lead to places inside, nothing comes twice, and sizes are limited before anything is kept. The format is POSIX's
//! (IEEE Std 1003.1, pax) with GNU's long names; `tar` itself is lenient where an archive that was cut off looks whole.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use tar::{EntryType, Header};

use super::pack::{Order, Packed, Packing};
use super::{folder, kept};
use crate::error::Failure;

/// The unit of a tar archive, in bytes.
const BLOCK: usize = 512;

/// The longest name, text of a link or extended header, in bytes: they are read into memory.
const LONGEST_TEXT: u64 = 64 * 1024;

/// The longest path and the longest part of one, in bytes, as Linux has them.
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;

/// How long all paths together may be, in bytes: they are in memory.
const ALL_PATHS: usize = 256 * 1024 * 1024;

/// How much may stand behind the end of an archive, in bytes: writers fill up their last record.
const BEHIND: u64 = 16 * 1024 * 1024;

/// How large an archive may be once it is unpacked.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of all files.
    pub bytes: u64,
    /// Files, links and folders.
    pub entries: u64,
}

/// Why an archive did not become an artifact. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// What is wrong with it, as a fragment that reads after "the archive".
    #[error("the archive {0}")]
    Unfit(String),
    /// This machine could not take it.
    #[error("{}", .0.message)]
    Failed(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}

fn unfit<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Unfit(why.into()))
}

/// Packs what is in `archive` (tar, or tar compressed by gzip or zstd: its first bytes tell) and keeps it below the data
/// folder `data`. Blocking.
///
/// # Errors
/// [`Refused::Unfit`] says what is wrong with the archive; then nothing stays.
pub fn keep(data: &Path, order: Order, archive: impl Read, limits: Limits) -> Result<Packed, Refused> {
    let new = data.join("artifacts").join(format!(".new-pushed-{}", hex::encode(rand::random::<[u8; 8]>())));
    let kept = pack_archive(order, archive, &new, limits).and_then(|packed| {
        if kept::chain(data, &packed.hash).is_none() {
            let place = folder(data, &packed.hash);
            if place.exists() {
                std::fs::remove_dir_all(&place)?;
            }
            std::fs::rename(&new, &place)?;
        }
        Ok(packed)
    });
    if new.exists() {
        std::fs::remove_dir_all(&new)?;
    }
    kept
}

/// Packs what is in `archive` into the new folder `into`.
fn pack_archive(order: Order, archive: impl Read, into: &Path, limits: Limits) -> Result<Packed, Refused> {
    let mut input = Input { from: unpacked(archive)?, failed: None };
    let mut walk =
        Walk { packing: Packing::begin(order, into)?, limits, come: HashMap::new(), names: 0, bytes: 0 };
    match walk.all(&mut input) {
        Ok(()) => Ok(walk.packing.finish()?),
        // Whoever reads through the packing hears of it as a failure of this machine.
        Err(_) if input.failed.is_some() => {
            unfit(format!("cannot be read: {}", input.failed.unwrap_or_default()))
        }
        Err(refused) => Err(refused),
    }
}

/// The tar stream in a file that may be compressed.
fn unpacked<'r>(mut archive: impl Read + 'r) -> Result<Box<dyn Read + 'r>, Refused> {
    let mut first = Vec::new();
    if let Err(error) = archive.by_ref().take(4).read_to_end(&mut first) {
        return unfit(format!("cannot be read: {error}"));
    }
    let whole = Cursor::new(first.clone()).chain(archive);
    Ok(match first.as_slice() {
        [] => return unfit("is empty"),
        [0x1f, 0x8b, ..] => {
            Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(BufReader::new(whole))))
        }
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::Decoder::new(whole)?),
        [b'P', b'K', ..] => return unfit("is a zip file; tar, tar.gz and tar.zst are taken"),
        [b'B', b'Z', b'h', ..] | [0xfd, b'7', b'z', b'X'] => {
            return unfit("is compressed by bzip2 or xz; tar, tar.gz and tar.zst are taken");
        }
        _ => Box::new(BufReader::new(whole)),
    })
}

/// Remembers why reading failed, whoever was reading.
struct Input<'r> {
    from: Box<dyn Read + 'r>,
    failed: Option<String>,
}

impl Read for Input<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.from.read(into);
        if let Err(error) = &read
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            self.failed = Some(error.to_string());
        }
        read
    }
}

impl Input<'_> {
    /// Reads exactly so many bytes.
    fn exactly(&mut self, bytes: u64) -> Result<Vec<u8>, Refused> {
        let mut read = Vec::new();
        let found = self.by_ref().take(bytes).read_to_end(&mut read)?;
        if (found as u64) < bytes { cut_off() } else { Ok(read) }
    }

    /// The next block; `None` at the end of the file.
    fn block(&mut self) -> Result<Option<Vec<u8>>, Refused> {
        let mut read = Vec::with_capacity(BLOCK);
        match self.by_ref().take(BLOCK as u64).read_to_end(&mut read)? {
            0 => Ok(None),
            BLOCK => Ok(Some(read)),
            _ => cut_off(),
        }
    }

    /// A text in front of an entry, without what fills up its last block.
    fn text(&mut self, size: u64) -> Result<Vec<u8>, Refused> {
        if size > LONGEST_TEXT {
            return unfit("has a name or an extended header of more than 64 KiB");
        }
        let text = self.exactly(size)?;
        self.exactly(padding(size))?;
        Ok(text)
    }
}

fn cut_off<T>() -> Result<T, Refused> {
    unfit("ends in the middle: it was cut off")
}

fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

/// What stood in front of an entry and is about it.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Ahead {
    fn extended(&mut self, text: &[u8], header: &Header) -> Result<(), Refused> {
        let mut rest = text;
        while !rest.is_empty() {
            let Some((key, value, behind)) = record(rest) else {
                return unfit("is damaged: an extended header cannot be read");
            };
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => {
                    return unfit(format!(
                        "has a file that is too large, behind {}",
                        words(&header.path_bytes())
                    ));
                }
                key if key.starts_with(b"GNU.sparse") => return sparse(&header.path_bytes()),
                _ => {}
            }
            rest = behind;
        }
        Ok(())
    }
}

/// The first record of an extended header, `LENGTH KEY=VALUE\n`, and what is behind it. A value may hold anything, line ends
/// as well.
fn record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = text.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(text.get(..blank)?).ok()?.parse().ok()?;
    let (record, behind) = text.split_at_checked(length)?;
    let pair = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    Some((pair.get(..equals)?, pair.get(equals + 1..)?, behind))
}

/// What has come at a path.
#[derive(Clone, Copy, PartialEq)]
enum Come {
    Folder,
    Other,
}

struct Walk {
    packing: Packing,
    limits: Limits,
    /// Every path so far, and those that lead to one. Invariant: whatever is above a path is a folder.
    come: HashMap<Vec<u8>, Come>,
    /// How long all paths are together.
    names: usize,
    /// The bytes of all files.
    bytes: u64,
}

impl Walk {
    fn all(&mut self, input: &mut Input<'_>) -> Result<(), Refused> {
        let mut ahead = Ahead::default();
        loop {
            let Some(block) = input.block()? else { return cut_off() };
            if block.iter().all(|byte| *byte == 0) {
                break;
            }
            let header = Header::from_byte_slice(&block);
            let (true, Ok(size)) = (is_sound(header, &block), header.entry_size()) else {
                return unfit(if self.come.is_empty() { "is no tar file" } else { "is damaged" });
            };
            match header.entry_type() {
                EntryType::GNULongName => ahead.name = Some(ended(input.text(size)?)),
                EntryType::GNULongLink => ahead.link = Some(ended(input.text(size)?)),
                EntryType::XHeader => ahead.extended(&input.text(size)?, header)?,
                EntryType::XGlobalHeader => drop(input.text(size)?),
                _ => self.entry(input, header, std::mem::take(&mut ahead), size)?,
            }
        }
        let behind = std::io::copy(&mut input.by_ref().take(BEHIND + 1), &mut std::io::sink())?;
        if behind > BEHIND { unfit("goes on behind its end") } else { Ok(()) }
    }

    fn entry(
        &mut self,
        input: &mut Input<'_>,
        header: &Header,
        ahead: Ahead,
        size: u64,
    ) -> Result<(), Refused> {
        let name = ahead.name.unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = header.entry_type();
        if kind != EntryType::Regular && size > 0 {
            return unfit(format!("is damaged: {} has bytes and is no file", words(&name)));
        }
        let Some(path) = path(&name)? else { return Ok(()) };
        self.comes(&path, &name, kind == EntryType::Directory)?;
        match kind {
            EntryType::Directory => self.packing.folder(&path),
            EntryType::Symlink => {
                let target = ahead.link.or_else(|| header.link_name_bytes().map(Cow::into_owned));
                let target = target.unwrap_or_default();
                if !stays_inside(&path, &target) {
                    let (name, target) = (words(&name), words(&target));
                    return unfit(format!(
                        "has a link that leads out of it, or up behind another folder: {name} -> {target}"
                    ));
                }
                self.packing.link(&path, &target);
            }
            EntryType::Regular => self.file(input, &path, header, size)?,
            EntryType::Link => {
                return unfit(format!(
                    "has a hard link, {}: write it with tar --hard-dereference",
                    words(&name)
                ));
            }
            EntryType::GNUSparse => return sparse(&name),
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                return unfit(format!("has a device or a pipe: {}", words(&name)));
            }
            _ => return unfit(format!("has something of an unknown kind: {}", words(&name))),
        }
        Ok(())
    }

    /// Takes note of a path.
    fn comes(&mut self, path: &[u8], name: &[u8], is_folder: bool) -> Result<(), Refused> {
        let above = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        for end in above.map(|(end, _)| end) {
            let above = path.get(..end).unwrap_or_default();
            match self.come.get(above) {
                Some(Come::Folder) => {}
                Some(Come::Other) => {
                    return unfit(format!("has {} below what is no folder", words(name)));
                }
                None => self.note(above, Come::Folder)?,
            }
        }
        let come = if is_folder { Come::Folder } else { Come::Other };
        match self.come.get(path) {
            None => self.note(path, come),
            // Some writers say a folder again before each thing in it.
            Some(Come::Folder) if is_folder => Ok(()),
            Some(_) => unfit(format!("has {} twice", words(name))),
        }
    }

    fn note(&mut self, path: &[u8], come: Come) -> Result<(), Refused> {
        self.names += path.len();
        self.come.insert(path.to_vec(), come);
        if self.come.len() as u64 > self.limits.entries {
            let most = self.limits.entries;
            return unfit(format!("has more than {most} entries (limits.repository_files in server.toml)"));
        }
        if self.names > ALL_PATHS { unfit("has names of more than 256 MiB together") } else { Ok(()) }
    }

    fn file(
        &mut self,
        input: &mut Input<'_>,
        path: &[u8],
        header: &Header,
        size: u64,
    ) -> Result<(), Refused> {
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.limits.bytes {
            let most = self.limits.bytes;
            return unfit(format!(
                "unpacks to more than {most} bytes (limits.repository_size in server.toml)"
            ));
        }
        let Ok(mode) = header.mode() else { return unfit("is damaged: a mode is no number") };
        let mut bytes = input.by_ref().take(size);
        let packed = self.packing.file(path, mode & 0o100 != 0, size, &mut bytes);
        if bytes.limit() > 0 && input.failed.is_none() && packed.is_err() {
            return cut_off();
        }
        packed?;
        input.exactly(padding(size)).map(drop)
    }
}

/// Whether the sum in a header is that of its bytes, its own field counted as blanks.
fn is_sound(header: &Header, block: &[u8]) -> bool {
    let sum = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) };
    header.cksum().is_ok_and(|said| said == block.iter().enumerate().map(sum).sum::<u32>())
}

fn ended(mut text: Vec<u8>) -> Vec<u8> {
    if text.last() == Some(&0) {
        text.pop();
    }
    text
}

/// The path of an entry inside the tree; `None` for the tree itself.
fn path(name: &[u8]) -> Result<Option<Vec<u8>>, Refused> {
    let mut rest = name;
    while let Some(inner) = rest.strip_prefix(b"./") {
        rest = inner;
    }
    let rest = rest.strip_suffix(b"/").unwrap_or(rest);
    if name.starts_with(b"./") && rest.is_empty() || rest == b"." {
        return Ok(None);
    }
    let is_plain =
        |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.contains(&0) && part.len() <= LONGEST_NAME;
    if rest.len() > LONGEST_PATH || !rest.split(|byte| *byte == b'/').all(is_plain) {
        return unfit(format!("has a name that leads out of it, or is too long: {}", words(name)));
    }
    if rest.split(|byte| *byte == b'/').any(|part| part == b".git") {
        return unfit("has a folder .git, which no server should have: write it with tar --exclude=.git");
    }
    Ok(Some(rest.to_vec()))
}

/// Whether a link at `path` leads to a place inside, whatever other such links it passes: first it goes up, not further than
/// the top, and then only down.
fn stays_inside(path: &[u8], target: &[u8]) -> bool {
    if target.is_empty() || target.starts_with(b"/") || target.contains(&0) || target.len() > LONGEST_PATH {
        return false;
    }
    let depth = path.split(|byte| *byte == b'/').count() - 1;
    let mut parts = target.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    let up = parts.by_ref().take_while(|part| *part == b"..").count();
    up <= depth && parts.all(|part| part != b"..")
}

fn sparse<T>(name: &[u8]) -> Result<T, Refused> {
    unfit(format!("has a sparse file, {}: write it without tar --sparse", words(name)))
}

/// A name that a stranger chose, as it can be shown.
fn words(name: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(name).chars().take(120).collect();
    text.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_go_up_first_and_then_down() {
        let inside = |path: &str, target: &str| stays_inside(path.as_bytes(), target.as_bytes());
        for (path, target) in
            [("a", "b"), ("a", "./b//c"), ("x/a", "../b"), ("x/y/a", "../../b/c"), ("x/a", "..")]
        {
            assert!(inside(path, target), "{path} -> {target}");
        }
        for (path, target) in [
            ("a", ""),
            ("a", "/etc/passwd"),
            ("a", ".."),
            ("a", "../b"),
            ("x/a", "../../b"),
            // Where y is a link to a folder further down, its `..` is another one.
            ("x/a", "y/../../b"),
            ("x/y/a", "./../z/../b"),
        ] {
            assert!(!inside(path, target), "{path} -> {target}");
        }
    }
}
