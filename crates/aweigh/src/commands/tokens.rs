//! `tokens`: one's own API tokens. A token is printed once, when it is made.

use api::{NewName, Page, TokenView};
use jiff::tz::TimeZone;

use crate::cli::{Listing, Tokens};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::words::date;
use crate::render::{note, say, table};

pub(super) async fn run(client: &Client, verb: Tokens) -> anyhow::Result<Ending> {
    match verb {
        Tokens::List(listing) => list(client, listing).await?,
        Tokens::Add { name } => {
            let answer = client.post(&Ask::at(&["tokens"]), &NewName { name }).await?;
            let token: TokenView = client.decode(&answer)?;
            // Alone on standard output, so that it can go straight into a file.
            note("keep it safe; it is not shown again");
            say(&token.token.unwrap_or_default())?;
        }
        Tokens::Remove { id } => {
            client.delete(&Ask::at(&["tokens", &id])).await?;
            say(&format!("- token {id}"))?;
        }
    }
    Ok(Ending::Done)
}

async fn list(client: &Client, listing: Listing) -> anyhow::Result<()> {
    let answer = client.get_text(&Ask::at(&["tokens"])).await?;
    if listing.json {
        return Ok(say(&answer)?);
    }
    let page: Page<TokenView> = client.decode(&answer)?;
    let zone = TimeZone::system();
    let row = |token: &TokenView| vec![token.id.clone(), token.name.clone(), date(token.created_at, &zone)];
    table::show(&["ID", "NAME", "MADE"], page.items.iter().map(row).collect(), "no tokens yet")?;
    Ok(())
}
