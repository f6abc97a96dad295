//! `artifacts`: the packed trees that are kept of a project, and those that were built elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use api::{ArtifactView, Page};
use futures::TryStreamExt;
use jiff::tz::TimeZone;
use model::Name;
use reqwest::Body;
use tokio::fs::File;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::cli::{Artifacts, Listing};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::words::{date, size as words};
use crate::render::{note, say, table};

/// How much of a file is read at once, in bytes.
const PIECE: usize = 256 * 1024;

/// How often people are told how far it is.
const OFTEN: Duration = Duration::from_millis(200);

pub(super) async fn run(client: &Client, verb: Artifacts) -> anyhow::Result<Ending> {
    match verb {
        Artifacts::List { project, listing } => list(client, &project, &listing).await,
        Artifacts::Push { project, file, git_ref, json } => {
            push(client, &project, &file, &git_ref, json).await
        }
    }
}

async fn list(client: &Client, project: &Name, listing: &Listing) -> anyhow::Result<Ending> {
    let answer = client.get_text(&Ask::at(&["projects", project.as_str(), "artifacts"])).await?;
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<ArtifactView> = client.decode(&answer)?;
    let zone = TimeZone::system();
    let row = |one: &ArtifactView| {
        vec![
            short(&one.hash),
            one.commit.chars().take(7).collect(),
            one.files.to_string(),
            one.bytes.to_string(),
            date(one.created_at, &zone),
            if one.kept { "kept" } else { "gone" }.to_owned(),
        ]
    };
    let head = ["ARTIFACT", "COMMIT", "FILES", "BYTES", "MADE", "STATE"];
    table::show(&head, page.items.iter().map(row).collect(), "no artifacts yet")?;
    Ok(Ending::Done)
}

async fn push(
    client: &Client,
    project: &Name,
    file: &Path,
    git_ref: &str,
    json: bool,
) -> anyhow::Result<Ending> {
    let (from, size): (Box<dyn AsyncRead + Send + Unpin>, _) = if file == Path::new("-") {
        (Box::new(tokio::io::stdin()), None)
    } else {
        let opened = File::open(file).await.with_context(|| format!("cannot read {}", file.display()))?;
        let found = opened.metadata().await?;
        anyhow::ensure!(found.is_file(), "{} is no file: pack the folder first, with tar", file.display());
        (Box::new(opened), Some(found.len()))
    };
    let mut meter = Meter::new(size);
    let pieces = ReaderStream::with_capacity(from, PIECE).inspect_ok(move |piece| meter.sent(piece.len()));
    let ask = Ask::at(&["projects", project.as_str(), "artifacts"]).with("ref", git_ref);
    let answer = client.upload(&ask, Body::wrap_stream(pieces), size).await?;
    if json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let kept: ArtifactView = client.decode(&answer)?;
    let commit: String = kept.commit.chars().take(7).collect();
    say(&kept.hash)?;
    note(&format!(
        "artifact of {commit} with {} entries, {}; bring it with `aweigh release {project} -e ENV --artifact {}`",
        kept.files,
        words(kept.bytes),
        short(&kept.hash),
    ));
    Ok(Ending::Done)
}

fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

/// Tells people at a terminal how far the upload is.
struct Meter {
    size: Option<u64>,
    sent: u64,
    told: Option<Instant>,
    is_seen: bool,
}

impl Meter {
    fn new(size: Option<u64>) -> Self {
        Self { size, sent: 0, told: None, is_seen: stderr().is_terminal() }
    }

    fn sent(&mut self, more: usize) {
        self.sent += more as u64;
        if self.is_seen && self.told.is_none_or(|told| told.elapsed() >= OFTEN) {
            self.told = Some(Instant::now());
            let of = self.size.map(|size| format!(" of {}", words(size))).unwrap_or_default();
            // Nobody has to see it.
            let _ = write!(stderr(), "\r\x1b[Ksent {}{of}", words(self.sent));
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.told.is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
