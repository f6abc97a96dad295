//! `servers check`: asks servers whether releases can run there, all of them at the same time, and shows what is found as it
//! is found.

use api::{Finding, FindingStatus, ServerView};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use model::{Selector, StepStatus};
use serde_json::{Value, json};

use super::meant::{self, AT_ONCE};
use crate::cli::Listing;
use crate::client::{Ask, Client, Error};
use crate::exit::Ending;
use crate::render::clean::one_line;
use crate::render::paint::{Line, Paint, Screen};
use crate::render::words::{step_paint, symbol};
use crate::render::{note, say};

pub(super) async fn run(client: &Client, selectors: &[Selector], listing: Listing) -> anyhow::Result<Ending> {
    let servers = meant::servers(client, selectors).await?;
    if servers.is_empty() {
        note("no servers yet");
    }
    let good = if listing.json { whole(client, &servers).await? } else { live(client, &servers).await? };
    Ok(if good { Ending::Done } else { Ending::ServerFailed })
}

/// What each server answers, once all have answered.
async fn whole(client: &Client, servers: &[ServerView]) -> anyhow::Result<bool> {
    let asked = servers.iter().map(|server| async move {
        let answer = client.post(&ask(server), &json!({})).await?;
        client.decode::<Value>(&answer)
    });
    let answers: Vec<Value> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    let is_good = |answer: &Value| {
        let items = answer.get("items").and_then(Value::as_array);
        items.is_some_and(|items| items.iter().all(|found| found.get("ok") == Some(&Value::Bool(true))))
    };
    let good = answers.iter().all(is_good);
    let named = servers.iter().map(|server| server.name.to_string()).zip(answers);
    say(&Value::Object(named.collect()).to_string())?;
    Ok(good)
}

/// Every finding when it comes, and a line for each server when there are no more; whether all are good.
async fn live(client: &Client, servers: &[ServerView]) -> anyhow::Result<bool> {
    let screen = Screen::stdout();
    let longest = servers.iter().map(|server| server.name.as_str().len()).max().unwrap_or_default();
    let shown = Shown { alone: servers.len() == 1, longest };
    let mut news = stream::iter(servers).flat_map_unordered(AT_ONCE, |server| news_of(client, server));
    let mut tallies: Vec<Tally> = servers.iter().map(|_| Tally::default()).collect();
    let mut good = true;
    while let Some((server, found)) = news.next().await {
        let place = servers.iter().position(|one| one.name == server.name);
        let Some(tally) = place.and_then(|place| tallies.get_mut(place)) else { continue };
        let lines = if let Some(found) = found? {
            tally.add(&found);
            shown.finding(server, &found)
        } else {
            good &= tally.failed.is_empty();
            vec![shown.end(server, tally)]
        };
        for line in lines {
            say(&line.text(screen.width, screen.colours))?;
        }
    }
    Ok(good)
}

/// What is found on one server, and nothing at its end.
type News<'s> = (&'s ServerView, Result<Option<Finding>, Error>);

fn news_of<'s>(client: &'s Client, server: &'s ServerView) -> BoxStream<'s, News<'s>> {
    let lines = stream::once(async move { client.post_lines(&ask(server), &json!({})).await });
    let findings = lines.map_ok(|lines| {
        stream::try_unfold(lines, async |mut lines| {
            let found: Option<Finding> = lines.next().await?;
            Ok::<_, Error>(found.map(|found| (found, lines)))
        })
    });
    let findings = findings.try_flatten().map_ok(Some);
    findings.chain(stream::once(async { Ok(None) })).map(move |found| (server, found)).boxed()
}

fn ask(server: &ServerView) -> Ask<'_> {
    Ask::at(&["servers", server.name.as_str(), "check"])
}

/// What was found on a server so far.
#[derive(Debug, Default)]
struct Tally {
    failed: Vec<String>,
    warnings: usize,
}

