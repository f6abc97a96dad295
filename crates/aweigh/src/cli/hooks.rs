//! The words of `hooks`: templates that the hooks of every project can pick.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::{Name, Picked, Rerun};

use super::{Listing, Place};

/// The verbs of `hooks`.
#[derive(Debug, Subcommand)]
pub enum Hooks {
    /// List hook templates, and how many hooks pick each
    List(Listing),
    /// Show what a hook template says, and which hooks pick it
    Show {
        /// Its name; NAME@3 for an earlier version
        #[arg(value_name = "NAME[@VERSION]")]
        picked: Picked,
        /// How it is printed.
        #[command(flatten)]
        listing: Listing,
    },
    /// List the versions of a hook template, the newest first
    Versions {
        /// Its name
        name: Name,
        /// How it is printed.
        #[command(flatten)]
        listing: Listing,
    },
    /// Make a hook template, or its next version: what is not said stays as it is
    Set(HookSet),
    /// Remove a hook template that no hook picks
    Remove {
        /// Its name
        name: Name,
    },
    /// Run a hook template on one server, in what is live there
    #[command(long_about = "Run a hook template on one server, in what is live there\n\n\
It runs for real, in the folder of the live release, with the variables of a hook and AWEIGH_ACTION=try; it is no \
release: no lock is held, and nothing is recorded. At most five minutes. Exit code 1 when it fails. With --check \
the shell of the server only reads it.")]
    Try(HookTry),
}

/// The words of `hooks set`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  aweigh hooks set reload-php --run 'sudo -n systemctl reload php8.3-fpm'\n  \
aweigh hooks set drain --file drain.sh --timeout 2m --about 'Takes a server out of the balancer'\n\n\
A hook picks it by { template = \"drain\" }, or always the third version by { template = \"drain@3\" }."
)]
pub struct HookSet {
    /// Its name
    pub name: Name,
    /// The command; when nothing at all is said it is read from standard input
    #[arg(long, value_name = "COMMAND", conflicts_with = "file")]
    pub run: Option<String>,
    /// Read the command from FILE
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What it is for, in a line
    #[arg(long, value_name = "TEXT")]
    pub about: Option<String>,
    /// The longest it may run, such as 10m
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// The longest it may be silent
    #[arg(long, value_name = "TIME")]
    pub idle_timeout: Option<String>,
    /// Its failure is a warning only
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    pub allow_failure: Option<bool>,
    /// Whether it may be run again when nobody knows how it ended
    #[arg(long, value_name = "never|safe", value_parser = rerun)]
    pub rerun: Option<Rerun>,
}

impl HookSet {
    /// Whether only the name is said.
    pub fn is_bare(&self) -> bool {
        let times = self.timeout.is_none() && self.idle_timeout.is_none();
        let command = self.run.is_none() && self.file.is_none();
        times && command && self.about.is_none() && self.allow_failure.is_none() && self.rerun.is_none()
    }
}

fn rerun(text: &str) -> Result<Rerun, &'static str> {
    match text {
        "never" => Ok(Rerun::Never),
        "safe" => Ok(Rerun::Safe),
        _ => Err("write never or safe"),
    }
}

/// The words of `hooks try`.
#[derive(Debug, Args)]
pub struct HookTry {
    /// Its name; NAME@3 for an earlier version
    #[arg(value_name = "NAME[@VERSION]")]
    pub picked: Picked,
    /// In the live release of which environment
    #[command(flatten)]
    pub place: Place,
    /// On this server
    #[arg(long, value_name = "SERVER")]
    pub on: Name,
    /// Only have the shell of the server read it
    #[arg(long)]
    pub check: bool,
    /// Print the answer of the API as it is
    #[arg(long)]
    pub json: bool,
}
