//! The words of work on many servers, beside releases.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use model::{Name, RemotePath, Selector};

/// The words of `run`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  aweigh run all -- uptime\n  \
aweigh run role=web --in shop/production -- php artisan about\n  \
aweigh run role=db --stdin check.sql -- psql shop\n  \
aweigh run all --group -- cat /etc/os-release     each answer once, with the servers that gave it\n\n\
What stands behind -- is joined by spaces and run by the login shell of each server, as `ssh SERVER COMMAND` does: put in \
quotes what your own shell is not to read. Ctrl-C ends it everywhere. Exit code 1 when a server failed.")]
pub struct RunArgs {
    /// The servers: all, a name, web-[01:40], @GROUP, label=value or label!=value, joined by & (and) or , (or)
    #[arg(value_name = "SELECTOR")]
    pub servers: Selector,
    /// Run in the live release of an environment, on its servers only
    #[arg(long = "in", value_name = "PROJECT/ENV")]
    pub place: Option<InPlace>,
    /// Give FILE to the command on each server; - for standard input
    #[arg(long, value_name = "FILE")]
    pub stdin: Option<PathBuf>,
    /// On so many servers at once [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
    /// End the command on a server after T, such as 30s [default: 1h]
    #[arg(long, value_name = "T", value_parser = super::duration)]
    pub timeout: Option<Duration>,
    /// Print nothing until the end, then each answer once
    #[arg(short = 'g', long, conflicts_with = "json")]
    pub group: bool,
    /// Print one object for each server, when it has ended
    #[arg(long)]
    pub json: bool,
    /// What to run
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// The words of `put`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  aweigh put all app.conf /etc/app/app.conf\n  \
aweigh put role=web dist /srv/www/dist --replace\n\n\
TO is the name of the result itself, not of a folder to put it into; a relative one begins at the home folder, and none holds `..`. It gets its \
name only when it is whole and its SHA-256 is right. The same call again goes on where a file was cut off. \
Exit code 1 when a server failed; the others have it.")]
pub struct PutArgs {
    /// The servers: all, a name, web-[01:40], @GROUP, label=value or label!=value, joined by & (and) or , (or)
    #[arg(value_name = "SELECTOR")]
    pub servers: Selector,
    /// The file or folder here
    #[arg(value_name = "FROM")]
    pub from: PathBuf,
    /// Its name there
    #[arg(value_name = "TO")]
    pub to: RemotePath,
    /// Let a folder take the place of what is there; a file always does
    #[arg(long)]
    pub replace: bool,
    /// How it is done and told.
    #[command(flatten)]
    pub moving: MovingArgs,
}

/// The words of `get`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  aweigh get web-1 /etc/nginx/nginx.conf nginx.conf\n  \
aweigh get role=web /var/log/nginx logs      logs/web-1/nginx/…, logs/web-2/nginx/…\n\n\
From one server TO is the name of the result itself. From several it is a folder with one folder for each server. \
Exit code 1 when a server failed; what came from the others is there.")]
pub struct GetArgs {
    /// The servers: all, a name, web-[01:40], @GROUP, label=value or label!=value, joined by & (and) or , (or)
    #[arg(value_name = "SELECTOR")]
    pub servers: Selector,
    /// The file or folder there
    #[arg(value_name = "FROM")]
    pub from: RemotePath,
    /// Its name here
    #[arg(value_name = "TO")]
    pub to: PathBuf,
    /// Let it take the place of what is here
    #[arg(long)]
    pub replace: bool,
    /// How it is done and told.
    #[command(flatten)]
    pub moving: MovingArgs,
}

/// What `put` and `get` have in common.
#[derive(Debug, Clone, Copy, Args)]
pub struct MovingArgs {
    /// So many servers at once [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
    /// Print one object for each server, when it has ended
    #[arg(long)]
    pub json: bool,
}

/// An environment, in one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPlace {
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
}

impl FromStr for InPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is not an environment: write it like shop/production");
        let (project, environment) = text.split_once('/').ok_or_else(bad)?;
        let name = |name: &str| name.parse::<Name>().map_err(|_| bad());
        Ok(Self { project: name(project)?, environment: name(environment)? })
    }
}

impl fmt::Display for InPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.project, self.environment)
    }
}
