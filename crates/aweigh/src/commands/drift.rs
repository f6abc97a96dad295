//! `drift`: what servers really run, beside what they should. Exit code 1 when one of them differs and nobody
//! accepted that, or cannot be asked.

use api::{DriftReport, DriftRow, DriftState, ServersRequest};
use model::Selector;

use crate::cli::DriftArgs;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::clean::one_line;
use crate::render::{note, say, table};

pub(super) async fn run(client: &Client, args: &DriftArgs) -> anyhow::Result<Ending> {
    let (project, environment) = (args.place.project.as_str(), args.place.environment.as_str());
    let mut path = vec!["projects", project, "environments", environment, "drift"];
    let answer = if args.accept {
        path.push("accept");
        let servers = args.servers.as_ref().map(|servers: &Selector| servers.as_str().to_owned());
        client.post(&Ask::at(&path), &ServersRequest { servers }).await?
    } else {
        client.get_text(&Ask::at(&path).slowly()).await?
    };
    let report: DriftReport = client.decode(&answer)?;
    if args.listing.json {
        say(&answer)?;
    } else {
        let head = ["SERVER", "STATE", "RELEASE", "COMMIT", "CURRENT"];
        table::show(&head, report.servers.iter().map(row).collect(), "no servers")?;
        if report.servers.iter().any(DriftRow::is_open) {
            note(&format!(
                "bring them up to date: aweigh catch-up {project} -e {environment}; or say that it is right so: \
                 aweigh drift {project} -e {environment} --accept"
            ));
        }
    }
    let is_fine = |row: &DriftRow| !row.is_open() && row.state != DriftState::Unknown;
    Ok(if report.servers.iter().all(is_fine) { Ending::Done } else { Ending::ServerFailed })
}

fn row(row: &DriftRow) -> Vec<String> {
    let what = row.current.as_deref().or(row.reason.as_deref()).unwrap_or_default();
    let accepted = row.accepted_by.as_ref().map(|by| format!(", accepted by {}", one_line(by)));
    vec![
        row.server.clone(),
        row.state.word().to_owned() + &accepted.unwrap_or_default(),
        row.release.map(|id| id.to_string()).unwrap_or_default(),
        row.revision.as_deref().unwrap_or_default().chars().take(7).collect(),
        one_line(what),
    ]
}
