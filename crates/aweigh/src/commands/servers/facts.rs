//! `servers facts`: what servers are and what is on them, asked of all at the same time.

use api::{Room, ServerFacts, ServerView};
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use model::Selector;
use serde_json::{Value, json};

use super::meant::{self, AT_ONCE};
use crate::cli::Listing;
use crate::client::{Ask, Client, Error};
use crate::exit::Ending;
use crate::render::clean::one_line;
use crate::render::words::size;
use crate::render::{note, say, table};

pub(super) async fn run(client: &Client, selectors: &[Selector], listing: Listing) -> anyhow::Result<Ending> {
    let servers = meant::servers(client, selectors).await?;
    let asked = servers.iter().map(|server| async move { (server, ask(client, server).await) });
    let answers: Vec<(&ServerView, Result<String, Error>)> =
        stream::iter(asked).buffered(AT_ONCE).collect().await;
    let (mut good, mut whole, mut rows) = (true, serde_json::Map::new(), Vec::new());
    let alone = servers.len() == 1;
    for (server, answer) in answers {
        match answer {
            Ok(answer) => {
                whole.insert(server.name.to_string(), client.decode(&answer)?);
                let facts: ServerFacts = client.decode(&answer)?;
                if alone {
                    rows.extend(lines(&facts));
                } else {
                    rows.push(row(server, &facts));
                }
            }
            // A server that cannot be asked does not keep the others from being shown.
            Err(Error::Answer { status: 422, problem: Some(problem) }) => {
                good = false;
                let said = &problem.detail;
                note(&format!("{}: {}", server.name, one_line(said)));
                whole.insert(server.name.to_string(), serde_json::to_value(problem)?);
            }
            Err(error) => return Err(error.into()),
        }
    }
    if listing.json {
        say(&Value::Object(whole).to_string())?;
    } else if alone {
        table::show(&["FACT", "VALUE"], rows, "nothing was answered")?;
    } else {
        let head = ["NAME", "OS", "ARCH", "CPUS", "MEMORY", "DISK FREE", "UP", "ZONE", "SHELL"];
        table::show(&head, rows, "no servers that answer")?;
    }
    Ok(if good { Ending::Done } else { Ending::ServerFailed })
}

async fn ask(client: &Client, server: &ServerView) -> Result<String, Error> {
    client.post(&Ask::at(&["servers", server.name.as_str(), "facts"]), &json!({})).await
}

/// One server among others.
fn row(server: &ServerView, facts: &ServerFacts) -> Vec<String> {
    let free = |room: Room| size(room.free);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        server.name.to_string(),
        text(&facts.os),
        text(&facts.architecture),
        facts.cpus.map(|cpus| cpus.to_string()).unwrap_or_default(),
        facts.memory.map(|memory| size(memory.total)).unwrap_or_default(),
        facts.disk.map(free).unwrap_or_default(),
        facts.uptime_seconds.map(up).unwrap_or_default(),
        text(&facts.zone),
        text(&facts.shell),
    ]
}

/// All that one server says, a line for each thing.
fn lines(facts: &ServerFacts) -> Vec<Vec<String>> {
    let room = |room: Room| format!("{}, {} free", size(room.total), size(room.free));
    let mut lines: Vec<Vec<String>> = [
        ("os", facts.os.clone()),
        ("kernel", facts.kernel.clone()),
        ("architecture", facts.architecture.clone()),
        ("cpus", facts.cpus.map(|cpus| cpus.to_string())),
        ("memory", facts.memory.map(room)),
        ("disk", facts.disk.map(room)),
        ("up", facts.uptime_seconds.map(up)),
        ("zone", facts.zone.clone()),
        ("user", facts.user.clone()),
        ("shell", facts.shell.clone()),
    ]
    .into_iter()
    .filter_map(|(fact, value)| Some(vec![fact.to_owned(), value?]))
    .collect();
    lines.extend(facts.tools.iter().map(|tool| {
        let version = tool.version.as_ref().map(|version| format!(", {version}")).unwrap_or_default();
        vec![tool.name.clone(), format!("{}{version}", tool.path)]
    }));
    lines
}

/// How long it runs: days where it is more than two of them.
fn up(seconds: u64) -> String {
    const DAY: u64 = 24 * 60 * 60;
    if seconds > 2 * DAY {
        return format!("{} days", seconds / DAY);
    }
    crate::render::words::span(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_shown_and_what_is_not_is_left_out() {
        let facts: ServerFacts = serde_json::from_value(json!({"os": "Debian", "cpus": 4,
            "memory": {"total": 8_000_000_000_u64, "free": 1_000_000}, "uptime_seconds": 3 * 86_400,
            "tools": [{"name": "tar", "path": "/bin/tar", "version": "GNU 1.34"}, {"name": "cmp", "path": "/bin/cmp"}]}))
        .unwrap();
        let text: Vec<String> = lines(&facts).iter().map(|line| line.join(" ")).collect();
        assert_eq!(
            text,
            [
                "os Debian",
                "cpus 4",
                "memory 8.00 GB, 1.00 MB free",
                "up 3 days",
                "tar /bin/tar, GNU 1.34",
                "cmp /bin/cmp"
            ]
        );
        assert_eq!(up(7200), "2h00m");
    }
}
