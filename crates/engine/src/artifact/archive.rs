//! Reading an archive that comes from elsewhere, entry by entry: its compression, its headers, the names that do not fit into
//! them. The format is POSIX's (IEEE Std 1003.1, pax) with GNU's long names. Readers that are lenient take an archive that
//! was cut off for whole; this one wants to see its end.

use std::io::{BufReader, Cursor, Read};

use tar::{EntryType, Header};

use crate::error::Failure;

/// The unit of a tar archive, in bytes.
const BLOCK: usize = 512;

/// The longest name, text of a link or extended header, in bytes: they are read into memory.
const LONGEST_TEXT: u64 = 64 * 1024;

/// How much may stand behind the end of an archive, in bytes: writers fill up their last record.
const BEHIND: u64 = 16 * 1024 * 1024;

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

/// Refuses an archive.
pub(super) fn unfit<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Unfit(why.into()))
}

/// An archive that ends where it must not.
pub(super) fn cut_off<T>() -> Result<T, Refused> {
    unfit("ends in the middle: it was cut off")
}

/// A name that a stranger chose, as it can be shown.
pub(super) fn words(name: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(name).chars().take(120).collect();
    text.escape_debug().to_string()
}

/// One entry, as it is told: nothing of it is judged yet.
pub(super) struct Told {
    /// Its name.
    pub(super) name: Vec<u8>,
    /// What it is.
    pub(super) kind: EntryType,
    /// The text of a link.
    pub(super) link: Vec<u8>,
    /// Its permissions.
    pub(super) mode: u32,
    /// How many bytes follow, which are read from the archive, and then [`Archive::skip_padding`].
    pub(super) size: u64,
}

/// An archive that is being read: tar, or tar compressed by gzip or zstd. As a reader it gives the bytes of the entry that
/// was told last, and what follows; who reads them knows how many they are.
pub(super) struct Archive<'r> {
    from: Box<dyn Read + 'r>,
    /// Why reading failed, whoever was reading.
    failed: Option<String>,
    /// How many headers came, and how many may: some of them are about nothing that counts otherwise.
    headers: u64,
    most: u64,
}

impl<'r> Archive<'r> {
    /// Looks at the first bytes: they tell how it is compressed. It may have `entries` entries.
    pub(super) fn open(mut file: impl Read + 'r, entries: u64) -> Result<Self, Refused> {
        let mut first = Vec::new();
        if let Err(error) = file.by_ref().take(4).read_to_end(&mut first) {
            return unfit(format!("cannot be read: {error}"));
        }
        let whole = Cursor::new(first.clone()).chain(file);
        let from: Box<dyn Read + 'r> = match first.as_slice() {
            [] => return unfit("is empty"),
            [0x1f, 0x8b, ..] => {
                Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(BufReader::new(whole))))
            }
            [0x28, 0xb5, 0x2f, 0xfd] => Box::new(BufReader::new(zstd::Decoder::new(whole)?)),
            [b'P', b'K', ..] => return unfit("is a zip file; tar, tar.gz and tar.zst are taken"),
            [b'B', b'Z', b'h', ..] | [0xfd, b'7', b'z', b'X'] => {
                return unfit("is compressed by bzip2 or xz; tar, tar.gz and tar.zst are taken");
            }
            _ => Box::new(BufReader::new(whole)),
        };
        // An entry has two long names and an extended header at most, and its folder may be said again before it.
        Ok(Self { from, failed: None, headers: 0, most: entries.saturating_mul(8).saturating_add(64) })
    }

    /// Why the file could not be read, where it could not.
    pub(super) fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// The next entry; `None` at the end, which is there and behind which there is nothing.
    pub(super) fn next(&mut self) -> Result<Option<Told>, Refused> {
        let mut ahead = Ahead::default();
        loop {
            let Some(block) = self.block()? else { return cut_off() };
            if block.iter().all(|byte| *byte == 0) {
                return self.end();
            }
            let header = Header::from_byte_slice(&block);
            let (true, Ok(size), Ok(mode)) = (is_sound(header, &block), header.entry_size(), header.mode())
            else {
                return unfit(if self.headers > 0 { "is damaged" } else { "is no tar file" });
            };
            self.headers += 1;
            if self.headers > self.most {
                return unfit("has more headers than so many entries need");
            }
            match header.entry_type() {
                EntryType::GNULongName => ahead.name = Some(ended(self.text(size)?)),
                EntryType::GNULongLink => ahead.link = Some(ended(self.text(size)?)),
                EntryType::XHeader => ahead.extended(&self.text(size)?)?,
                EntryType::XGlobalHeader => drop(self.text(size)?),
                // Said where the field of the header, 8 GiB, is too small; some writers say it always.
                _ if ahead.size.is_some_and(|said| said != size) => {
                    return unfit("has a file that is too large");
                }
                kind => {
                    let name = ahead.name.unwrap_or_else(|| header.path_bytes().into_owned());
                    let short = || header.link_name_bytes().unwrap_or_default().into_owned();
                    return Ok(Some(Told { name, kind, link: ahead.link.unwrap_or_else(short), mode, size }));
                }
            }
        }
    }

    /// What stands behind the end is nothing.
    fn end(&mut self) -> Result<Option<Told>, Refused> {
        let mut left = BEHIND;
        while let Some(block) = self.block()? {
            left = left.saturating_sub(BLOCK as u64);
            if left == 0 || block.iter().any(|byte| *byte != 0) {
                return unfit("goes on behind its end");
            }
        }
        Ok(None)
    }

    /// Passes over what fills up the last block of `size` bytes.
    pub(super) fn skip_padding(&mut self, size: u64) -> Result<(), Refused> {
        let block = BLOCK as u64;
        self.exactly((block - size % block) % block).map(drop)
    }

    fn block(&mut self) -> Result<Option<Vec<u8>>, Refused> {
        let mut read = Vec::with_capacity(BLOCK);
        match self.by_ref().take(BLOCK as u64).read_to_end(&mut read)? {
            0 => Ok(None),
            BLOCK => Ok(Some(read)),
            _ => cut_off(),
        }
    }

    fn exactly(&mut self, bytes: u64) -> Result<Vec<u8>, Refused> {
        let mut read = Vec::new();
        let found = self.by_ref().take(bytes).read_to_end(&mut read)?;
        if (found as u64) < bytes { cut_off() } else { Ok(read) }
    }

    /// A text in front of an entry.
    fn text(&mut self, size: u64) -> Result<Vec<u8>, Refused> {
        if size > LONGEST_TEXT {
            return unfit("has a name or an extended header of more than 64 KiB");
        }
        let text = self.exactly(size)?;
        self.skip_padding(size)?;
        Ok(text)
    }
}

impl Read for Archive<'_> {
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

/// What stands in front of an entry and is about it.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Ahead {
    /// Takes what an extended header says.
    fn extended(&mut self, text: &[u8]) -> Result<(), Refused> {
        let mut rest = text;
        while !rest.is_empty() {
            let Some((key, value, behind)) = record(rest) else { return unreadable() };
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => {
                    let said = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
                    let Some(size) = said else { return unreadable() };
                    self.size = Some(size);
                }
                key if key.starts_with(b"GNU.sparse") => {
                    return unfit("has a sparse file: write it without tar --sparse");
                }
                _ => {}
            }
            rest = behind;
        }
        Ok(())
    }
}

fn unreadable<T>() -> Result<T, Refused> {
    unfit("is damaged: an extended header cannot be read")
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
