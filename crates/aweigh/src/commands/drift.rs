//! `drift`: what servers really run, beside what they should. Exit code 1 when one of them differs.

use api::{DriftReport, DriftRow, DriftState};

use crate::cli::DriftArgs;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::clean::one_line;
use crate::render::{note, say, table};

pub(super) async fn run(client: &Client, args: &DriftArgs) -> anyhow::Result<Ending> {
    let (project, environment) = (args.place.project.as_str(), args.place.environment.as_str());
    let ask = Ask::at(&["projects", project, "environments", environment, "drift"]).slowly();
    let answer = client.get_text(&ask).await?;
    let report: DriftReport = client.decode(&answer)?;
    if args.listing.json {
        say(&answer)?;
    } else {
        let head = ["SERVER", "STATE", "RELEASE", "COMMIT", "CURRENT"];
        table::show(&head, report.servers.iter().map(row).collect(), "no servers")?;
        if report.servers.iter().any(|row| matches!(row.state, DriftState::Behind | DriftState::Foreign)) {
            note(&format!("bring them up to date: aweigh catch-up {project} -e {environment}"));
        }
    }
    let is_same = report.servers.iter().all(|row| row.state == DriftState::Same);
    Ok(if is_same { Ending::Done } else { Ending::ServerFailed })
}

fn row(row: &DriftRow) -> Vec<String> {
    let what = row.current.as_deref().or(row.reason.as_deref()).unwrap_or_default();
    vec![
        row.server.clone(),
        row.state.word().to_owned(),
        row.release.map(|id| id.to_string()).unwrap_or_default(),
        row.revision.as_deref().unwrap_or_default().chars().take(7).collect(),
        one_line(what),
    ]
}
