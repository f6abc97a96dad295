//! `servers`: the machines that releases go to.

mod check;
mod facts;
mod import;
mod meant;
pub(super) mod trust;

use std::collections::BTreeMap;

use api::{OneOrMany, Page, ServerSpec, ServerView};
use model::Selector;
use serde_json::Value;

use crate::cli::{Listing, ServerAdd, Servers};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::places::Env;
use crate::render::clean::one_line;
use crate::render::{say, table};

pub(super) async fn run(client: &Client, verb: Servers, env: Env<'_>) -> anyhow::Result<Ending> {
    match verb {
        Servers::List { selector, listing } => list(client, selector, listing).await,
        Servers::Add(args) => add(client, args).await,
        Servers::Remove { name } => {
            client.delete(&Ask::at(&["servers", name.as_str()])).await?;
            say(&format!("- server {name}"))?;
            Ok(Ending::Done)
        }
        Servers::Check { selectors, listing } => check::run(client, &selectors, listing).await,
        Servers::Facts { selectors, listing } => facts::run(client, &selectors, listing).await,
        Servers::Import(args) => import::run(client, &args, env).await,
        Servers::Trust { name, fingerprint } => trust::run(client, &trust::SERVER, &name, fingerprint).await,
    }
}

async fn list(client: &Client, selector: Option<Selector>, listing: Listing) -> anyhow::Result<Ending> {
    let has_selector = selector.is_some();
    let answer = client.get_text(&Ask::at(&["servers"]).maybe("selector", selector)).await?;
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<ServerView> = client.decode(&answer)?;
    let rows = page.items.iter().map(row).collect();
    table::show(
        &["NAME", "PLACE", "CREDENTIAL", "TRUSTED", "LABELS"],
        rows,
        if has_selector { "no server is meant" } else { "no servers yet" },
    )?;
    Ok(Ending::Done)
}

fn row(server: &ServerView) -> Vec<String> {
    let spec = &server.spec;
    let local = spec.host == "local";
    let pinned = spec.host_key.as_ref().is_some_and(|keys| !keys.items().is_empty());
    let labels = spec
        .labels
        .iter()
        .flat_map(|(key, values)| values.items().iter().map(move |value| format!("{key}={value}")));
    vec![
        server.name.to_string(),
        meant::place(server),
        spec.credential.clone().unwrap_or_default(),
        if pinned || local { "yes" } else { "no" }.to_owned(),
        labels.collect::<Vec<_>>().join(" "),
    ]
}

async fn add(client: &Client, args: ServerAdd) -> anyhow::Result<Ending> {
    let request = request(args)?;
    let answer = client.post(&Ask::at(&["servers"]), &request).await?;
    let answer: Value = client.decode(&answer)?;
    // Servers that are written together are answered together.
    let made =
        answer.get("items").and_then(Value::as_array).map_or(std::slice::from_ref(&answer), Vec::as_slice);
    for server in made {
        let name = one_line(server.get("name").and_then(Value::as_str).unwrap_or_default());
        say(&format!("+ server {name}"))?;
        if request.get("host").and_then(Value::as_str) != Some("local") && server.get("host_key").is_none() {
            say(&format!("its host key is not known yet: aweigh servers trust {name}"))?;
        }
    }
    Ok(Ending::Done)
}

fn request(args: ServerAdd) -> anyhow::Result<Value> {
    let mut labels: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in args.labels {
        labels.entry(key).or_default().push(value);
    }
    let spec = ServerSpec {
        host: args.host,
        port: args.port.map(i64::from),
        user: args.user,
        credential: args.credential.map(|name| name.to_string()),
        jump: args.jump.map(|name| name.to_string()),
        host_key: (!args.host_key.is_empty()).then(|| OneOrMany::from(args.host_key)),
        labels: labels.into_iter().map(|(key, values)| (key, values.into())).collect(),
        legacy_algorithms: args.legacy_algorithms.then_some(true),
        ..ServerSpec::default()
    };
    let mut request = serde_json::to_value(spec)?;
    if let Some(table) = request.as_object_mut() {
        table.insert("name".to_owned(), args.name.into());
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    #[test]
    fn words_become_a_request() {
        let words = "aweigh servers add web-1 --host 10.0.0.11 --user deploy --credential deploy --port 2222 \
                     --jump bastion --label env=production --label role=web --label role=db";
        let cli = Cli::try_parse_from(words.split_whitespace()).unwrap();
        let Command::Servers(Servers::Add(args)) = cli.command else { panic!("no server") };
        assert_eq!(
            request(args).unwrap(),
            serde_json::json!({"name": "web-1", "host": "10.0.0.11", "port": 2222, "user": "deploy",
                "credential": "deploy", "jump": "bastion", "labels": {"env": "production", "role": ["web", "db"]}})
        );
    }
}
