//! The file of variables and secrets: `.env`, or however it is called, written into the staged release before its hooks
//! run. It belongs to that release: whoever goes back to it finds it as it was.
//!
//! Probe: writing it again replaces what was written before. Undo: it goes with the folder of the release.

use std::collections::BTreeMap;

use model::ExposeSecret;

use crate::dotenv;
use crate::error::{Failure, Halt};
use crate::given::heard;
use crate::lane::{Lane, unsendable};
use crate::remote::{Command, status};
use crate::run::{Begun, Open};

/// Writes the file on the lane's server, where the environment has one.
pub async fn env_file(lane: &mut Lane) -> Result<(), Halt> {
    let run = lane.run.clone();
    let Some(path) = &run.plan.environment.env_file else { return Ok(()) };
    let Begun::Act(open) = run.begin(&lane.key("env_file")).await? else { return Ok(()) };
    match write(lane, path.as_str(), &open).await {
        Ok(Written::New) => open.ok(None).await,
        Ok(Written::Kept) => {
            let why = format!("{} comes back with the file that it had", lane.folder());
            open.skip(&why, None).await
        }
        Err(Halt::Failed(failure)) => Err(open.fail(failure).await),
        Err(other) => Err(other),
    }
}

enum Written {
    New,
    /// The folder was good with what it has.
    Kept,
}

async fn write(lane: &mut Lane, path: &str, open: &Open<'_>) -> Result<Written, Halt> {
    let run = lane.run.clone();
    let variables = heard(&run.plan, Some(&lane.server));
    let secrets = run.secrets.heard(Some(lane.name()));
    let mut all: BTreeMap<_, &str> = variables.iter().map(|(name, value)| (name, value.as_str())).collect();
    all.extend(secrets.iter().map(|(name, value)| (*name, value.expose_secret())));
    let command = || {
        let command =
            Command::new("env_file").value("folder", lane.folder().as_str())?.value("path", path)?;
        Ok(command.text(&dotenv::text(&all)))
    };
    let command = command().map_err(unsendable)?;
    let answer = lane.ask(&command).await?;
    match answer.status {
        status::DONE if answer.get("kept").is_some() => Ok(Written::Kept),
        status::DONE => {
            let names: Vec<&str> = all.keys().map(|name| name.as_str()).collect();
            let mut log = open.log();
            log.line(&format!(
                "{path}: {}",
                if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
            ));
            log.end().await?;
            Ok(Written::New)
        }
        status::EXISTS => Err(Failure::new(format!("{path} is in the tree of this release already"))
            .hint("take it out of the repository or of the linked files, or give env_file another name")
            .into()),
        _ => Err(lane.refused(&answer, "write the file of variables").into()),
    }
}
