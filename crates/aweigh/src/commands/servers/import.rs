//! `servers import`: servers and host keys out of files that other tools read, in one transaction or not at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use api::{ApplyAnswer, Fleet, FleetDefaults, Page, SecretSpecs, ServerDefaults, ServerSpec, ServerView};
use model::Name;

use crate::advice::Advised;
use crate::cli::ServerImport;
use crate::client::{Ask, Client, Error};
use crate::commands::apply::line;
use crate::exit::Ending;
use crate::fleet_file::{self, read_text};
use crate::import::{Found, From, pins};
use crate::places::Env;
use crate::render::clean::one_line;
use crate::render::{note, say};
use crate::typed::text_within;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 4 << 20;

pub(super) async fn run(client: &Client, args: &ServerImport, env: Env<'_>) -> anyhow::Result<Ending> {
    let path = path(args, env)?;
    let text = text(&path)?;
    let stored: Page<ServerView> = client.get(&Ask::at(&["servers"])).await?;
    let (found, servers, notes) = if args.from == From::KnownHosts {
        let pins = pins::read(&text, &path, &stored.items)?;
        (Found::default(), pins.servers, pins.notes)
    } else {
        let found = Found::read(args.from, &text, &path, env)?;
        let servers = over(&found, &stored.items, args);
        let notes = found.notes();
        (found, servers, notes)
    };
    for text in notes {
        note(&format!("note: {}", one_line(&text)));
    }
    let fleet = Fleet {
        defaults: FleetDefaults {
            server: ServerDefaults {
                user: args.user.clone(),
                credential: args.credential.as_ref().map(Name::to_string),
                ..ServerDefaults::default()
            },
        },
        servers: servers.into_iter().map(|(name, spec)| (name.to_string(), spec)).collect(),
        ..Fleet::default()
    };
    let ask = Ask::at(&["apply"]).with("by_hand", 1).maybe("plan", args.plan.then_some(1));
    let answer = client.post(&ask, &fleet).await.map_err(|error| with_lines(&found, &path, error))?;
    let answer: ApplyAnswer = client.decode(&answer)?;
    if answer.changes.is_empty() {
        say("no changes")?;
    }
    for change in &answer.changes {
        say(&line(change))?;
    }
    Ok(Ending::Done)
}

/// What is imported laid over what is stored: what a file does not say stays as it is.
fn over(found: &Found, stored: &[ServerView], args: &ServerImport) -> BTreeMap<Name, ServerSpec> {
    let one = |(name, (spec, _)): (&Name, &(ServerSpec, usize))| {
        let before = stored.iter().find(|server| server.name == *name);
        let before = before.map(|server| server.spec.clone()).unwrap_or_default();
        let mut labels = before.labels;
        labels.extend(spec.labels.clone());
        for (key, value) in &args.labels {
            let values = labels.entry(key.clone()).or_insert_with(|| Vec::new().into());
            if !values.items().contains(value) {
                *values = values.items().iter().cloned().chain([value.clone()]).collect::<Vec<_>>().into();
            }
        }
        let is_local = spec.host == "local";
        let kept =
            |own: &Option<String>, before: Option<String>| own.clone().or(before).filter(|_| !is_local);
        let spec = ServerSpec {
            host: spec.host.clone(),
            // A port belongs to a host. So does a host key, to a place: what is pinned stays where nothing is said.
            port: spec.port.or(before.port.filter(|_| spec.host == before.host)),
            user: kept(&spec.user, before.user),
            credential: kept(&spec.credential, before.credential),
            host_key: spec.host_key.clone(),
            known_hosts: None,
            labels,
            jump: kept(&spec.jump, before.jump),
            // A stored secret that nobody names stays.
            secrets: SecretSpecs::new(),
            variables: before.variables,
            legacy_algorithms: spec.legacy_algorithms.or(before.legacy_algorithms).filter(|_| !is_local),
        };
        (name.clone(), spec)
    };
    found.servers.iter().map(one).collect()
}

/// The file that is read; `-` is standard input.
fn path(args: &ServerImport, env: Env<'_>) -> Result<PathBuf, Advised> {
    if let Some(file) = &args.file {
        return Ok(file.clone());
    }
    let usual = match args.from {
        From::SshConfig => ".ssh/config",
        From::KnownHosts => ".ssh/known_hosts",
        From::Csv | From::Ansible => {
            return Err(Advised::new(
                "no file is named",
                "say which one: aweigh servers import --from … FILE",
            ));
        }
    };
    let home = env.get("HOME").ok_or_else(|| Advised::new("there is no home folder", "name the file"))?;
    Ok(Path::new(&home).join(usual))
}

fn text(path: &Path) -> anyhow::Result<String> {
    let (path, text) = if path == Path::new("-") {
        let text = text_within(std::io::stdin().lock(), LARGEST).map_err(|error| error.to_string());
        (Path::new("standard input"), text)
    } else {
        (path, read_text(path, LARGEST))
    };
    text.map_err(|why| fleet_file::Error::new(path, vec![why]).into())
}

/// What the server says about fields, told with the lines of the file.
fn with_lines(found: &Found, path: &Path, error: Error) -> anyhow::Error {
    match error {
        Error::Answer { problem: Some(problem), .. } if !problem.errors.is_empty() => {
            found.error(path, &problem.errors).into()
        }
        error => error.into(),
    }
}
