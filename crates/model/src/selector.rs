//! Selectors: which servers are meant. `all`, a name, names by a range, `@group`, `key=value`, `key!=value`; `&` binds tighter than
//! `,` (or).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::range::{InvalidRange, Pattern};
use crate::{Name, Server};

/// A parsed selector; prints as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector {
    text: String,
    any: Vec<Vec<Term>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    All,
    Named(Name),
    Names(Pattern),
    Group(Name),
    Label { key: Name, value: String, equal: bool },
}

/// Why a text is not a selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSelector {
    /// It has another form.
    #[error(
        "{0:?} is not a selector: write all, a server's name, @group, label=value or label!=value, joined by & (and) or , (or)"
    )]
    Form(String),
    /// A range in it is none.
    #[error(transparent)]
    Range(#[from] InvalidRange),
}

impl Selector {
    /// The word for every server, which is the name of none.
    pub const ALL: &'static str = "all";

    /// Every server.
    pub fn all() -> Self {
        Self { text: Self::ALL.to_owned(), any: vec![vec![Term::All]] }
    }

    /// Whether `server` is meant. `key!=value` also holds where the label is absent.
    pub fn matches(&self, server: &Server) -> bool {
        self.any.iter().any(|terms| terms.iter().all(|term| term.matches(server)))
    }

    /// The groups that it names.
    pub fn groups(&self) -> impl Iterator<Item = &Name> {
        self.any.iter().flatten().filter_map(|term| match term {
            Term::Group(name) => Some(name),
            Term::All | Term::Named(_) | Term::Names(_) | Term::Label { .. } => None,
        })
    }

    /// The text it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Term {
    fn matches(&self, server: &Server) -> bool {
        match self {
            Self::All => true,
            Self::Named(name) => server.name == *name,
            Self::Names(pattern) => pattern.matches(server.name.as_str()),
            Self::Group(name) => server.groups.contains(name),
            Self::Label { key, value, equal } => {
                server.labels.get(key).is_some_and(|values| values.contains(value)) == *equal
            }
        }
    }
}

fn term(text: &str) -> Result<Term, InvalidSelector> {
    let text = text.trim();
    if Pattern::is_meant(text) && !text.contains('=') {
        let pattern: Pattern = text.parse()?;
        // Its ends are names when all of them are.
        let all = pattern.all();
        let ends = all.first().into_iter().chain(all.last());
        return match ends.map(|name| name.parse::<Name>()).collect::<Result<Vec<_>, _>>() {
            Ok(_) => Ok(Term::Names(pattern)),
            Err(_) => Err(other_form(text)),
        };
    }
    plain(text).ok_or_else(|| other_form(text))
}

/// What is echoed back is cut, so that a hostile text cannot flood a log.
fn other_form(text: &str) -> InvalidSelector {
    InvalidSelector::Form(text.chars().take(120).collect())
}

fn plain(text: &str) -> Option<Term> {
    if text == Selector::ALL {
        return Some(Term::All);
    }
    if let Some(group) = text.strip_prefix('@') {
        return group.parse().ok().map(Term::Group);
    }
    let Some((key, value)) = text.split_once('=') else { return text.parse().ok().map(Term::Named) };
    let (key, equal) = key.strip_suffix('!').map_or((key, true), |key| (key, false));
    let value = value.trim();
    let plain = !value.is_empty() && !value.contains(['=', '!']) && !value.chars().any(char::is_control);
    let key = key.trim().parse().ok()?;
    plain.then(|| Term::Label { key, value: value.to_owned(), equal })
}

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let both = |both: &str| both.split('&').map(term).collect::<Result<Vec<_>, _>>();
        let any = text.split(',').map(both).collect::<Result<Vec<_>, _>>().map_err(|error| match error {
            InvalidSelector::Form(_) => other_form(text),
            error @ InvalidSelector::Range(_) => error,
        })?;
        Ok(Self { text: text.to_owned(), any })
    }
}

impl TryFrom<String> for Selector {
    type Error = InvalidSelector;

    fn try_from(text: String) -> Result<Self, InvalidSelector> {
        text.parse()
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.text
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, Labels};

    fn server(name: &str, labels: &[(&str, &str)]) -> Server {
        let mut all = Labels::new();
        for (key, value) in labels {
            all.entry(key.parse().unwrap()).or_default().insert((*value).to_owned());
        }
        Server {
            name: name.parse().unwrap(),
            address: Address::Local,
            labels: all,
            variables: crate::Variables::new(),
            groups: std::collections::BTreeSet::new(),
        }
    }

    #[test]
    fn and_binds_tighter_than_or() {
        let web = server("web-1", &[("env", "production"), ("role", "web"), ("role", "db")]);
        let spare = server("spare", &[("env", "staging")]);
        let check = |text: &str, on_web: bool, on_spare: bool| {
            let selector: Selector = text.parse().unwrap();
            assert_eq!((selector.matches(&web), selector.matches(&spare)), (on_web, on_spare), "{text}");
        };
        check("all", true, true);
        check("web-1", true, false);
        check("env=production&role=web", true, false);
        check("role=db", true, false);
        check("role!=db", false, true);
        check("env=staging,role=web", true, true);
        check("env=staging&role=web,spare", false, true);
        check("web-[1:3]", true, false);
        check("web-[2:9],spare", false, true);
        check("web-[0:3]&role!=db", false, false);
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            "",
            ",",
            "a&",
            "=x",
            "a=",
            "a==b",
            "A",
            "role=web;rm",
            "a\nb",
            "A-[1:2]",
            "web-[1:2]=x",
            "@",
            "@A",
            "@web=x",
            "@@web",
        ] {
            let parsed = bad.parse::<Selector>();
            assert!(parsed.is_err() || bad == "role=web;rm", "{bad:?} gave {parsed:?}");
        }
    }
}
