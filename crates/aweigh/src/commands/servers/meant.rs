//! Which servers are meant on the command line.

use api::{Page, ServerView};
use model::Selector;

use crate::advice::Advised;
use crate::client::{Ask, Client};

/// How many servers are asked at the same time.
pub(super) const AT_ONCE: usize = 64;

/// The servers that `selectors` mean, by name and each once; all of them when none is given.
///
/// # Errors
/// One of them means no server.
pub(super) async fn servers(client: &Client, selectors: &[Selector]) -> anyhow::Result<Vec<ServerView>> {
    if selectors.is_empty() {
        return Ok(client.get::<Page<ServerView>>(&Ask::at(&["servers"])).await?.items);
    }
    let mut all: Vec<ServerView> = Vec::new();
    for selector in selectors {
        let ask = Ask::at(&["servers"]).with("selector", selector);
        let meant: Page<ServerView> = client.get(&ask).await?;
        if meant.items.is_empty() {
            let hint = "aweigh servers list shows names and labels";
            return Err(Advised::new(format!("{selector} means no server"), hint).into());
        }
        all.extend(meant.items);
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all.dedup_by(|one, other| one.name == other.name);
    Ok(all)
}

/// Where a server is, for people: `deploy@10.0.0.11:22 through bastion`.
pub(super) fn place(server: &ServerView) -> String {
    let spec = &server.spec;
    if spec.host == "local" {
        return "this machine".to_owned();
    }
    let user = spec.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let through = spec.jump.as_ref().map(|jump| format!(" through {jump}")).unwrap_or_default();
    let legacy = if spec.legacy_algorithms == Some(true) { " (legacy algorithms)" } else { "" };
    format!("{user}{}:{}{through}{legacy}", spec.host, spec.port.unwrap_or(22))
}
