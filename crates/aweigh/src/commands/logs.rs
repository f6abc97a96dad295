//! `logs`: what the steps of a release wrote, step by step in the order of the tree.

use futures::StreamExt;
use model::{Node, ReleaseId, Tree};

use super::number;
use crate::advice::Advised;
use crate::cli::LogsArgs;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::follow::{Snapshot, failed};
use crate::render::clean::{Cleaner, one_line};
use crate::render::paint::Screen;
use crate::render::{note, print, say};

pub(super) async fn run(client: &Client, args: &LogsArgs) -> anyhow::Result<Ending> {
    let id = number(client, &args.which).await?;
    let tree = Snapshot::of(client, id).await?.tree();
    let chosen = chosen(&tree, args)?;
    let alone = args.node.is_some();
    let mut wrote = false;
    for node in chosen {
        wrote |= copy(client, id, &node.key, alone).await?;
    }
    if !wrote {
        note(&format!("nothing was written{}", if args.failed { " by a failed step" } else { "" }));
    }
    Ok(Ending::Done)
}

fn chosen<'a>(tree: &'a Tree, args: &LogsArgs) -> Result<Vec<&'a Node>, Advised> {
    let mut nodes: Vec<&Node> = if args.failed { failed(tree) } else { tree.nodes.iter().collect() };
    if let Some(key) = &args.node {
        if !tree.nodes.iter().any(|node| node.key == *key) {
            let known: Vec<String> = tree.nodes.iter().map(|node| one_line(&node.key)).collect();
            let what = format!("the release has no step {key:?}");
            return Err(Advised::new(what, format!("its steps are {}", known.join(", "))));
        }
        nodes.retain(|node| node.key == *key);
    }
    // A step that never began wrote nothing: it need not be asked.
    nodes.retain(|node| node.attempt > 0);
    Ok(nodes)
}

/// Prints one step's log below its key; answers whether there was any.
async fn copy(client: &Client, id: ReleaseId, key: &str, alone: bool) -> anyhow::Result<bool> {
    let id = id.to_string();
    let mut pieces = client.get_stream(&Ask::at(&["releases", &id, "log"]).with("node", key)).await?;
    let mut cleaner = Cleaner::new(Screen::stdout().colours);
    let (mut wrote, mut ends) = (false, true);
    while let Some(piece) = pieces.next().await {
        let text = cleaner.push_bytes(&piece?);
        if text.is_empty() {
            continue;
        }
        if !wrote && !alone {
            say(&format!("── {}", one_line(key)))?;
        }
        wrote = true;
        ends = text.ends_with('\n');
        print(&text)?;
    }
    print(cleaner.finish())?;
    if !ends {
        say("")?;
    }
    Ok(wrote)
}
