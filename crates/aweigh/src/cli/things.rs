//! The words for what is registered: servers, credentials, projects.

use std::path::PathBuf;

use api::CredentialKind;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use model::{Name, Pattern, Selector};

use super::Listing;
use crate::import::From;

/// The verbs of `servers`.
#[derive(Debug, Subcommand)]
pub enum Servers {
    /// List servers
    List {
        /// Only these, such as env=production&role=web
        selector: Option<Selector>,
        /// How it is printed.
        #[command(flatten)]
        listing: Listing,
    },
    /// Register a server
    Add(ServerAdd),
    /// Forget a server; nothing is changed on it
    Remove {
        /// Its name
        name: Name,
    },
    /// Ask servers whether releases can run there
    #[command(long_about = "Ask servers whether releases can run there\n\n\
Connects and logs in as a release does, looks at the folders of all environments that use the server, at its tools, \
its disk and its clock, and at what stored hooks expect of the user. Nothing is changed there. What is found is shown \
when it is found; of several servers only what is worth a look.")]
    Check {
        /// Which, such as web-1 or env=production; all of them when none is given
        #[arg(value_name = "SELECTOR")]
        selectors: Vec<Selector>,
        /// How it is printed.
        #[command(flatten)]
        listing: Listing,
    },
    /// Ask servers what they are and what is on them
    Facts {
        /// Which, such as web-1 or env=production; all of them when none is given
        #[arg(value_name = "SELECTOR")]
        selectors: Vec<Selector>,
        /// How it is printed.
        #[command(flatten)]
        listing: Listing,
    },
    /// Take servers, or their host keys, from a file of another tool
    Import(ServerImport),
    /// Pin the host keys that a server presents
    #[command(long_about = "Pin the host keys that a server presents\n\n\
Shows the fingerprints and asks; a script says which one it expects with --fingerprint. Compare them with \
`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the server itself.")]
    Trust {
        /// Its name
        name: Name,
        /// Pin the key with this fingerprint, without asking
        #[arg(long, value_name = "SHA256:…")]
        fingerprint: Option<String>,
    },
}

/// The words of `servers import`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "What the file does not say about a server that is there already stays as it is, and nothing is \
removed. A line that makes no sense is told by its number, and then nothing is taken.\n\nExamples:\n  \
aweigh servers import --from ssh-config --user deploy --credential deploy --plan\n  \
aweigh servers import --from known_hosts            pin what ~/.ssh/known_hosts knows of servers without a pin\n  \
aweigh servers import --from csv servers.csv --credential deploy --label env=production\n  \
aweigh servers import --from ansible hosts.ini --credential deploy"
)]
pub struct ServerImport {
    /// What the file is
    #[arg(long, value_name = "KIND", value_parser = sources())]
    pub from: From,
    /// The file; - for standard input. ~/.ssh/config and ~/.ssh/known_hosts need not be named
    pub file: Option<PathBuf>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub plan: bool,
    /// The user to log in as, where neither the file nor the server says one
    #[arg(long)]
    pub user: Option<String>,
    /// The credential to log in with, where neither the file nor the server says one
    #[arg(long, value_name = "NAME")]
    pub credential: Option<Name>,
    /// A label for all of them; may be said again
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
}

/// The kinds of files by their words, so that a mistake gets them listed.
fn sources() -> impl TypedValueParser<Value = From> {
    PossibleValuesParser::new(From::ALL.map(From::word))
        .try_map(|word| From::ALL.into_iter().find(|from| from.word() == word).ok_or("not a kind of file"))
}

/// The verbs of `groups`.
#[derive(Debug, Subcommand)]
pub enum Groups {
    /// List groups, and the servers that are in them now
    List(Listing),
    /// Make a group or replace it; selectors mean it as @NAME
    #[command(after_long_help = "Example:\n  aweigh groups set web 'env=production&role=web'\n  \
aweigh servers check @web")]
    Set {
        /// Its name
        name: Name,
        /// Who is in it, such as env=production&role=web; it may name other groups
        selector: Selector,
    },
    /// Remove a group that no selector names
    Remove {
        /// Its name
        name: Name,
    },
}

/// The words of `servers add`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  aweigh servers add web-1 --host 10.0.0.11 --user deploy --credential deploy \
--label env=production --label role=web\n  \
aweigh servers add 'web-[01:40]' --host '10.0.0.[11:50]' --user deploy --credential deploy"
)]
pub struct ServerAdd {
    /// Its name, or several with a range, such as web-[01:40]
    #[arg(value_parser = names)]
    pub name: String,
    /// Its host name or address, or `local` for the machine Aweigh runs on; for several a range such as
    /// 10.0.0.[11:50], or {name}.example.com
    #[arg(long)]
    pub host: String,
    /// Its SSH port
    #[arg(long)]
    pub port: Option<u16>,
    /// The user to log in as
    #[arg(long)]
    pub user: Option<String>,
    /// The credential to log in with
    #[arg(long, value_name = "NAME")]
    pub credential: Option<Name>,
    /// The server to go through, which must be registered
    #[arg(long, value_name = "NAME")]
    pub jump: Option<Name>,
    /// A host key to pin, such as "ssh-ed25519 AAAA…"; may be said again
    #[arg(long, value_name = "KEY")]
    pub host_key: Vec<String>,
    /// Also agree to algorithms that are not safe any more (SHA-1, CBC); for servers that know nothing better
    #[arg(long)]
    pub legacy_algorithms: bool,
    /// A label to choose it by; may be said again
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
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

/// A name, or a range of names.
fn names(text: &str) -> Result<String, String> {
    if Pattern::is_meant(text) {
        text.parse::<Pattern>().map_err(|error| error.to_string())?;
    } else {
        text.parse::<Name>().map_err(|error| error.to_string())?;
    }
    Ok(text.to_owned())
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a label is KEY=VALUE, such as role=web".to_owned()),
    }
}

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
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub limit: u32,
    /// How it is printed.
    #[command(flatten)]
    pub listing: Listing,
}
