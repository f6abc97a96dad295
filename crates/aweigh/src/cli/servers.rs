//! The words for servers and their groups.

use std::path::PathBuf;

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

/// The words of `servers import`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "What the file does not say about a server that is there already stays as it is (its port and its \
pinned key while the host is the same), and nothing is removed. A line that makes no sense is told by its number, and then nothing is taken.\n\nExamples:\n  \
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
