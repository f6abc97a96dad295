//! The words of the command line, as one tree (DESIGN section 7). What each verb does is in `commands/`.

mod adhoc;
mod credentials;
mod git;
mod hooks;
mod people;
mod projects;
mod release;
mod servers;
mod shared;
mod shell;
mod variables;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub use self::git::{Git, GitArchive, GitDiff, GitVerb, RefListing};
pub use adhoc::{GetArgs, InPlace, MovingArgs, PutArgs, RunArgs};
pub use credentials::{CredentialAdd, Credentials, MasterKey, Secret};
pub use hooks::{HookSet, HookTry, Hooks};
pub use people::{AuditArgs, Tokens, Users};
pub use projects::{Artifacts, Projects};
pub use release::{
    AdoptArgs, CatchUpArgs, DriftArgs, Following, LockArgs, LogsArgs, Place, ReleaseArgs, ReleasesArgs,
    RetryArgs, RollbackArgs, SkipArgs, WatchArgs, Which, WhichArgs,
};
pub use servers::{Groups, ServerAdd, ServerImport, Servers};
pub use shared::{Shared, SharedGet, SharedList, SharedPut, Sharing};
pub use shell::{RecordingVerb, RecordingsArgs, ShellArgs};
pub use variables::{Said, SaidListing, Scoped, SecretSet, Secrets, Variables};

/// Release code to your servers, with everyone watching
#[derive(Debug, Parser)]
#[command(name = "aweigh", version, arg_required_else_help = true, max_term_width = 110)]
#[command(
    after_help = "Commands reach the server that AWEIGH_URL and AWEIGH_TOKEN or `aweigh login` name; without \
them the one on this machine, through the socket in its data folder."
)]
pub struct Cli {
    /// Use the data folder DIR, and the server that runs on it [env: AWEIGH_DATA]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Every verb.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Show everything on this machine alone, with throw-away servers, and leave nothing behind
    Demo(DemoArgs),
    /// Keep the address and token of a server for later commands
    Login(LoginArgs),
    /// Bring servers, credentials and projects to what a file says
    Apply(ApplyArgs),
    /// Look for mistakes in a fleet file, without a server
    Check(CheckArgs),
    /// Print everything as a fleet file, without secrets
    Export,
    /// Bring a branch, tag or commit to an environment
    #[command(alias = "deploy")]
    Release(ReleaseArgs),
    /// Bring an earlier release back
    Rollback(RollbackArgs),
    /// Follow a release until it ends
    Watch(WatchArgs),
    /// Print what the steps of a release wrote
    Logs(LogsArgs),
    /// Stop a release and put switched servers back
    Cancel(WhichArgs),
    /// Have a release wait at the next border between steps
    Pause(WhichArgs),
    /// Let a paused or interrupted release go on
    Resume(WhichArgs),
    /// Let a release go on that waits behind a batch
    Promote(WhichArgs),
    /// Try the servers once more that failed in a paused or interrupted release
    Retry(RetryArgs),
    /// Leave servers out of a release that has begun
    Skip(SkipArgs),
    /// Bring the live release to servers that do not run it
    CatchUp(CatchUpArgs),
    /// Ask servers what they run, and compare
    Drift(DriftArgs),
    /// Take over servers that Capistrano, Deployer, walle-web or Spug deployed to
    Adopt(AdoptArgs),
    /// Lock an environment, so that nobody else releases there
    Lock(LockArgs),
    /// Take the lock of an environment away, whoever holds it
    Unlock(Place),
    /// List releases, the newest first
    Releases(ReleasesArgs),
    /// Show what every environment runs
    Status(Listing),
    /// List, add, import, remove, check and trust servers, and ask what they are
    #[command(subcommand)]
    Servers(Servers),
    /// Open a shell on a server, or run one command there
    Shell(ShellArgs),
    /// List the recordings of shells
    Recordings(RecordingsArgs),
    /// List, set and remove groups of servers
    #[command(subcommand)]
    Groups(Groups),
    /// List, add and remove credentials
    #[command(subcommand)]
    Credentials(Credentials),
    /// List, show and remove projects, and trust the hosts of their repositories
    #[command(subcommand)]
    Projects(Projects),
    /// Keep commands that the hooks of every project can pick, and try them
    #[command(subcommand)]
    Hooks(Hooks),
    /// Say what the programs of projects, environments and servers find in their environment
    #[command(subcommand)]
    Variables(Variables),
    /// Store what hooks may read and nobody may see
    #[command(subcommand)]
    Secrets(Secrets),
    /// Show which key seals everything secret, and replace it
    #[command(subcommand)]
    MasterKey(MasterKey),
    /// List the packed trees that are kept of a project
    #[command(subcommand)]
    Artifacts(Artifacts),
    /// Run a command on many servers at once
    Run(RunArgs),
    /// Bring a file or a folder to many servers at once
    Put(PutArgs),
    /// Bring a file or a folder from servers
    Get(GetArgs),
    /// List, put and get the linked files and folders of an environment
    #[command(subcommand)]
    Shared(Shared),
    /// Look into the repository of a project
    Git(Git),
    /// List, add and remove users
    #[command(subcommand)]
    Users(Users),
    /// List, add and remove your API tokens
    #[command(subcommand)]
    Tokens(Tokens),
    /// Show who did what, the latest first
    Audit(AuditArgs),
    /// Look at the machine of Aweigh: what does not work there, or works less safely than it could
    Doctor(DoctorArgs),
    /// Print the completions of a shell
    Completions {
        /// Whose completions
        shell: Shell,
    },
}

