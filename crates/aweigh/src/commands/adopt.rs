//! `adopt`: what another tool brought to the servers of an environment becomes releases of Aweigh.

use api::{AdoptRelease, AdoptReport, AdoptRequest, AdoptServer};
use jiff::tz::TimeZone;

use crate::cli::AdoptArgs;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::clean::one_line;
use crate::render::words::date;
use crate::render::{note, say, table};

pub(super) async fn run(client: &Client, args: &AdoptArgs) -> anyhow::Result<Ending> {
    let (project, environment) = (args.place.project.as_str(), args.place.environment.as_str());
    let path = ["projects", project, "environments", environment, "adopt"];
    let ask = Ask::at(&path).maybe("plan", args.plan.then_some(1)).slowly();
    let request = AdoptRequest {
        servers: args.servers.as_ref().map(|servers| servers.as_str().to_owned()),
        link: args.link.as_ref().map(|link| link.as_str().to_owned()),
    };
    let answer = client.post(&ask, &request).await?;
    let report: AdoptReport = client.decode(&answer)?;
    if args.listing.json {
        say(&answer)?;
    } else {
        show(&report, args)?;
    }
    Ok(if report.refusal.is_some() { Ending::Refused } else { Ending::Done })
}

fn show(report: &AdoptReport, args: &AdoptArgs) -> anyhow::Result<()> {
    let (project, environment) = (&args.place.project, &args.place.environment);
    let head = ["SERVER", "MADE BY", "FOLDERS", "RUNS", "COMMIT", "LINK"];
    table::show(&head, report.servers.iter().map(server).collect(), "no servers")?;
    let zone = TimeZone::system();
    if !report.releases.is_empty() {
        say("")?;
        let head = ["RELEASE", "FOLDER", "COMMIT", "MADE", "ELSEWHERE"];
        table::show(&head, report.releases.iter().map(|one| release(one, &zone)).collect(), "")?;
    }
    for sealed in &report.sealed {
        let folder = one_line(&sealed.folder);
        note(&format!("{}: {folder} was adopted before; here it gets its seal", sealed.server));
    }
    for left in &report.left_out {
        note(&format!("left out: {} on {}: {}", one_line(&left.folder), left.server, one_line(&left.reason)));
    }
    for behind in &report.behind {
        note(&format!(
            "{behind} runs another release than the others; see it with `aweigh drift {project} -e {environment}`, make \
             it alike with `aweigh catch-up {project} -e {environment}`"
        ));
    }
    if let Some(refusal) = &report.refusal {
        note(&format!("nothing would be adopted: {}", one_line(refusal)));
        if let Some(hint) = &report.hint {
            note(&one_line(hint));
        }
    } else if report.releases.is_empty() {
        note("nothing to adopt: every release there is known, or left out");
    } else if args.plan {
        note(&format!("nothing was changed; adopt them: aweigh adopt {project} -e {environment}"));
    } else {
        note(&format!(
            "adopted {}; go back to one of them: aweigh rollback {project} -e {environment}",
            report.releases.len()
        ));
    }
    Ok(())
}

fn server(server: &AdoptServer) -> Vec<String> {
    let runs = server.runs.as_deref().unwrap_or_default();
    let commit = server.folders.iter().find(|one| one.folder == runs).and_then(|one| one.commit.as_deref());
    let link = server.link.as_deref().or(server.reason.as_deref()).unwrap_or_default();
    vec![
        server.server.clone(),
        server.tool.clone().unwrap_or_default(),
        if server.reason.is_some() { String::new() } else { server.folders.len().to_string() },
        runs.to_owned(),
        if runs.is_empty() { String::new() } else { short(commit) },
        one_line(link),
    ]
}

fn release(one: &AdoptRelease, zone: &TimeZone) -> Vec<String> {
    let live = if one.live { " (live)" } else { "" };
    let elsewhere: Vec<String> =
        one.elsewhere.iter().map(|place| format!("{}: {}", place.server, place.folder)).collect();
    vec![
        one.id.map(|id| id.to_string()).unwrap_or_default(),
        format!("{}{live}", one.folder),
        short(one.commit.as_deref()),
        date(one.made_at, zone),
        elsewhere.join(", "),
    ]
}

/// The first digits of a commit.
fn short(commit: Option<&str>) -> String {
    commit.map_or_else(|| "unknown".to_owned(), |commit| commit.chars().take(7).collect())
}
