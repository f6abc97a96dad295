//! Archive: the tree of a commit as one stream, packed as people want it.

use std::{
    fmt,
    io::{self, Write as _},
    str::FromStr,
};

use flate2::{Compression, write::GzEncoder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    process::Command,
    try_join,
};
use zstd::stream::write::Encoder as ZstdEncoder;

use crate::{CommitId, Error, GitRepository, plain::plain, running::Running};

/// The longest folder name before the paths of an archive, in bytes.
const LONGEST_PREFIX: usize = 200;

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// `.tar`: nothing is compressed.
    Tar,
    /// `.tar.gz`.
    TarGz,
    /// `.tar.zst`.
    TarZst,
    /// `.zip`.
    Zip,
}

impl ArchiveFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tar, Self::TarGz, Self::TarZst, Self::Zip];

    /// The name, as a file name ends with it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
            Self::TarZst => "tar.zst",
            Self::Zip => "zip",
        }
    }
}

impl fmt::Display for ArchiveFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ArchiveFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| Error::UnknownFormat { shown: plain(name, 40) })
    }
}

/// Folders in front of every path of an archive, so that it unpacks into a folder of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Parses folders such as `shop-1.2` or `releases/shop`; nothing in front of paths when it is empty.
    ///
    /// # Errors
    /// [`Error::InvalidPrefix`] for a name that would lead out of the place where the archive is unpacked, or would be
    /// taken for something else there.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let folders = text.strip_suffix('/').unwrap_or(text);
        if folders.is_empty() && text.is_empty() {
            return Ok(Self::default());
        }
        let refused = |reason| Err(Error::InvalidPrefix { shown: plain(text, 80), reason });
        if folders.len() > LONGEST_PREFIX {
            return refused("it is longer than 200 bytes");
        }
        if folders.split('/').any(|part| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git"))
        {
            return refused("it begins with '/', or a part of it is empty, '.', '..' or '.git'");
        }
        if folders.starts_with('-') || folders.contains(|c: char| c.is_control() || c == '\\') {
            return refused("it begins with '-', or has a backslash or a control character");
        }
        Ok(Self(format!("{folders}/")))
    }
}

impl GitRepository {
    /// What gives the tree of a commit as a stream. Paths may be added to it.
    pub(crate) fn archive_command(&self, commit: &CommitId, kind: &str, prefix: &Prefix) -> Command {
        let mut command = self.git.command("archive");
        command.arg(format!("--format={kind}"));
        if *prefix != Prefix::default() {
            command.arg(format!("--prefix={}", prefix.0));
        }
        command.args(["--end-of-options", &format!("{commit}^{{commit}}")]);
        command
    }

    /// Writes the tree of a commit to `out`, as `git archive` gives it, and shuts `out` down. Attributes
    /// (`export-ignore`, `export-subst`, line ends) come from the tree itself; no filter runs. The same commit gives the
    /// same bytes.
    ///
    /// Dropping the future kills git.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have the commit; [`Error::Io`] when `out` takes no more. What was
    /// written by then is no whole archive, and `out` is not shut down.
    pub async fn archive(
        &self,
        commit: &CommitId,
        format: ArchiveFormat,
        prefix: &Prefix,
        mut out: impl AsyncWrite + Unpin,
    ) -> Result<(), Error> {
        let kind = if format == ArchiveFormat::Zip { "zip" } else { "tar" };
        let mut running = Running::start("archive", self.archive_command(commit, kind, prefix))?;
        let mut made = running.take_stdout()?;
        let mut packer = Packer::new(format)?;
        let written = async {
            let mut piece = vec![0; 1 << 16];
            loop {
                let read = made.read(&mut piece).await?;
                // A piece is packed in about a millisecond.
                let packed = packer.take(piece.get(..read).unwrap_or_default())?;
                out.write_all(&packed).await?;
                if read == 0 {
                    return Ok::<(), io::Error>(());
                }
            }
        };
        let written = async { written.await.map_err(Error::io("cannot write", "archive")) };
        let (limits, mut taken, mut unheard) = (self.limits(), |_: &[u8]| (), |_: &str| ());
        let ((), ended) = try_join!(written, running.finish(&limits, &mut taken, &mut unheard))?;
        if !ended.status.success() {
            return Err(self.blame(commit, Error::Failed { verb: "archive", said: ended.said }).await);
        }
        // The end of a compressed stream comes last: what git did not finish must not look whole.
        let end = async {
            out.write_all(&packer.end()?).await?;
            out.shutdown().await
        };
        end.await.map_err(Error::io("cannot write", "archive"))
    }
}

/// Compresses what passes through it.
enum Packer {
    Plain,
    Gz(GzEncoder<Vec<u8>>),
    Zst(ZstdEncoder<'static, Vec<u8>>),
}

impl Packer {
    fn new(format: ArchiveFormat) -> Result<Self, Error> {
        Ok(match format {
            ArchiveFormat::Tar | ArchiveFormat::Zip => Self::Plain,
            ArchiveFormat::TarGz => Self::Gz(GzEncoder::new(Vec::new(), Compression::default())),
            ArchiveFormat::TarZst => {
                let encoder = ZstdEncoder::new(Vec::new(), 0).and_then(|mut encoder| {
                    encoder.include_checksum(true)?;
                    Ok(encoder)
                });
                Self::Zst(encoder.map_err(Error::io("cannot pack", "archive"))?)
            }
        })
    }

    /// Takes a piece, and gives what is packed by now.
    fn take(&mut self, piece: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(piece.to_vec()),
            Self::Gz(encoder) => {
                encoder.write_all(piece)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Zst(encoder) => {
                encoder.write_all(piece)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
        }
    }

    /// The rest.
    fn end(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(Vec::new()),
            Self::Gz(encoder) => encoder.finish(),
            Self::Zst(encoder) => encoder.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_lead_out_are_refused() {
        for (text, expected) in [("", ""), ("shop", "shop/"), ("shop-1.2/", "shop-1.2/"), ("a/b c", "a/b c/")]
        {
            assert_eq!(Prefix::parse(text).unwrap().0, expected);
        }
        let long = "x".repeat(201);
        for text in [
            "/", "/etc", "..", "../x", "a/../b", "a//b", "a/./b", ".git", "a/.GIT/b", "-x", "a\\b", "a\nb",
            &long,
        ] {
            assert!(matches!(Prefix::parse(text), Err(Error::InvalidPrefix { .. })), "{text:?}");
        }
    }

    #[test]
    fn formats_are_the_ends_of_file_names() {
        for format in ArchiveFormat::ALL {
            assert_eq!(format.name().parse::<ArchiveFormat>().unwrap(), format);
        }
        for text in ["", "TAR", "tgz", "tar.xz", "remote", "--format=zip"] {
            assert!(text.parse::<ArchiveFormat>().is_err(), "{text}");
        }
    }
}
