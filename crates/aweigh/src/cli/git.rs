//! The words for the repository of a project.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use git::ArchiveFormat;
use model::Name;

use super::Listing;

/// The words of `git`.
#[derive(Debug, Args)]
pub struct Git {
    /// The project
    pub project: Name,
    /// What to look at.
    #[command(subcommand)]
    pub verb: GitVerb,
}

/// The verbs of `git`.
#[derive(Debug, Subcommand)]
pub enum GitVerb {
    /// Bring the mirror of the repository up to date
    Fetch,
    /// List branches, the newest first
    Branches(RefListing),
    /// List tags, the newest first
    Tags(RefListing),
    /// List commits, the newest first
    Commits {
        /// Of this branch, tag or commit, instead of the default branch; FROM..TO for those that TO has and FROM has not
        #[arg(value_name = "REF|FROM..TO")]
        of: Option<String>,
        /// How much and how.
        #[command(flatten)]
        listing: RefListing,
    },
    /// Show what differs between two branches, tags or commits
    Diff(GitDiff),
    /// Bring a folder of this machine to a branch, tag or commit
    #[command(long_about = "Bring a folder of this machine to a branch, tag or commit\n\n\
The first time the folder is new or empty. After that it is switched: what an earlier checkout brought is replaced or \
removed, also where you changed it, and files of your own stay; one that is in the way is named, and nothing is changed. \
There is no .git in it; .aweigh-checkout remembers what was brought.")]
    Checkout {
        /// The branch, tag or commit
        #[arg(value_name = "REF")]
        git_ref: String,
        /// The folder
        into: PathBuf,
    },
    /// Write the tree of a branch, tag or commit as one file
    Archive(GitArchive),
}

/// How a list of refs is printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct RefListing {
    /// At most this many
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = super::limit(actions::git::MOST_REFS))]
    pub limit: u32,
    /// How it is printed.
    #[command(flatten)]
    pub listing: Listing,
}

/// The words of `git diff`.
#[derive(Debug, Args)]
pub struct GitDiff {
    /// The branch, tag or commit before
    pub from: String,
    /// The branch, tag or commit after
    pub to: String,
    /// List the files with counts of lines; this is what happens when nothing is said
    #[arg(long, conflicts_with = "patch")]
    pub stat: bool,
    /// Print the patch, at most 1 MiB of it
    #[arg(long)]
    pub patch: bool,
    /// List at most this many files
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = super::limit(actions::git::MOST_FILES))]
    pub limit: u32,
    /// How it is printed.
    #[command(flatten)]
    pub listing: Listing,
}

/// The words of `git archive`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  aweigh git shop archive v1.2 -o shop-1.2.tar.zst --prefix shop-1.2\n  \
aweigh git shop archive main --format tar | tar -x -C /tmp/shop"
)]
pub struct GitArchive {
    /// The branch, tag or commit
    #[arg(value_name = "REF")]
    pub git_ref: String,
    /// Write to FILE, which appears when it is whole; standard output when nothing is said
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// tar, tar.gz, tar.zst or zip; else as the name of FILE ends, else tar.gz
    #[arg(long, value_parser = formats(), hide_possible_values = true)]
    pub format: Option<ArchiveFormat>,
    /// Put these folders in front of every path
    #[arg(long, value_name = "FOLDER")]
    pub prefix: Option<String>,
}

/// The formats by their words, so that a mistake gets them listed.
fn formats() -> impl TypedValueParser<Value = ArchiveFormat> {
    PossibleValuesParser::new(ArchiveFormat::ALL.map(ArchiveFormat::name))
        .try_map(|word| word.parse::<ArchiveFormat>().map_err(|error| error.to_string()))
}
