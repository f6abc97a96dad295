//! The words of everything that is about releases.

use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory};
use jiff::Timestamp;
use model::{DeployPath, Name, ReleaseId, Selector};

use super::{Cli, Listing};

/// Where a release goes.
#[derive(Debug, Args)]
pub struct Place {
    /// The project
    pub project: Name,
    /// The environment
    #[arg(short, long = "env", value_name = "ENV")]
    pub environment: Name,
}

/// What happens after a release was accepted.
#[derive(Debug, Clone, Args)]
pub struct Following {
    /// Do not wait: print the number and leave
    #[arg(long, conflicts_with = "timeout")]
    pub detach: bool,
    /// Wait in the queue when another release of the environment is active
    #[arg(long)]
    pub queue: bool,
    /// Wait in the queue, too, and take the place of those that wait already
    #[arg(long)]
    pub supersede: bool,
    /// Stop waiting after T, such as 10m; the release goes on (exit code 6)
    #[arg(long, value_name = "T", value_parser = super::duration)]
    pub timeout: Option<Duration>,
    /// Say why, for everyone who looks at it later
    #[arg(short = 'm', value_name = "NOTE")]
    pub note: Option<String>,
}

/// The words of `release`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  aweigh release shop -e production main\n  \
aweigh release shop -e production v1.4.2 -m \"new checkout\"\n  \
aweigh release shop -e staging feature/login --queue --timeout 15m\n  \
aweigh release shop -e production --from staging\n  \
aweigh release shop -e production 1a2b3c4 --servers web-1\n\n\
Exit codes: 0 done, 1 ended with the servers as before, 4 refused, 5 partial or interrupted, 6 not done in time.\n\
Ctrl-C stops watching, not the release.")]
pub struct ReleaseArgs {
    /// Where to.
    #[command(flatten)]
    pub place: Place,
    /// A branch, a tag or a commit
    #[arg(value_name = "REF", required_unless_present_any = ["from", "artifact"], conflicts_with_all = ["from", "artifact"])]
    pub git_ref: Option<String>,
    /// Bring what is live in this environment of the project instead, the same bytes
    #[arg(long, value_name = "ENV")]
    pub from: Option<Name>,
    /// Bring an artifact of the project as it is: its hash, or the first six digits and more
    #[arg(long, value_name = "HASH", conflicts_with = "from")]
    pub artifact: Option<String>,
    /// Show what the release would do, and do nothing
    #[arg(long, conflicts_with_all = ["detach", "queue", "supersede", "timeout"])]
    pub plan: bool,
    /// Release only to these servers of the environment, such as role=web
    #[arg(long, value_name = "SELECTOR")]
    pub servers: Option<Selector>,
    /// And then.
    #[command(flatten)]
    pub following: Following,
}

/// The words of `rollback`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  aweigh rollback shop -e production          to the good release before the live one\n  \
aweigh rollback shop -e production --to 41  to release 41\n  \
aweigh rollback shop -e production --now    end the release that is under way, and go back at once"
)]
pub struct RollbackArgs {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// The good release to bring back, instead of the one before the live one
    #[arg(long, value_name = "RELEASE")]
    pub to: Option<i64>,
    /// End the release that is under way wherever it stands, and go back at once
    #[arg(long, conflicts_with_all = ["queue", "supersede"])]
    pub now: bool,
    /// And then.
    #[command(flatten)]
    pub following: Following,
}

/// The words of `catch-up`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Asks every server what it runs, and brings the live release to those that can be reached and do \
not run it. Hooks run with AWEIGH_ACTION=catch_up. `aweigh drift` shows beforehand what that is."
)]
pub struct CatchUpArgs {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Only these servers of the environment
    #[arg(long, value_name = "SELECTOR")]
    pub servers: Option<Selector>,
    /// Do not wait: print the number and leave
    #[arg(long, conflicts_with = "timeout")]
    pub detach: bool,
    /// Stop waiting after T, such as 10m; it goes on (exit code 6)
    #[arg(long, value_name = "T", value_parser = super::duration)]
    pub timeout: Option<Duration>,
    /// Say why, for everyone who looks at it later
    #[arg(short = 'm', value_name = "NOTE")]
    pub note: Option<String>,
}

/// The words of `drift`.
#[derive(Debug, Args)]
pub struct DriftArgs {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Say that what servers run that differ is right so, until they run something else
    #[arg(long)]
    pub accept: bool,
    /// Accept only these servers, such as web-3
    #[arg(long, value_name = "SELECTOR", requires = "accept")]
    pub servers: Option<Selector>,
    /// How it is printed.
    #[command(flatten)]
    pub listing: Listing,
}

