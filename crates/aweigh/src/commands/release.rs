//! `release`: brings a branch, tag or commit to an environment, and follows it to its end.

use api::ReleaseRequest;
use api::request::ReleasePlan;
use model::{Release, Selector, Status, Tree};

use crate::cli::{Following, ReleaseArgs};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::follow::{follow, ways_on};
use crate::render::clean::one_line;
use crate::render::paint::Screen;
use crate::render::words::listed;
use crate::render::{note, say, tree};

pub(super) async fn run(client: &Client, args: ReleaseArgs) -> anyhow::Result<Ending> {
    if args.plan {
        return plan(client, &request(&args)).await;
    }
    start(client, &request(&args), &args.following).await
}

fn request(args: &ReleaseArgs) -> ReleaseRequest {
    ReleaseRequest {
        project: args.place.project.to_string(),
        environment: args.place.environment.to_string(),
        git_ref: args.git_ref.clone(),
        from: args.from.as_ref().map(ToString::to_string),
        artifact: args.artifact.clone(),
        rollback_to: None,
        catch_up: false,
        servers: args.servers.as_ref().map(|servers: &Selector| servers.as_str().to_owned()),
        note: args.following.note.clone().unwrap_or_default(),
        queue: args.following.queue,
        supersede: args.following.supersede,
        now: false,
    }
}

/// Asks for a release once, then follows it, or leaves when that is wished.
pub(super) async fn start(
    client: &Client,
    request: &ReleaseRequest,
    following: &Following,
) -> anyhow::Result<Ending> {
    let answer = client.post_once(&Ask::at(&["releases"]), request).await?;
    let release: Release = client.decode(&answer)?;
    let accepted = format!("release {} is accepted; {}", release.id, ways_on(release.id));
    if following.detach {
        say(&release.id.to_string())?;
        note(&accepted);
        return Ok(Ending::Done);
    }
    let followed = follow(client, release.id, following.timeout).await;
    // It is under way, whatever became of the line.
    if followed.is_err() {
        note(&accepted);
    }
    followed
}

async fn plan(client: &Client, request: &ReleaseRequest) -> anyhow::Result<Ending> {
    let answer = client.post(&Ask::at(&["releases"]).with("plan", 1), request).await?;
    let plan: ReleasePlan = client.decode(&answer)?;
    let servers: Vec<&str> = plan.servers.iter().map(String::as_str).collect();
    let commit: String = plan.commit.chars().take(7).collect();
    say(&format!("would bring {} {commit} to {}:", one_line(&plan.git_ref), listed(&servers)))?;
    let tree = Tree {
        nodes: plan.nodes.into_iter().map(Into::into).collect(),
        servers: Vec::new(),
        status: Status::Queued,
        reason: None,
        seq: 0,
    };
    let screen = Screen::stdout();
    for line in tree::steps(&tree) {
        say(&line.text(screen.width, screen.colours))?;
    }
    Ok(Ending::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn asked(words: &str) -> serde_json::Value {
        let words = std::iter::once("aweigh").chain(words.split(' '));
        let Command::Release(args) = Cli::try_parse_from(words).unwrap().command else {
            panic!("no release")
        };
        serde_json::to_value(request(&args)).unwrap()
    }

    #[test]
    fn words_become_a_request() {
        assert_eq!(
            asked("release shop -e production main"),
            serde_json::json!({"project": "shop", "environment": "production", "ref": "main"})
        );
        assert_eq!(
            asked(
                "deploy shop --env production v1.4.2 --queue --servers role=web&env=production -m checkout"
            ),
            serde_json::json!({"project": "shop", "environment": "production", "ref": "v1.4.2", "queue": true,
                "servers": "role=web&env=production", "note": "checkout"})
        );
    }
}
