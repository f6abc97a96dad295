//! `git archive`: the tree of a ref as one file, or on standard output where that is no terminal.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use futures::StreamExt;
use git::ArchiveFormat;
use tempfile::NamedTempFile;

use crate::advice::Advised;
use crate::cli::GitArchive;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::note;
use crate::render::words::size;

pub(super) async fn run(client: &Client, project: &str, args: &GitArchive) -> anyhow::Result<Ending> {
    let format = format(args)?;
    let ask = Ask::at(&["projects", project, "archive"])
        .with("ref", &args.git_ref)
        .with("format", format)
        .maybe("prefix", args.prefix.as_ref())
        .slowly();
    let Some(file) = &args.output else {
        if io::stdout().is_terminal() {
            let what = "an archive is nothing for a terminal";
            return Err(Advised::new(what, "name a file with -o, or send it through a pipe").into());
        }
        copy(client, &ask, &mut io::stdout().lock()).await?;
        return Ok(Ending::Done);
    };
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let cannot = || format!("cannot write {}", file.display());
    // A file that has the name is whole.
    let mut part = NamedTempFile::new_in(folder).with_context(cannot)?;
    let bytes = copy(client, &ask, &mut part).await?;
    part.as_file().sync_all().with_context(cannot)?;
    allow_reading(&part).with_context(cannot)?;
    part.persist(file).with_context(cannot)?;
    note(&format!("{} of {}", size(bytes), file.display()));
    Ok(Ending::Done)
}

/// Writes the answer as it comes; how many bytes there were.
async fn copy(client: &Client, ask: &Ask<'_>, out: &mut impl Write) -> anyhow::Result<u64> {
    let mut pieces = client.get_stream(ask).await?;
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        bytes += piece.len() as u64;
        out.write_all(&piece)?;
    }
    out.flush()?;
    Ok(bytes)
}

/// A temporary file is for its owner alone; the result is as any other file would be.
fn allow_reading(file: &NamedTempFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

/// What was said, else what the name of the file says.
fn format(args: &GitArchive) -> Result<ArchiveFormat, Advised> {
    let (None, Some(file)) = (args.format, &args.output) else {
        return Ok(args.format.unwrap_or(ArchiveFormat::TarGz));
    };
    let name = file.to_string_lossy();
    let ends = |ending: &str| name.ends_with(&format!(".{ending}"));
    let found = ArchiveFormat::ALL.into_iter().find(|format| ends(format.name()));
    found.or_else(|| ends("tgz").then_some(ArchiveFormat::TarGz)).ok_or_else(|| {
        let what = format!("the name {name:?} does not tell the format");
        Advised::new(what, "say --format tar, tar.gz, tar.zst or zip")
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command, GitVerb};

    fn check(words: &str, expected: Option<ArchiveFormat>) {
        let words = format!("aweigh git shop archive main {words}");
        let cli = Cli::try_parse_from(words.split_whitespace()).unwrap();
        let Command::Git(git) = cli.command else { panic!("{words}") };
        let GitVerb::Archive(args) = git.verb else { panic!("{words}") };
        assert_eq!(format(&args).ok(), expected, "{words}");
    }

    #[test]
    fn the_format_is_what_was_said_or_what_the_name_says() {
        check("", Some(ArchiveFormat::TarGz));
        check("-o x.tar", Some(ArchiveFormat::Tar));
        check("-o /tmp/x.tgz", Some(ArchiveFormat::TarGz));
        check("-o x.y.tar.zst", Some(ArchiveFormat::TarZst));
        check("-o x.zip", Some(ArchiveFormat::Zip));
        check("-o x", None);
        check("-o x --format zip", Some(ArchiveFormat::Zip));
        assert!(Cli::try_parse_from("aweigh git shop archive main --format rar".split(' ')).is_err());
    }
}