/// How a listing is printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct Listing {
    /// Print the answer of the API as it is
    #[arg(long)]
    pub json: bool,
}

/// The words of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Where no server answers, read settings from FILE [env: AWEIGH_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How it is printed.
    #[command(flatten)]
    pub listing: Listing,
}

/// The words of `serve`. What is missing comes from the environment, then from the settings file, then from the
/// defaults: see [`crate::config`].
#[derive(Debug, Default, Args)]
pub struct ServeArgs {
    /// Listen on this address and port [env: AWEIGH_LISTEN] [default: 127.0.0.1:7171]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Remember everything here: SQLite in the data folder is the only database so far [env: AWEIGH_DATABASE]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Read settings from FILE [env: AWEIGH_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The words of `demo`.
#[derive(Debug, Args)]
#[command(
    after_help = "Starts SSH servers inside this process, a sample repository and a database in a throw-away \
folder, makes a first release, and tells where to look. Nothing on this machine or any other is changed."
)]
pub struct DemoArgs {
    /// How many servers
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=50))]
    pub hosts: u8,
    /// Make releases and a rollback, look whether every server runs what it should, and end
    #[arg(long)]
    pub once: bool,
    /// Listen on this address and port [default: 127.0.0.1:7171]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Keep everything in the new folder DIR
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// The words of `login`.
#[derive(Debug, Args)]
#[command(
    after_help = "The token is read from standard input, or asked for on a terminal; it never stands on the \
command line.\nExample: aweigh login https://aweigh.example.com < token.txt"
)]
pub struct LoginArgs {
    /// Where the server is, such as https://aweigh.example.com
    pub url: String,
}

/// The words of `apply`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  aweigh apply -f fleet.toml --plan   show what would change\n  \
aweigh apply -f fleet.toml          change it, all or nothing\n  \
aweigh apply -f fleet.toml --prune  remove what an earlier apply made and the file no longer names")]
pub struct ApplyArgs {
    /// The fleet file; paths in it are relative to it
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub plan: bool,
    /// Remove what an earlier apply made and the file no longer names
    #[arg(long)]
    pub prune: bool,
}

/// The words of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The fleet file
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
}

/// Reads how many rows of a listing are wanted, of which the API gives at most `most` at once.
fn limit(most: impl TryInto<i64>) -> impl TypedValueParser<Value = u32> {
    clap::value_parser!(u32).range(1..=most.try_into().unwrap_or(i64::MAX))
}

/// Reads a span of time such as `90s`, `10m` or `1h30m`.
fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is not a span of time such as 90s, 10m or 1h30m");
    let span: jiff::SignedDuration = text.parse().map_err(|_| bad())?;
    Duration::try_from(span).ok().filter(|span| !span.is_zero()).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_tree_is_sound_and_every_help_line_is_imperative_without_a_full_stop() {
        let mut tree = Cli::command();
        tree.build();
        tree.clone().debug_assert();
        let mut all = vec![tree];
        while let Some(command) = all.pop() {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && !about.ends_with('.'), "{}: {about:?}", command.get_name());
            all.extend(command.get_subcommands().filter(|sub| sub.get_name() != "help").cloned());
        }
    }

    #[test]
    fn words_that_make_no_sense_are_refused() {
        for words in [
            "release shop main",
            "release Shop -e production main",
            "release shop -e production",
            "release shop -e production main --timeout -5s",
            "release shop -e production main --timeout soon",
            "release shop -e production main --servers role==web,",
            "rollback shop",
            "adopt shop",
            "adopt shop -e production --link www",
            "apply",
            "servers add web-1",
            "servers add web-[3:1] --host h",
            "servers check web-[3:1]",
            "servers import hosts.ini",
            "servers import --from yaml hosts.yml",
            "credentials add deploy --kind ssh-keys",
            "git shop commits --limit none",
            "git shop tags --limit 1001",
            "git shop diff main next --limit 0",
            "audit --limit 0",
            "audit --limit 1001",
            "releases --limit 201",
            "recordings --limit 201",
            "hooks show Reload",
            "hooks show reload@0",
            "hooks try reload shop -e production",
            "shell",
            "shell web-1 uptime",
            "recordings show x",
            "run all true",
            "run all --",
            "run a==b -- true",
            "run all --in shop -- true",
            "run all --limit 0 -- true",
            "run all --json --group -- true",
            "put all dist",
            "put all dist /",
            "get all ~ here",
            "get a==b /etc/hosts here",
            "sail",
        ] {
            let words = std::iter::once("aweigh").chain(words.split(' '));
            let error = Cli::try_parse_from(words.clone()).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{:?}", words.collect::<Vec<_>>());
        }
    }

    #[test]
    fn spans_of_time_are_read() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        for bad in ["", "5", "0s", "-1s", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
