//! `audit`: who did what.

use api::{AuditView, Page};
use jiff::tz::TimeZone;

use crate::cli::AuditArgs;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::words::date;
use crate::render::{say, table};

pub(super) async fn run(client: &Client, args: &AuditArgs) -> anyhow::Result<Ending> {
    let ask = Ask::at(&["audit"])
        .maybe("who", args.who.as_ref())
        .maybe("object", args.about.as_ref())
        .maybe("before", args.before)
        .with("limit", args.limit);
    let answer = client.get_text(&ask).await?;
    if args.listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<AuditView> = client.decode(&answer)?;
    let zone = TimeZone::system();
    let row = |deed: &AuditView| {
        let AuditView { id, at, who, what, object, detail } = deed.clone();
        vec![id.to_string(), date(at, &zone), who, what, object, detail]
    };
    let rows = page.items.iter().map(row).collect();
    table::show(&["NUMBER", "WHEN", "WHO", "WHAT", "TO", "DETAIL"], rows, "nothing was done yet")?;
    table::tell_rest(page.next);
    Ok(Ending::Done)
}
