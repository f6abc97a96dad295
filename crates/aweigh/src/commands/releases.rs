//! `releases`: what was released, the newest first.

use api::{Page, Release};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::Kind;

use crate::cli::ReleasesArgs;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::words::{date, span, spoken, took};
use crate::render::{say, table};

pub(super) async fn run(client: &Client, args: &ReleasesArgs) -> anyhow::Result<Ending> {
    let ask = Ask::at(&["releases"])
        .maybe("project", args.project.as_ref())
        .maybe("environment", args.environment.as_ref())
        .maybe("before", args.before)
        .with("limit", args.limit);
    let answer = client.get_text(&ask).await?;
    if args.listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<Release> = client.decode(&answer)?;
    let head = ["RELEASE", "PROJECT", "ENV", "STATUS", "REF", "COMMIT", "BEGAN", "TOOK", "BY", "NOTE"];
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    let rows = page.items.iter().map(|release| row(release, now, &zone)).collect();
    table::show(&head, rows, "no releases yet")?;
    table::tell_rest(page.next);
    Ok(Ending::Done)
}

fn row(release: &Release, now: Timestamp, zone: &TimeZone) -> Vec<String> {
    let git_ref = match (release.kind, release.rollback_to) {
        (Kind::Rollback, Some(to)) => format!("back to {to}"),
        (Kind::CatchUp, Some(to)) => format!("catch up with {to}"),
        (Kind::Adopted, _) => format!("adopted {}", release.git_ref),
        _ => release.git_ref.clone(),
    };
    vec![
        release.id.to_string(),
        release.project.to_string(),
        release.environment.to_string(),
        spoken(release.status),
        git_ref,
        release.commit.short().to_owned(),
        date(release.started_at.unwrap_or(release.created_at), zone),
        took(release.started_at, release.ended_at, now).map(span).unwrap_or_default(),
        release.by.clone(),
        release.note.clone(),
    ]
}
