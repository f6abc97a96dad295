//! The words for shells on servers and their recordings.

use clap::{Args, Subcommand};
use model::Name;

use super::Listing;

/// The words of `shell`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Everything that is shown is recorded on the server of Aweigh; what is typed is not.\n\
Enter, then ~. hangs up; ~~ is one ~.\n\nExamples:\n  aweigh shell web-1                    a login shell\n  \
aweigh shell web-1 -- top             one command on a terminal\n  \
aweigh shell web-1 -- tar c /etc >x   without a terminal bytes pass as they are"
)]
pub struct ShellArgs {
    /// The server
    pub server: Name,
    /// What to run there instead of a login shell; its words are joined by spaces, and a shell reads them
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// The words of `recordings`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RecordingsArgs {
    /// What to do with one of them.
    #[command(subcommand)]
    pub verb: Option<RecordingVerb>,
    /// Only of this server
    #[arg(long, value_name = "SERVER")]
    pub server: Option<Name>,
    /// Only what has a smaller number
    #[arg(long, value_name = "NUMBER")]
    pub before: Option<u64>,
    /// At most this many
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = super::limit(actions::MOST_RECORDINGS))]
    pub limit: u32,
    /// How it is printed.
    #[command(flatten)]
    pub listing: Listing,
}

/// The verbs of `recordings`.
#[derive(Debug, Subcommand)]
pub enum RecordingVerb {
    /// Print what a shell showed, as text
    Show {
        /// Its number
        id: u32,
        /// Print the recording as it is, for a player of asciicast
        #[arg(long)]
        cast: bool,
    },
}
