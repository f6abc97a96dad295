//! `watch`: a release as it happens, from wherever it is now.

use super::number;
use crate::cli::WatchArgs;
use crate::client::Client;
use crate::exit::Ending;
use crate::follow::follow;

pub(super) async fn run(client: &Client, args: &WatchArgs) -> anyhow::Result<Ending> {
    let id = number(client, &args.which).await?;
    follow(client, id, args.timeout).await
}
