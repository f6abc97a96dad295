//! `projects`: repositories, how they are built and where they run.

use std::collections::BTreeMap;

use api::{Fleet, Page, ProjectView};
use model::Name;

use super::servers::trust;
use crate::cli::{Listing, Projects};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::clean::Cleaner;
use crate::render::{print, say, table};

pub(super) async fn run(client: &Client, verb: Projects) -> anyhow::Result<Ending> {
    match verb {
        Projects::List(listing) => list(client, listing).await,
        Projects::Show { name, listing } => show(client, &name, listing).await,
        Projects::Remove { name } => {
            client.delete(&Ask::at(&["projects", name.as_str()])).await?;
            say(&format!("- project {name}"))?;
            Ok(Ending::Done)
        }
        Projects::Trust { name, fingerprint } => {
            trust::run(client, &trust::GIT_HOST, &name, fingerprint).await
        }
    }
}

async fn list(client: &Client, listing: Listing) -> anyhow::Result<Ending> {
    let answer = client.get_text(&Ask::at(&["projects"])).await?;
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<ProjectView> = client.decode(&answer)?;
    let row = |project: &ProjectView| {
        let environments: Vec<&str> = project.spec.environments.keys().map(String::as_str).collect();
        vec![project.name.to_string(), project.spec.repository.clone(), environments.join(" ")]
    };
    let rows = page.items.iter().map(row).collect();
    table::show(&["NAME", "REPOSITORY", "ENVIRONMENTS"], rows, "no projects yet")?;
    Ok(Ending::Done)
}

/// Shows a project as it stands in a fleet file.
async fn show(client: &Client, name: &Name, listing: Listing) -> anyhow::Result<Ending> {
    let answer = client.get_text(&Ask::at(&["projects", name.as_str()])).await?;
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let project: ProjectView = client.decode(&answer)?;
    let projects = BTreeMap::from([(project.name.to_string(), project.spec)]);
    let text = toml::to_string(&Fleet { projects, ..Fleet::default() })?;
    print(&Cleaner::new(false).push(&text))?;
    Ok(Ending::Done)
}
