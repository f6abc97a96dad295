//! `check`: looks for mistakes in a fleet file without a server, and tells all of them.

use crate::cli::CheckArgs;
use crate::exit::Ending;
use crate::fleet_file::FleetFile;
use crate::places::Env;
use crate::render::say;

pub(super) fn run(args: &CheckArgs, env: Env<'_>) -> anyhow::Result<Ending> {
    let file = FleetFile::read(&args.file, env)?;
    let mut errors = file.fleet.check(None).err().unwrap_or_default();
    errors.extend(file.absent.iter().map(|(_, error)| error.clone()));
    if !errors.is_empty() {
        return Err(file.error(&errors).into());
    }
    say("ok")?;
    Ok(Ending::Done)
}