/// The words of `adopt`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  aweigh adopt shop -e production --plan   show what was found, and change nothing\n  \
aweigh adopt shop -e production          releases of Capistrano or Deployer\n  \
aweigh adopt shop -e production --link /data/www/shop   releases of walle-web or Spug\n\n\
Nothing inside a release is changed, and what runs goes on running. Exit codes: 0 adopted, or nothing to adopt; 4 refused."
)]
pub struct AdoptArgs {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Show what was found and what would be done, and change nothing
    #[arg(long)]
    pub plan: bool,
    /// Only on these servers, such as role=web
    #[arg(long, value_name = "SELECTOR")]
    pub servers: Option<Selector>,
    /// The releases stand elsewhere: PATH is the link that leads to the one that runs
    #[arg(long, value_name = "PATH")]
    pub link: Option<DeployPath>,
    /// How it is printed.
    #[command(flatten)]
    pub listing: Listing,
}

/// The words of `lock`.
#[derive(Debug, Args)]
pub struct LockArgs {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Say why nobody is to release there
    #[arg(short = 'm', value_name = "REASON")]
    pub reason: String,
    /// Unlock by itself after T, such as 2h
    #[arg(long = "for", value_name = "T", value_parser = super::duration)]
    pub time: Option<Duration>,
    /// Unlock by itself at this time, such as 2026-12-24T18:00:00+01:00
    #[arg(long, value_name = "TIME", conflicts_with = "time")]
    pub until: Option<Timestamp>,
}

/// Which release is meant.
#[derive(Debug, Args)]
pub struct WhichArgs {
    /// The number of a release; or a project, for its latest release in ENV
    #[arg(value_name = "RELEASE|PROJECT")]
    pub release: String,
    /// The environment of the project
    #[arg(short, long = "env", value_name = "ENV")]
    pub environment: Option<Name>,
}

/// Which release, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one with this number.
    Number(ReleaseId),
    /// The latest of a project's environment.
    Latest(Name, Name),
}

impl WhichArgs {
    /// What the words mean: with an environment a project, without one a number.
    ///
    /// # Errors
    /// They mean nothing; a usage error.
    pub fn which(&self) -> Result<Which, clap::Error> {
        match &self.environment {
            Some(environment) => {
                let project = self.release.parse::<Name>().map_err(|error| usage(&error.to_string()))?;
                Ok(Which::Latest(project, environment.clone()))
            }
            None => match self.release.parse() {
                Ok(number) if number > 0 => Ok(Which::Number(ReleaseId(number))),
                _ => Err(usage(&format!(
                    "{:?} is not the number of a release; for the latest one of a project say `{} -e ENV`",
                    self.release, self.release
                ))),
            },
        }
    }
}

fn usage(message: &str) -> clap::Error {
    Cli::command().error(ErrorKind::ValueValidation, message)
}

/// The words of `retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// Which one.
    #[command(flatten)]
    pub which: WhichArgs,
    /// Only these servers, instead of all that failed or were left out
    #[arg(long, value_name = "SELECTOR")]
    pub servers: Option<Selector>,
}

/// The words of `skip`.
#[derive(Debug, Args)]
pub struct SkipArgs {
    /// Which one.
    #[command(flatten)]
    pub which: WhichArgs,
    /// Which servers; those that were switched go back
    #[arg(long, value_name = "SELECTOR")]
    pub servers: Selector,
}

/// The words of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Which one.
    #[command(flatten)]
    pub which: WhichArgs,
    /// Stop watching after T, such as 10m (exit code 6)
    #[arg(long, value_name = "T", value_parser = super::duration)]
    pub timeout: Option<Duration>,
}

/// The words of `logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Which one.
    #[command(flatten)]
    pub which: WhichArgs,
    /// Only what failed
    #[arg(long)]
    pub failed: bool,
    /// Only this step, such as build or web-1/verify
    #[arg(long, value_name = "KEY")]
    pub node: Option<String>,
}

/// The words of `releases`.
#[derive(Debug, Args)]
pub struct ReleasesArgs {
    /// Only of this project
    pub project: Option<Name>,
    /// Only of this environment
    #[arg(short, long = "env", value_name = "ENV")]
    pub environment: Option<Name>,
    /// Only what has a smaller number
    #[arg(long, value_name = "NUMBER")]
    pub before: Option<u64>,
    /// At most this many
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = super::limit(actions::releases::MOST))]
    pub limit: u32,
    /// How it is printed.
    #[command(flatten)]
    pub listing: Listing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_a_number_or_the_latest_of_an_environment() {
        let which = |release: &str, environment: Option<&str>| {
            let environment = environment.map(|name| name.parse().unwrap());
            WhichArgs { release: release.to_owned(), environment }.which()
        };
        assert_eq!(which("42", None).unwrap(), Which::Number(ReleaseId(42)));
        let latest = Which::Latest("42".parse().unwrap(), "production".parse().unwrap());
        assert_eq!(which("42", Some("production")).unwrap(), latest, "a project may be called 42");
        for (release, environment) in
            [("shop", None), ("0", None), ("-3", None), ("Shop", Some("production"))]
        {
            assert_eq!(which(release, environment).unwrap_err().exit_code(), 2, "{release}");
        }
    }
}
