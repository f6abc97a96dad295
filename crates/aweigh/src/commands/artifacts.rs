//! `artifacts`: the packed trees that are kept of a project.

use api::{ArtifactView, Page};
use jiff::tz::TimeZone;

use crate::cli::Artifacts;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::words::date;
use crate::render::{say, table};

pub(super) async fn run(client: &Client, verb: Artifacts) -> anyhow::Result<Ending> {
    let Artifacts::List { project, listing } = verb;
    let answer = client.get_text(&Ask::at(&["projects", project.as_str(), "artifacts"])).await?;
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<ArtifactView> = client.decode(&answer)?;
    let zone = TimeZone::system();
    let row = |one: &ArtifactView| {
        vec![
            one.hash.chars().take(12).collect(),
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
