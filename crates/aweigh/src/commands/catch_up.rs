//! `catch-up`: brings the live release to servers that do not run it.

use api::ReleaseRequest;
use model::Selector;

use super::release::start;
use crate::cli::{CatchUpArgs, Following};
use crate::client::Client;
use crate::exit::Ending;

pub(super) async fn run(client: &Client, args: CatchUpArgs) -> anyhow::Result<Ending> {
    let request = ReleaseRequest {
        project: args.place.project.to_string(),
        environment: args.place.environment.to_string(),
        catch_up: true,
        servers: args.servers.as_ref().map(|servers: &Selector| servers.as_str().to_owned()),
        note: args.note.clone().unwrap_or_default(),
        ..ReleaseRequest::default()
    };
    // It does not wait for others: what is live may be another release then.
    let (detach, timeout) = (args.detach, args.timeout);
    let following = Following { detach, queue: false, supersede: false, timeout, note: args.note };
    start(client, &request, &following).await
}
