//! `groups`: selectors that were given a name.

use api::{GroupSpec, GroupView, Page};

use crate::cli::{Groups, Listing};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::words::listed;
use crate::render::{say, table};

pub(super) async fn run(client: &Client, verb: Groups) -> anyhow::Result<Ending> {
    match verb {
        Groups::List(listing) => list(client, listing).await,
        Groups::Set { name, selector } => {
            let spec = GroupSpec { selector: selector.to_string() };
            let answer = client.put(&Ask::at(&["groups", name.as_str()]), &spec).await?;
            let group: GroupView = client.decode(&answer)?;
            say(&format!("@{name} is {}", members(&group)))?;
            Ok(Ending::Done)
        }
        Groups::Remove { name } => {
            client.delete(&Ask::at(&["groups", name.as_str()])).await?;
            say(&format!("- group {name}"))?;
            Ok(Ending::Done)
        }
    }
}

async fn list(client: &Client, listing: Listing) -> anyhow::Result<Ending> {
    let answer = client.get_text(&Ask::at(&["groups"])).await?;
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<GroupView> = client.decode(&answer)?;
    let rows = page
        .items
        .iter()
        .map(|group| vec![format!("@{}", group.name), group.selector.clone(), members(group)]);
    table::show(&["GROUP", "SELECTOR", "SERVERS"], rows.collect(), "no groups yet")?;
    Ok(Ending::Done)
}

fn members(group: &GroupView) -> String {
    let names: Vec<&str> = group.servers.iter().map(model::Name::as_str).collect();
    if names.is_empty() { "no server now".to_owned() } else { listed(&names) }
}
