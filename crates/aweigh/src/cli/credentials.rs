//! The words for credentials, and for the key that seals them.

use std::path::PathBuf;

use api::CredentialKind;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use model::Name;

use super::Listing;

/// The verbs of `credentials`.
#[derive(Debug, Subcommand)]
pub enum Credentials {
    /// List credentials; secrets are never shown
    List(Listing),
    /// Store a credential, sealed
    Add(CredentialAdd),
    /// Make a key pair, and print the line for authorized_keys
    #[command(after_help = "The private half is made in the server, and never leaves it.")]
    Generate {
        /// Its name
        name: Name,
        /// What it is for: ssh-key or git-key
        #[arg(long, value_name = "KIND", default_value = "ssh-key", value_parser = kinds())]
        kind: CredentialKind,
    },
    /// Type a stored password again, for servers whose host, port or user changed
    #[command(long_about = "Type a stored password again, for servers whose host, port or user changed\n\n\
One that differs from the stored one takes its place; the answer says which of the two it was.")]
    Retype {
        /// Its name
        name: Name,
        /// Where it is read from.
        #[command(flatten)]
        secret: Secret,
    },
    /// Show a credential and the public half of its key
    Show {
        /// Its name
        name: Name,
        /// How it is printed.
        #[command(flatten)]
        listing: Listing,
    },
    /// Replace an SSH key on every server that is logged in to with it
    #[command(long_about = "Replace an SSH key on every server that is logged in to with it\n\n\
A new key is made, added to authorized_keys beside the old one with the same options, and tried; when that is so on every \
server it is used, and the old one is taken away. Where a server fails, both stay valid: run it again.")]
    Rotate {
        /// Its name
        name: Name,
        /// How it is printed.
        #[command(flatten)]
        listing: Listing,
    },
    /// Remove a credential
    Remove {
        /// Its name
        name: Name,
    },
}

/// The words of `credentials add`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  aweigh credentials add deploy --kind ssh-key --file ~/.ssh/id_ed25519\n  \
aweigh credentials add shop-git --kind git-token --env GIT_TOKEN --username ci\n  \
pass show web | aweigh credentials add web --kind ssh-password"
)]
pub struct CredentialAdd {
    /// Its name
    pub name: Name,
    /// What it is
    #[arg(long, value_parser = kinds())]
    pub kind: CredentialKind,
    /// Where its secret is.
    #[command(flatten)]
    pub secret: Secret,
    /// Take the key's passphrase from this environment variable
    #[arg(long, value_name = "VARIABLE")]
    pub passphrase_env: Option<String>,
    /// Store the OpenSSH certificate in FILE with the SSH key
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// The user name that goes with a git token
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
}

/// Where a secret is: in a file, in the environment, else on standard input. Never on the command line, where
/// every user of the machine can read it.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Secret {
    /// Read the secret from FILE
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Take the secret from this environment variable
    #[arg(long, value_name = "VARIABLE")]
    pub env: Option<String>,
}

/// The kinds by their words, so that a mistake gets them listed.
fn kinds() -> impl TypedValueParser<Value = CredentialKind> {
    PossibleValuesParser::new(KINDS.map(CredentialKind::word))
        .try_map(|word| KINDS.into_iter().find(|kind| kind.word() == word).ok_or("not a kind of credential"))
}

const KINDS: [CredentialKind; 5] = [
    CredentialKind::SshKey,
    CredentialKind::SshPassword,
    CredentialKind::SshAgent,
    CredentialKind::GitKey,
    CredentialKind::GitToken,
];

/// The verbs of `master-key`.
#[derive(Debug, Subcommand)]
pub enum MasterKey {
    /// Show which master key is in use, and what is still sealed with the one before
    Show(Listing),
    /// Put a new master key in the place of the one in the data folder
    #[command(
        after_help = "It is in use at once; secrets are sealed anew in the background, and then the old key is gone. \
Keep a copy of the new master.key: backups of the database from now on need it, and those of before need the old one."
    )]
    Rotate(Listing),
}
