//! `catch-up`: brings the live release to servers that do not run it.

use api::ReleaseRequest;
use model::Selector;

use super::release::start;
use crate::cli::CatchUpArgs;
use crate::client::Client;
use crate::exit::Ending;

pub(super) async fn run(client: &Client, args: CatchUpArgs) -> anyhow::Result<Ending> {
    let request = ReleaseRequest {
        project: args.place.project.to_string(),
        environment: args.place.environment.to_string(),
        catch_up: true,
        servers: args.servers.as_ref().map(|servers: &Selector| servers.as_str().to_owned()),
        note: args.following.note.clone().unwrap_or_default(),
        queue: args.following.queue,
        supersede: args.following.supersede,
        ..ReleaseRequest::default()
    };
    start(client, &request, &args.following).await
}
