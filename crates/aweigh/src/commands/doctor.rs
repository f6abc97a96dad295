//! `doctor`: how the machine of Aweigh is. Asks the server; where none runs on this machine, looks itself.

use actions::Doctor as _;
use api::{DoctorFinding, DoctorReport, DoctorState};

use crate::cli::{DoctorArgs, ServeArgs};
use crate::client::{Ask, At, Client, Place};
use crate::config::Settings;
use crate::doctor::Machine;
use crate::exit::Ending;
use crate::places::Env;
use crate::render::{say, table};
use crate::sandbox;

pub(super) async fn run(
    data: Option<&std::path::Path>,
    args: DoctorArgs,
    env: Env<'_>,
) -> anyhow::Result<Ending> {
    let place = Place::find(data, env)?;
    let is_here = matches!(place.at, At::Socket(_));
    let client = Client::new(place)?;
    let (answer, report) = match client.get_text(&Ask::at(&["doctor"])).await {
        Ok(answer) => {
            let report = client.decode(&answer)?;
            (answer, report)
        }
        // Elsewhere there is nobody who could look, and one that runs here has to be asked by whoever may.
        Err(error) if !is_here || !error.is_absent() => return Err(error.into()),
        Err(_) => {
            let settings =
                Settings::load(data, &ServeArgs { config: args.config, ..ServeArgs::default() }, env)?;
            let report = look(settings)?;
            (serde_json::to_string(&report)?, report)
        }
    };
    if args.listing.json {
        say(&answer)?;
    } else {
        show(report.findings.as_slice())?;
    }
    Ok(if report.has_failed() { Ending::ServerFailed } else { Ending::Done })
}

/// What would be found by a server with these settings.
fn look(settings: Settings) -> anyhow::Result<DoctorReport> {
    let sandbox = sandbox::look(&settings.build, &settings.data)?;
    let data = settings.data.display().to_string();
    let mut report = web::doctor_report(Machine::new(settings, sandbox).examine());
    let server = DoctorFinding {
        what: "server".to_owned(),
        state: DoctorState::Failed,
        detail: format!("no server answers for {data}; what follows is what this command sees"),
        hint: Some("start it: aweigh serve".to_owned()),
    };
    report.findings.insert(0, server);
    Ok(report)
}

fn show(findings: &[DoctorFinding]) -> anyhow::Result<()> {
    let row = |finding: &DoctorFinding| {
        let state = match finding.state {
            DoctorState::Ok => "ok",
            DoctorState::Warning => "warning",
            DoctorState::Failed => "failed",
        };
        vec![state.to_owned(), finding.what.clone(), finding.detail.clone()]
    };
    table::show(&["", "WHAT", "FOUND"], findings.iter().map(row).collect(), "nothing was looked at")?;
    let hints = findings.iter().filter_map(|finding| Some((finding, finding.hint.as_ref()?)));
    for (number, (finding, hint)) in hints.enumerate() {
        if number == 0 {
            say("")?;
        }
        say(&crate::render::clean::one_line(&format!("{}: {hint}", finding.what)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Listing;
    use crate::client::Error;

    #[tokio::test]
    async fn of_a_server_that_cannot_be_asked_it_does_not_say_that_none_runs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let args = DoctorArgs { config: None, listing: Listing { json: true } };
        let error = run(Some(&file), args, Env::new(&|_| None)).await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Error::Unreachable { .. })), "{error:#}");
    }
}
