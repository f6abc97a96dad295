//! `completions`: what a shell needs to complete our words.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Ending;
use crate::render::print;

pub(super) fn run(shell: Shell) -> anyhow::Result<Ending> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "aweigh", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Ending::Done)
}
