//! `status`: what every environment runs, and what goes on there.

use api::{BoardRow, Page};
use jiff::tz::TimeZone;

use crate::cli::Listing;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::clean::one_line;
use crate::render::words::{date, spoken};
use crate::render::{say, table};

pub(super) async fn run(client: &Client, listing: Listing) -> anyhow::Result<Ending> {
    let answer = client.get_text(&Ask::at(&["board"])).await?;
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<BoardRow> = client.decode(&answer)?;
    let head = ["PROJECT", "ENV", "SERVERS", "LIVE", "REF", "COMMIT", "SINCE", "NOW"];
    let zone = TimeZone::system();
    table::show(&head, page.items.iter().map(|of| row(of, &zone)).collect(), "no environments yet")?;
    Ok(Ending::Done)
}

fn row(of: &BoardRow, zone: &TimeZone) -> Vec<String> {
    let live = of.live.as_ref();
    let since = live.and_then(|live| live.ended_at).map(|at| date(at, zone));
    vec![
        of.project.clone(),
        of.environment.clone(),
        of.servers.len().to_string(),
        live.map(|live| live.id.to_string()).unwrap_or_default(),
        live.map(|live| live.git_ref.clone()).unwrap_or_default(),
        live.map(|live| live.commit.short().to_owned()).unwrap_or_default(),
        since.unwrap_or_default(),
        now(of),
    ]
}

/// What goes on: the release that holds the environment, else how the last one ended where it is not the live one.
fn now(of: &BoardRow) -> String {
    let shown = match (&of.active, &of.latest) {
        (Some(active), _) => Some(active),
        (None, Some(latest)) if of.live.as_ref().is_none_or(|live| live.id != latest.id) => Some(latest),
        _ => None,
    };
    let mut now =
        shown.map(|release| format!("{} {}", release.id, spoken(release.status))).unwrap_or_default();
    let mut add = |what: String| {
        let gap = if now.is_empty() { "" } else { ", " };
        now = format!("{now}{gap}{what}");
    };
    if of.queued > 0 {
        add(format!("{} queued", of.queued));
    }
    if of.drift > 0 {
        let servers = if of.drift == 1 { "server differs" } else { "servers differ" };
        add(format!("{} {servers}: aweigh drift {} -e {}", of.drift, of.project, of.environment));
    }
    if let Some(lock) = &of.lock {
        let by = lock.owner.as_ref().map(|owner| format!(" by {owner}")).unwrap_or_default();
        add(format!("locked{by}: {}", one_line(&lock.reason)));
    }
    now
}
