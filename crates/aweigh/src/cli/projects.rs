//! The words for projects and what is kept of them.

use std::path::PathBuf;

use clap::Subcommand;
use model::Name;

use super::Listing;

/// The verbs of `projects`.
#[derive(Debug, Subcommand)]
pub enum Projects {
    /// List projects
    List(Listing),
    /// Show a project and its environments
    Show {
        /// Its name
        name: Name,
        /// How it is printed.
        #[command(flatten)]
        listing: Listing,
    },
    /// Remove a project; nothing is changed on its servers
    Remove {
        /// Its name
        name: Name,
    },
    /// Pin the SSH host key that the host of a project's repository presents
    #[command(long_about = "Pin the SSH host key that the host of a project's repository presents\n\n\
Shows the fingerprints and asks; a script says which one it expects with --fingerprint. Compare them with what the owner \
of the host publishes. The key counts for every project with a repository on that host.")]
    Trust {
        /// Its name
        name: Name,
        /// Pin the key with this fingerprint, without asking
        #[arg(long, value_name = "SHA256:…")]
        fingerprint: Option<String>,
    },
}

/// The verbs of `artifacts`.
#[derive(Debug, Subcommand)]
pub enum Artifacts {
    /// List them, the newest first
    List {
        /// Of this project
        project: Name,
        /// How it is printed.
        #[command(flatten)]
        listing: Listing,
    },
    /// Keep a tree that was built elsewhere, such as by a CI job; `release --artifact` brings it
    Push {
        /// Of this project
        project: Name,
        /// A tar file, as it is or compressed by gzip or zstd; - for standard input
        file: PathBuf,
        /// The branch, tag or commit it was built from
        #[arg(long = "ref", value_name = "REF")]
        git_ref: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
