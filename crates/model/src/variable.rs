//! Variables: what projects, environments and servers say to the programs that run there. A secret is a variable whose
//! value only the vault knows.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Name;

/// The name of a variable: `[A-Za-z_][A-Za-z0-9_]{0,127}`, and none of those that decide what a shell, a loader or git
/// runs, or that are Aweigh's own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VariableName(String);

/// The longest name, in bytes.
const LONGEST_NAME: usize = 128;

/// The longest value, in bytes.
pub const LONGEST_VALUE: usize = 64 * 1024;

/// Names that nobody may set: whoever sets one of them decides what other programs run, or breaks the shell.
const DENIED: [&str; 34] = [
    "_",
    "BASHOPTS",
    "BASH_ENV",
    "BASH_VERSINFO",
    "CDPATH",
    "ENV",
    "EUID",
    "GCONV_PATH",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ASKPASS",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_SYSTEM",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_TEMPLATE_DIR",
    "GLIBC_TUNABLES",
    "HOME",
    "IFS",
    "OPTIND",
    "PATH",
    "PPID",
    "PS4",
    "SHELLOPTS",
    "SSH_ASKPASS",
    "UID",
];

/// Beginnings of names that nobody may set.
const DENIED_BEGINNINGS: [&str; 4] = ["AWEIGH_", "BASH_FUNC_", "DYLD_", "LD_"];

/// Why a text is not the name of a variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVariable {
    /// It does not have the form of one.
    #[error("{0:?} is not the name of a variable: use letters, digits and '_', and no digit in front")]
    Form(String),
    /// It has a meaning of its own.
    #[error("{0} must not be set: it decides what other programs do")]
    Denied(String),
    /// It is one of those that hooks are given by Aweigh.
    #[error("{0} must not be set: names that begin with AWEIGH_ are Aweigh's own")]
    Ours(String),
}

impl VariableName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VariableName {
    type Err = InvalidVariable;

    fn from_str(text: &str) -> Result<Self, InvalidVariable> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let digit = text.bytes().next().is_none_or(|byte| byte.is_ascii_digit());
        if digit || text.len() > LONGEST_NAME || !text.bytes().all(inner) {
            // What is echoed back is cut, so that a hostile text cannot flood a log.
            return Err(InvalidVariable::Form(text.chars().take(80).collect()));
        }
        // Some programs read their variables in any case.
        let upper = text.to_ascii_uppercase();
        if upper.starts_with("AWEIGH_") {
            return Err(InvalidVariable::Ours(text.to_owned()));
        }
        let begins = DENIED_BEGINNINGS.iter().any(|beginning| upper.starts_with(beginning));
        if begins || DENIED.contains(&upper.as_str()) {
            return Err(InvalidVariable::Denied(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for VariableName {
    type Error = InvalidVariable;

    fn try_from(text: String) -> Result<Self, InvalidVariable> {
        text.parse()
    }
}

impl From<VariableName> for String {
    fn from(name: VariableName) -> Self {
        name.0
    }
}

impl fmt::Display for VariableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for VariableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Variables with their values.
pub type Variables = BTreeMap<VariableName, String>;

/// Whether a text can be the value of a variable: it has to travel as lines, and stand in an environment.
pub fn sound_value(value: &str) -> Result<(), &'static str> {
    match value {
        _ if value.contains('\0') => Err("must not hold a NUL character"),
        _ if value.contains('\r') => Err("holds a carriage return: save it with the line ends of Unix"),
        _ if value.len() > LONGEST_VALUE => Err("is longer than 64 KiB: put it into a file in shared/"),
        _ => Ok(()),
    }
}

/// The lines `NAME=value` as which a variable travels: a further line of its value begins with `+`, as no name does.
pub fn lines<'v>(name: &'v VariableName, value: &'v str) -> impl Iterator<Item = String> + 'v {
    let mut parts = value.split('\n');
    let first = format!("{name}={}", parts.next().unwrap_or_default());
    std::iter::once(first).chain(parts.map(|part| format!("+{part}")))
}

/// Who says a variable. The last of these that says one is heard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// A project, in each of its environments.
    Project(Name),
    /// One environment of a project.
    Environment(Name, Name),
    /// One server, in whatever runs there.
    Server(Name),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(project) => write!(f, "project {project}"),
            Self::Environment(project, name) => write!(f, "environment {project}/{name}"),
            Self::Server(server) => write!(f, "server {server}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_decide_what_others_run_are_refused() {
        for good in ["A", "_x", "DB_PASSWORD", "app_key", "GIT_SHA", "NODE_OPTIONS", "PATHS", "LC_ALL", "X1"]
        {
            assert_eq!(good.parse::<VariableName>().unwrap().as_str(), good);
        }
        let long = "A".repeat(129);
        for bad in [
            "",
            "1A",
            "A-B",
            "A B",
            "A=B",
            "A.B",
            "\u{e4}",
            "A\n",
            "A\0",
            "$(id)",
            "`id`",
            "a;b",
            &long, // form
            "PATH",
            "path",
            "HOME",
            "IFS",
            "ENV",
            "BASH_ENV",
            "_",
            "PS4",
            "SHELLOPTS",
            "UID",
            "OPTIND",
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "ld_audit",
            "DYLD_INSERT_LIBRARIES",
            "BASH_FUNC_x",
            "GIT_SSH_COMMAND",
            "GIT_SSH",
            "GIT_CONFIG_COUNT",
            "GIT_EXEC_PATH",
            "AWEIGH_ACTION",
            "aweigh_x",
        ] {
            assert!(bad.parse::<VariableName>().is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a_value_of_many_lines_travels_as_lines() {
        let name: VariableName = "KEY".parse().unwrap();
        let all = |value: &'static str| lines(&name, value).collect::<Vec<_>>();
        assert_eq!(all("a=b"), ["KEY=a=b"]);
        assert_eq!(all("one\n+two\n"), ["KEY=one", "++two", "+"]);
        assert!(sound_value("a\nb\t\u{20ac}").is_ok());
        for bad in ["a\0", "a\r\nb", &"x".repeat(LONGEST_VALUE + 1)] {
            assert!(sound_value(bad).is_err());
        }
    }
}
