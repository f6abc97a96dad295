//! `users`: who may sign in. Passwords are set by their owners, with a link that works once.

use api::{NewName, Page, SetUpLink, UserView};
use jiff::tz::TimeZone;
use serde_json::json;

use crate::cli::{Listing, Users};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::words::date;
use crate::render::{say, table};

pub(super) async fn run(client: &Client, verb: Users) -> anyhow::Result<Ending> {
    match verb {
        Users::List(listing) => list(client, listing).await?,
        Users::Add { name } => {
            let body = NewName { name: name.to_string() };
            let answer = client.post(&Ask::at(&["users"]), &body).await?;
            let user: UserView = client.decode(&answer)?;
            say(&format!("+ user {name}"))?;
            tell(&user.setup.unwrap_or_default())?;
        }
        Users::Remove { name } => {
            client.delete(&Ask::at(&["users", name.as_str()])).await?;
            say(&format!("- user {name}"))?;
        }
        Users::Link { name } => {
            let answer = client.post(&Ask::at(&["users", name.as_str(), "setup"]), &json!({})).await?;
            let link: SetUpLink = client.decode(&answer)?;
            tell(&link.setup)?;
        }
    }
    Ok(Ending::Done)
}

fn tell(link: &str) -> anyhow::Result<()> {
    Ok(say(&format!("set the password here, once and within a day: {link}"))?)
}

async fn list(client: &Client, listing: Listing) -> anyhow::Result<()> {
    let answer = client.get_text(&Ask::at(&["users"])).await?;
    if listing.json {
        return Ok(say(&answer)?);
    }
    let page: Page<UserView> = client.decode(&answer)?;
    let zone = TimeZone::system();
    let row = |user: &UserView| {
        let way_in = if user.has_password { "password" } else { "none yet" };
        vec![user.name.clone(), way_in.to_owned(), date(user.created_at, &zone)]
    };
    table::show(&["NAME", "SIGN-IN", "MADE"], page.items.iter().map(row).collect(), "no users yet")?;
    Ok(())
}
