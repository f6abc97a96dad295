//! `cancel`: asks a release to stop. What was switched goes back; that takes its time and can be watched.

use model::Release;
use serde_json::json;

use super::number;
use crate::cli::WhichArgs;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::say;
use crate::render::words::spoken;

pub(super) async fn run(client: &Client, args: &WhichArgs) -> anyhow::Result<Ending> {
    let id = number(client, args).await?;
    let answer = client.post(&Ask::at(&["releases", &id.to_string(), "cancel"]), &json!({})).await?;
    let release: Release = client.decode(&answer)?;
    if release.status.is_terminal() {
        say(&format!("release {id} is {}", spoken(release.status)))?;
    } else {
        say(&format!("release {id} is stopping; watch it: aweigh watch {id}"))?;
    }
    Ok(Ending::Done)
}
