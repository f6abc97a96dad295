//! The words of `variables` and `secrets`: what the programs of projects, environments and servers are given.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Subcommand};
use model::{Name, Scope, VariableName, variable};

use super::{Cli, Listing};

/// Who says a variable: a project, one of its environments, or a server.
#[derive(Debug, Clone, Args)]
pub struct Scoped {
    /// The environment of the project
    #[arg(short, long = "env", value_name = "ENV")]
    pub environment: Option<Name>,
    /// The server, in the place of a project
    #[arg(long, value_name = "SERVER", conflicts_with = "environment")]
    pub server: Option<Name>,
}

impl Scoped {
    /// The scope that the words name; `project` is the word in front.
    ///
    /// # Errors
    /// They name none, or two; a usage error.
    fn of(&self, project: Option<&str>) -> Result<Scope, clap::Error> {
        let project = project.map(|text| text.parse::<Name>().map_err(|error| usage(&error.to_string())));
        match (project.transpose()?, self.environment.clone(), self.server.clone()) {
            (None, None, Some(server)) => Ok(Scope::Server(server)),
            (Some(project), Some(environment), None) => Ok(Scope::Environment(project, environment)),
            (Some(project), None, None) => Ok(Scope::Project(project)),
            (Some(_), _, Some(_)) => {
                Err(usage("what a server says belongs to no project: leave one of them out"))
            }
            (None, ..) => Err(usage("name a project, a project and -e ENV, or --server SERVER")),
        }
    }
}

/// One variable or secret of a scope.
#[derive(Debug, Args)]
pub struct Said {
    /// The project, unless a server is named; and the name
    #[arg(value_name = "[PROJECT] NAME", num_args = 1..=2, required = true)]
    words: Vec<String>,
    /// Where it is said.
    #[command(flatten)]
    scope: Scoped,
}

impl Said {
    /// Who says it, and the word that names it.
    ///
    /// # Errors
    /// The words mean nothing; a usage error.
    fn read(&self) -> Result<(Scope, &str), clap::Error> {
        match self.words.as_slice() {
            [name] => Ok((self.scope.of(None)?, name)),
            [project, name] => Ok((self.scope.of(Some(project))?, name)),
            _ => Err(usage("name a project and a variable")),
        }
    }

    /// Who says it, and its name.
    ///
    /// # Errors
    /// The same.
    pub fn named(&self) -> Result<(Scope, VariableName), clap::Error> {
        let (scope, name) = self.read()?;
        Ok((scope, name.parse().map_err(|error: model::InvalidVariable| usage(&error.to_string()))?))
    }

    /// Who says it, its name, and the value behind `=`.
    ///
    /// # Errors
    /// The same.
    pub fn with_value(&self) -> Result<(Scope, VariableName, String), clap::Error> {
        let (scope, text) = self.read()?;
        let parts = text.split_once('=');
        let (name, value) = parts.ok_or_else(|| usage("a variable is NAME=VALUE, such as LOG_LEVEL=info"))?;
        let name = name.parse().map_err(|error: model::InvalidVariable| usage(&error.to_string()))?;
        variable::sound_value(value).map_err(|why| usage(&format!("the value of {name} {why}")))?;
        Ok((scope, name, value.to_owned()))
    }
}

/// The words of a listing.
#[derive(Debug, Args)]
pub struct SaidListing {
    /// The project
    project: Option<String>,
    /// Where they are said.
    #[command(flatten)]
    scope: Scoped,
    /// How it is printed.
    #[command(flatten)]
    pub listing: Listing,
}

impl SaidListing {
    /// Who says them.
    ///
    /// # Errors
    /// The words mean nothing; a usage error.
    pub fn of(&self) -> Result<Scope, clap::Error> {
        self.scope.of(self.project.as_deref())
    }
}

/// The verbs of `variables`.
#[derive(Debug, Subcommand)]
pub enum Variables {
    /// List variables and the names of secrets, and who says each
    List(SaidListing),
    /// Set a variable
    #[command(after_help = "Examples:\n  aweigh variables set shop -e production LOG_LEVEL=info\n  \
aweigh variables set --server web-1 WORKERS=8")]
    Set(Said),
    /// Take a variable away
    Unset(Said),
}

/// The verbs of `secrets`.
#[derive(Debug, Subcommand)]
pub enum Secrets {
    /// List secrets, without their values
    List(SaidListing),
    /// Store a secret, sealed
    Set(SecretSet),
    /// Forget a secret
    Unset(Said),
}

/// The words of `secrets set`.
#[derive(Debug, Args)]
#[command(
    after_help = "Its value is read from standard input, or asked for on a terminal, where it is not shown; it never \
stands on the command line. Line ends at its end are left away.\nExamples:\n  \
aweigh secrets set shop -e production DB_PASSWORD < password.txt\n  \
aweigh secrets set --server web-1 LICENSE --file license.key"
)]
pub struct SecretSet {
    /// Which one.
    #[command(flatten)]
    pub said: Said,
    /// Read it from FILE
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Take it from this environment variable
    #[arg(long, value_name = "VARIABLE", conflicts_with = "file")]
    pub from_env: Option<String>,
}

fn usage(message: &str) -> clap::Error {
    Cli::command().error(ErrorKind::ValueValidation, message)
}
