//! `resume`: lets an interrupted release go on from the first step that is not proven done.

use serde_json::json;

use super::number;
use crate::cli::WhichArgs;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::say;

pub(super) async fn run(client: &Client, args: &WhichArgs) -> anyhow::Result<Ending> {
    let id = number(client, args).await?;
    client.post(&Ask::at(&["releases", &id.to_string(), "resume"]), &json!({})).await?;
    say(&format!("release {id} goes on; watch it: aweigh watch {id}"))?;
    Ok(Ending::Done)
}
