//! Servers out of files that other tools read: `~/.ssh/config`, CSV and the INI inventories of Ansible, each in a file of its
//! own; host keys out of `known_hosts`, in [`pins`].
//!
//! Reading changes nothing. What a file says and Aweigh has no place for is told; a line that makes no sense stops it all.

mod ansible;
mod csv;
pub mod pins;
mod ssh_config;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use api::{FieldError, OneOrMany, ServerSpec};
use model::Name;

use crate::fleet_file::Error;
use crate::places::Env;

/// Where servers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The client configuration of OpenSSH.
    SshConfig,
    /// The host keys that OpenSSH knows.
    KnownHosts,
    /// A table with a head.
    Csv,
    /// An INI inventory of Ansible.
    Ansible,
}

impl From {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::SshConfig, Self::KnownHosts, Self::Csv, Self::Ansible];

    /// As it is written on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::SshConfig => "ssh-config",
            Self::KnownHosts => "known_hosts",
            Self::Csv => "csv",
            Self::Ansible => "ansible",
        }
    }
}

/// The servers of a file.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// By name, each with the line that names it first.
    pub servers: BTreeMap<Name, (ServerSpec, usize)>,
    /// What is not taken, and the lines that say it.
    pub left: BTreeMap<String, BTreeSet<usize>>,
}

/// What is wrong with a file: line and sentence, each.
pub(crate) type Wrong = Vec<(usize, String)>;

impl Found {
    /// Reads `text`, which stands in `path`.
    ///
    /// # Errors
    /// Every line that makes no sense; then nothing of the file is taken.
    pub fn read(from: From, text: &str, path: &Path, env: Env<'_>) -> Result<Self, Error> {
        let read = match from {
            From::SshConfig => ssh_config::read(text, env),
            From::Csv => csv::read(text),
            From::Ansible => ansible::read(text),
            // Host keys are no servers.
            From::KnownHosts => Ok(Self::default()),
        };
        read.map_err(|wrong| told(path, wrong))
    }

    /// `errors` about servers of this file, with the lines that name them.
    pub fn error(&self, path: &Path, errors: &[FieldError]) -> Error {
        let line = |error: &FieldError| {
            let name = error.field.strip_prefix("servers.")?;
            let of = |(own, (_, line)): (&Name, &(ServerSpec, usize))| {
                let rest = name.strip_prefix(own.as_str())?;
                (rest.is_empty() || rest.starts_with(['.', '['])).then_some((own.as_str().len(), *line))
            };
            // A name may hold dots: the longest one that fits is meant.
            self.servers.iter().filter_map(of).max().map(|(_, line)| line)
        };
        let with_line = |error: &FieldError| match line(error) {
            Some(line) => format!("line {line}: {error}"),
            None => error.to_string(),
        };
        Error::new(path, errors.iter().map(with_line).collect())
    }

    /// What is not taken, a sentence each: `ForwardAgent is not taken (lines 3 and 9)`.
    pub fn notes(&self) -> Vec<String> {
        let lines = |lines: &BTreeSet<usize>| {
            let numbers: Vec<String> = lines.iter().map(ToString::to_string).collect();
            let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
            let word = if numbers.len() == 1 { "line" } else { "lines" };
            format!("{word} {}", crate::render::words::listed(&numbers))
        };
        self.left.iter().map(|(what, numbers)| format!("{what} is not taken ({})", lines(numbers))).collect()
    }

    fn leave(&mut self, what: impl Into<String>, line: usize) {
        self.left.entry(what.into()).or_default().insert(line);
    }
}

/// What is wrong with the file at `path`, in the order of its lines.
pub(crate) fn told(path: &Path, mut wrong: Wrong) -> Error {
    wrong.sort();
    Error::new(path, wrong.into_iter().map(|(line, why)| format!("line {line}: {why}")).collect())
}

/// The name of a server that a file calls `text`. Host names are the same in capitals.
fn name(text: &str) -> Result<Name, String> {
    text.to_ascii_lowercase().parse::<Name>().map_err(|error| error.to_string())
}

fn port(text: &str) -> Result<i64, String> {
    let number = text.parse::<u16>().ok().filter(|number| *number != 0);
    number.map(i64::from).ok_or_else(|| format!("{text:?} is not a port: a number between 1 and 65535"))
}

/// Adds a value to a label, once.
fn add_label(spec: &mut ServerSpec, key: &str, value: &str) {
    let values = spec.labels.entry(key.to_owned()).or_insert_with(|| Vec::new().into());
    if !values.items().iter().any(|one| one == value) {
        let all: Vec<String> = values.items().iter().cloned().chain([value.to_owned()]).collect();
        *values = OneOrMany::from(all);
    }
}
