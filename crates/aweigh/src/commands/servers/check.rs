//! `servers check`: asks servers whether releases can run there, all of them at the same time.

use api::{Finding, Page, ServerView};
use futures::{StreamExt, stream};
use model::Name;
use serde_json::{Value, json};

use crate::cli::Listing;
use crate::client::{Ask, Client, Error};
use crate::exit::Ending;
use crate::render::clean::one_line;
use crate::render::{note, say};

/// How many servers are asked at the same time.
const AT_ONCE: usize = 16;

pub(super) async fn run(client: &Client, names: Vec<Name>, listing: Listing) -> anyhow::Result<Ending> {
    let names = if names.is_empty() { all(client).await? } else { names };
    if names.is_empty() {
        note("no servers yet");
    }
    let asked = names.into_iter().map(|name| async {
        let answer = ask(client, &name).await;
        (name, answer)
    });
    let mut answers = stream::iter(asked).buffered(AT_ONCE);
    let (mut good, mut whole) = (true, serde_json::Map::new());
    while let Some((name, answer)) = answers.next().await {
        let answer = answer?;
        let findings: Page<Finding> = client.decode(&answer)?;
        good &= findings.items.iter().all(|finding| finding.ok);
        if listing.json {
            whole.insert(name.to_string(), client.decode::<Value>(&answer)?);
        } else {
            for line in lines(&name, &findings.items) {
                say(&line)?;
            }
        }
    }
    if listing.json {
        say(&Value::Object(whole).to_string())?;
    }
    Ok(if good { Ending::Done } else { Ending::ServerFailed })
}

async fn all(client: &Client) -> Result<Vec<Name>, Error> {
    let page: Page<ServerView> = client.get(&Ask::at(&["servers"])).await?;
    Ok(page.items.into_iter().map(|server| server.name).collect())
}

async fn ask(client: &Client, name: &Name) -> Result<String, Error> {
    client.post(&Ask::at(&["servers", name.as_str(), "check"]), &json!({})).await
}

/// One line for a good server; what is wrong with another one, or should not stay so, and what to do.
fn lines(name: &Name, findings: &[Finding]) -> Vec<String> {
    let place = findings.first().map(|finding| format!("  {}", one_line(&finding.detail)));
    let good = format!("✓ {name}{}", place.unwrap_or_default());
    let is_good = findings.iter().all(|finding| finding.ok);
    let mut lines = vec![if is_good { good } else { format!("✗ {name}") }];
    for finding in findings.iter().filter(|finding| !finding.ok || finding.hint.is_some()) {
        lines.push(format!("    {}: {}", one_line(&finding.what), one_line(&finding.detail)));
        lines.extend(finding.hint.as_ref().map(|hint| format!("    hint: {}", one_line(hint))));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_server_takes_one_line_and_a_bad_one_says_what_to_do() {
        let finding = |what: &str, ok, detail: &str, hint: Option<&str>| Finding {
            what: what.into(),
            ok,
            detail: detail.into(),
            hint: hint.map(str::to_owned),
        };
        let name: Name = "web-1".parse().unwrap();
        let good =
            [finding("connect", true, "deploy@10.0.0.11:22", None), finding("tar", true, "/bin/tar", None)];
        assert_eq!(lines(&name, &good), ["✓ web-1  deploy@10.0.0.11:22"]);
        let warned = [good[0].clone(), finding("algorithms", true, "old", Some("update it"))];
        let expected = ["✓ web-1  deploy@10.0.0.11:22", "    algorithms: old", "    hint: update it"];
        assert_eq!(lines(&name, &warned), expected);
        let bad = [
            finding("connect", true, "x", None),
            finding("tar", false, "not found\u{1b}[2J", Some("install tar")),
        ];
        assert_eq!(lines(&name, &bad), ["✗ web-1", "    tar: not found", "    hint: install tar"]);
    }
}
