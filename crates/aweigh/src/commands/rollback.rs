//! `rollback`: brings an earlier release back, by default the good one before the live one.

use api::{ReleaseRequest, RollbackTo};

use super::release::start;
use crate::cli::RollbackArgs;
use crate::client::Client;
use crate::exit::Ending;

pub(super) async fn run(client: &Client, args: RollbackArgs) -> anyhow::Result<Ending> {
    start(client, &request(&args), &args.following).await
}

fn request(args: &RollbackArgs) -> ReleaseRequest {
    ReleaseRequest {
        project: args.place.project.to_string(),
        environment: args.place.environment.to_string(),
        git_ref: None,
        rollback_to: Some(args.to.map_or(RollbackTo::Previous, RollbackTo::Release)),
        from: None,
        artifact: None,
        catch_up: false,
        servers: None,
        note: args.following.note.clone().unwrap_or_default(),
        queue: args.following.queue,
        supersede: args.following.supersede,
        now: args.now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn asked(words: &str) -> serde_json::Value {
        let words = std::iter::once("aweigh").chain(words.split(' '));
        let Command::Rollback(args) = Cli::try_parse_from(words).unwrap().command else {
            panic!("no rollback")
        };
        serde_json::to_value(request(&args)).unwrap()
    }

    #[test]
    fn words_become_a_request() {
        assert_eq!(
            asked("rollback shop -e production"),
            serde_json::json!({"project": "shop", "environment": "production", "rollback_to": "previous"})
        );
        assert_eq!(
            asked("rollback shop -e production --to 41 -m broken --queue"),
            serde_json::json!({"project": "shop", "environment": "production", "rollback_to": 41,
                "note": "broken", "queue": true})
        );
    }
}