impl Tally {
    fn add(&mut self, found: &Finding) {
        match found.status {
            FindingStatus::Ok => {}
            FindingStatus::Warning => self.warnings += 1,
            FindingStatus::Failed => self.failed.push(one_line(&found.what)),
        }
    }
}

/// How findings become lines.
struct Shown {
    /// One server is asked: all that is found is shown. Of many only what is worth a look.
    alone: bool,
    /// The longest name.
    longest: usize,
}

impl Shown {
    fn finding(&self, server: &ServerView, found: &Finding) -> Vec<Line> {
        if !self.alone && found.status == FindingStatus::Ok {
            return Vec::new();
        }
        let text = format!("{}: {}", one_line(&found.what), one_line(&found.detail));
        let mut lines = vec![self.line(status(found.status), server, &text)];
        lines.extend(found.hint.as_ref().map(|hint| {
            let text = format!("  {:1$}  hint: {hint}", "", self.longest, hint = one_line(hint));
            Line::default().with(text, Paint::Plain)
        }));
        lines
    }

    fn end(&self, server: &ServerView, tally: &Tally) -> Line {
        let warnings = match tally.warnings {
            0 => String::new(),
            1 => ", with a warning".to_owned(),
            many => format!(", with {many} warnings"),
        };
        if tally.failed.is_empty() {
            let text = format!("{}{warnings}", one_line(&meant::place(server)));
            self.line(StepStatus::Ok, server, &text)
        } else {
            let text = format!("releases cannot run there: {}{warnings}", tally.failed.join(", "));
            self.line(StepStatus::Failed, server, &text)
        }
    }

    fn line(&self, status: StepStatus, server: &ServerView, text: &str) -> Line {
        let name = format!(" {:1$}  ", server.name.as_str(), self.longest);
        Line::default()
            .with(symbol(status).to_string(), step_paint(status))
            .with(name, Paint::Plain)
            .with(text, Paint::Plain)
    }
}

fn status(found: FindingStatus) -> StepStatus {
    match found {
        FindingStatus::Ok => StepStatus::Ok,
        FindingStatus::Warning => StepStatus::Warning,
        FindingStatus::Failed => StepStatus::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::{Named, ServerSpec};

    fn finding(what: &str, status: FindingStatus, detail: &str, hint: Option<&str>) -> Finding {
        let ok = status != FindingStatus::Failed;
        Finding { what: what.into(), ok, status, detail: detail.into(), hint: hint.map(str::to_owned) }
    }

    fn text(findings: &[Finding], alone: bool) -> String {
        let spec =
            ServerSpec { host: "10.0.0.11".into(), user: Some("deploy".into()), ..ServerSpec::default() };
        let server = Named { name: "web-1".parse().unwrap(), spec };
        let shown = Shown { alone, longest: 6 };
        let mut tally = Tally::default();
        let mut lines = Vec::new();
        for found in findings {
            tally.add(found);
            lines.extend(shown.finding(&server, found));
        }
        lines.push(shown.end(&server, &tally));
        lines.iter().map(|line| line.text(usize::MAX, false) + "\n").collect()
    }

    #[test]
    fn of_one_server_all_is_shown_and_of_many_what_is_worth_a_look() {
        let good = [
            finding("login", FindingStatus::Ok, "deploy", None),
            finding("clock", FindingStatus::Warning, "is 9 seconds behind", Some("set it")),
        ];
        insta::assert_snapshot!(text(&good, true), @"
        ✓ web-1   login: deploy
        ! web-1   clock: is 9 seconds behind
                  hint: set it
        ✓ web-1   deploy@10.0.0.11:22, with a warning
        ");
        insta::assert_snapshot!(text(&good[..1], false), @"✓ web-1   deploy@10.0.0.11:22");
        let bad = [finding("tar", FindingStatus::Failed, "not found\u{1b}[2J\nx", Some("install\u{7} tar"))];
        insta::assert_snapshot!(text(&bad, false), @"
        ✗ web-1   tar: not found x
                  hint: install tar
        ✗ web-1   releases cannot run there: tar
        ");
    }
}
