//! `shared`: the linked files and folders of an environment, on its servers.

use api::{SharedGetRequest, SharedRow, SharedServer};
use jiff::tz::TimeZone;

use super::get::{Landing, bring};
use super::put::send;
use crate::cli::{Place, Shared, SharedGet, SharedList, SharedPut, Sharing};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::clean::one_line;
use crate::render::{note, say, table, words};

pub(super) async fn run(client: &Client, verb: Shared) -> anyhow::Result<Ending> {
    match verb {
        Shared::List(args) => list(client, &args).await,
        Shared::Put(SharedPut { sharing, name, from, replace, moving }) => {
            let ask = at(&sharing.place, Some("put"))
                .with("name", &name)
                .maybe("servers", sharing.servers.as_ref())
                .maybe("replace", replace.then_some(1))
                .maybe("limit", moving.limit);
            send(client, &ask, from, moving).await
        }
        Shared::Get(SharedGet { sharing, name, to, replace, moving }) => {
            let request = SharedGetRequest {
                name: name.to_string(),
                servers: sharing.servers.map(|servers| servers.to_string()),
                limit: moving.limit,
            };
            let last = name.as_str().rsplit('/').next().unwrap_or_default();
            let landing = Landing { to: &to, replaces: replace, last };
            bring(client, &at(&sharing.place, Some("get")), &request, landing, moving.json).await
        }
    }
}

/// The address of what an environment shares.
fn at<'a>(place: &'a Place, verb: Option<&'a str>) -> Ask<'a> {
    let mut path =
        vec!["projects", place.project.as_str(), "environments", place.environment.as_str(), "shared"];
    path.extend(verb);
    Ask::at(&path)
}

async fn list(client: &Client, args: &SharedList) -> anyhow::Result<Ending> {
    let Sharing { place, servers } = &args.sharing;
    let ask = at(place, None).maybe("servers", servers.as_ref()).slowly();
    let answer = client.get_text(&ask).await?;
    let servers: Vec<SharedServer> = client.decode(&answer)?;
    if args.listing.json {
        say(&answer)?;
    } else {
        let head = ["SERVER", "NAME", "", "MODE", "SIZE", "CHANGED", "SHA-256"];
        let rows = servers.iter().flat_map(rows).collect();
        table::show(&head, rows, "nothing is shared: name it in linked_files or linked_dirs")?;
        for server in &servers {
            if let Some(error) = &server.error {
                note(&format!("{}: {}", server.server, one_line(&error.message)));
            }
        }
    }
    let all_answered = servers.iter().all(|server| server.error.is_none());
    Ok(if all_answered { Ending::Done } else { Ending::ServerFailed })
}

fn rows(server: &SharedServer) -> impl Iterator<Item = Vec<String>> {
    server.things.iter().map(|thing| row(server, thing))
}

fn row(server: &SharedServer, thing: &SharedRow) -> Vec<String> {
    let zone = TimeZone::system();
    vec![
        server.server.to_string(),
        one_line(&thing.name),
        thing.kind.word().to_owned(),
        thing.mode.as_deref().map(one_line).unwrap_or_default(),
        thing.size.map(words::size).unwrap_or_default(),
        thing.modified_at.map(|at| words::date(at, &zone)).unwrap_or_default(),
        thing.sha256.as_deref().unwrap_or_default().chars().take(12).collect(),
    ]
}
