//! `doctor`: how the machine of Aweigh is. Asks the server; where none runs on this machine, looks itself.

use actions::Doctor as _;
use api::{DoctorFinding, DoctorReport, DoctorState};

use crate::cli::{DoctorArgs, ServeArgs};
use crate::client::{Ask, At, Client, Error, Place};
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
        // Elsewhere there is nobody who could look.
        Err(error) if !is_here || !matches!(error, Error::Unreachable { .. }) => return Err(error.into()),
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
