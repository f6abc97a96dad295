//! The stream a server receives: the environment's own part, the artifact's body, and the end of the archive,
//! each compressed by itself. Compressed parts one after another are one compressed stream, for zstd (RFC 8878,
//! section 3.1) and for gzip (RFC 1952, section 2.2) alike, so that the body is compressed once for everybody.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use model::TreePath;

use super::manifest::{Entry, Manifest};
use super::pack::append;
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

/// The stream of the artifact in `folder` for servers that know `codec`, with these links into `shared/`.
///
/// Blocking. The gzip body is made on first use and kept.
pub fn stream(folder: &Path, codec: Codec, linked: &[TreePath]) -> Result<Stream, Failure> {
    let manifest = Manifest::read(BufReader::new(File::open(folder.join("manifest.jsonl"))?))?;
    let expected = manifest.expected(linked)?;
    let mut head = Vec::new();
    append(&mut head, b"tree", &Entry::Dir, &mut std::io::empty())?;
    append(&mut head, b"manifest", &Entry::Dir, &mut std::io::empty())?;
    let listing = expected.listing();
    for (name, bytes) in [
        ("dirs", &expected.dirs),
        ("links", &expected.links),
        ("files", &expected.files),
        ("expected", &listing),
    ] {
        let entry =
            Entry::File { executable: false, size: bytes.len() as u64, sha256: String::new(), mtime: 0 };
        append(&mut head, format!("manifest/{name}").as_bytes(), &entry, &mut bytes.as_slice())?;
    }
    let body = match codec {
        Codec::Zstd => folder.join("body.tar.zst"),
        Codec::Gzip => gzip_body(folder)?,
    };
    Ok(Stream {
        head: compress(codec, &head)?.into(),
        body_bytes: std::fs::metadata(&body)?.len(),
        body,
        // Two empty blocks end an archive.
        tail: compress(codec, &[0; 1024])?.into(),
    })
}

fn compress(codec: Codec, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    match codec {
        Codec::Zstd => {
            let mut encoder = zstd::Encoder::new(Vec::new(), 3)?;
            encoder.include_checksum(true)?;
            encoder.write_all(bytes)?;
            encoder.finish()
        }
        Codec::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes)?;
            encoder.finish()
        }
    }
}

fn gzip_body(folder: &Path) -> Result<std::path::PathBuf, Failure> {
    let body = folder.join("body.tar.gz");
    if !body.exists() {
        let new = folder.join(format!("body.tar.gz.{}", hex::encode(rand::random::<[u8; 4]>())));
        let mut from = zstd::Decoder::new(File::open(folder.join("body.tar.zst"))?)?;
        let mut to =
            flate2::write::GzEncoder::new(BufWriter::new(File::create(&new)?), flate2::Compression::fast());
        std::io::copy(&mut from, &mut to)?;
        to.finish()?.into_inner().map_err(|error| Failure::from(error.into_error()))?.sync_all()?;
        std::fs::rename(&new, &body)?;
    }
    Ok(body)
}
