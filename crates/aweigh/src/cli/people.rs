//! The words for people: users, their tokens, and what they did.

use clap::{Args, Subcommand};
use model::Name;

use super::Listing;

/// The verbs of `users`.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// List users
    List(Listing),
    /// Make a user, and print the link that sets their password
    Add {
        /// The name
        name: Name,
    },
    /// Remove a user with their sessions and tokens
    Remove {
        /// The name
        name: Name,
    },
    /// Print a new link that sets a user's password, for example when it was forgotten
    Link {
        /// The name
        name: Name,
    },
}

/// The verbs of `tokens`.
#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// List your API tokens
    List(Listing),
    /// Make an API token and print it, the only time
    Add {
        /// What you call it
        name: String,
    },
    /// Take an API token back; whoever uses it is out at once
    Remove {
        /// Its id
        id: String,
    },
}

/// The words of `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Only what this person did
    #[arg(long, value_name = "USER")]
    pub who: Option<String>,
    /// Only what was done to this thing: server:web-1, environment:shop/production, release:42
    #[arg(long, value_name = "KIND:NAME")]
    pub about: Option<String>,
    /// Only what has a smaller number
    #[arg(long, value_name = "NUMBER")]
    pub before: Option<u64>,
    /// At most this many
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = super::limit(actions::audit::MOST_DEEDS))]
    pub limit: u32,
    /// How it is printed.
    #[command(flatten)]
    pub listing: Listing,
}
