//! Servers that are written together: `[servers."web-[01:40]"]` is forty servers, each with its own `host`.

use std::collections::{BTreeMap, BTreeSet};

use model::{Name, Pattern};

use crate::{FieldError, FieldErrors, ServerSpec};

/// How many servers the ranges of one fleet may stand for.
const MOST: usize = 10_000;

/// What stands for the name of a server in its `host`.
const NAME: &str = "{name}";

/// The servers of a fleet, one by one.
#[derive(Debug, Default)]
pub struct Spread {
    /// By their names, which are not checked yet.
    pub servers: BTreeMap<String, ServerSpec>,
    /// The key under which those were written that have another one.
    written: BTreeMap<String, String>,
    errors: Vec<FieldError>,
}

impl Spread {
    /// Takes servers apart that are written together. What is wrong with a range is in [`errors`](Self::errors).
    pub fn of(servers: &BTreeMap<String, ServerSpec>) -> Self {
        let (mut spread, mut errors) = (Self::default(), FieldErrors::default());
        for (key, spec) in servers {
            let names = match names(key) {
                Ok(names) => names,
                Err(error) => {
                    errors.add(format!("servers.{key}"), error);
                    continue;
                }
            };
            if Pattern::is_meant(key) && spread.written.len().saturating_add(names.len()) > MOST {
                errors.add(
                    format!("servers.{key}"),
                    "is too much: ranges may stand for 10,000 servers together",
                );
                continue;
            }
            let Some(hosts) = errors.take(format!("servers.{key}.host"), hosts(&spec.host, &names)) else {
                continue;
            };
            for (name, host) in names.into_iter().zip(hosts) {
                if let Some(other) = spread.key_of(&name) {
                    errors.add(
                        format!("servers.{key}"),
                        format_args!("means {name}, which servers.{other} means, too"),
                    );
                    break;
                }
                if name != *key {
                    spread.written.insert(name.clone(), key.clone());
                }
                spread.servers.insert(name, ServerSpec { host, ..spec.clone() });
            }
        }
        spread.errors = errors.into_vec();
        spread
    }

    /// What is wrong with the ranges themselves.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The servers that say nothing about host keys.
    pub(crate) fn silent_about_keys(&self) -> BTreeSet<Name> {
        let silent = self.servers.iter().filter(|(_, spec)| spec.host_key.is_none());
        silent.filter_map(|(name, _)| name.parse().ok()).collect()
    }

    /// `errors` about servers as errors about what was written. What is wrong with all of a range is told once, and with
    /// some of it with the name of the first.
    pub fn as_written(&self, errors: Vec<FieldError>) -> Vec<FieldError> {
        let mut told: Vec<(FieldError, Vec<&str>)> = Vec::new();
        for error in errors {
            let Some((name, rest)) = self.server_in(&error.field) else {
                told.push((error, Vec::new()));
                continue;
            };
            let key = self.key_of(name).unwrap_or(name);
            let error = FieldError::new(format!("servers.{key}{rest}"), error.message);
            match told.iter_mut().find(|(one, names)| *one == error && !names.is_empty()) {
                Some((_, names)) => names.push(name),
                None => told.push((error, vec![name])),
            }
        }
        told.into_iter().map(|(error, names)| self.with_names(error, &names)).collect()
    }

    fn with_names(&self, error: FieldError, names: &[&str]) -> FieldError {
        let Some(first) = names.first() else { return error };
        let key = self.key_of(first).unwrap_or(first);
        let all = self.written.values().filter(|written| *written == key).count();
        if names.len() == all {
            return error;
        }
        let more = match names.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        FieldError::new(error.field, format_args!("{} ({first}{more})", error.message))
    }

    /// The server of a range that a field is about, and the rest of the field. A name may hold dots.
    fn server_in(&self, field: &str) -> Option<(&str, String)> {
        let rest = field.strip_prefix("servers.")?;
        let ends = rest.match_indices(['.', '[']).map(|(end, _)| end).chain([rest.len()]);
        let split = ends.filter_map(|end| rest.split_at_checked(end));
        let mut known = split.filter_map(|(name, rest)| {
            let (name, _) = self.written.get_key_value(name)?;
            Some((name.as_str(), rest.to_owned()))
        });
        known.next_back()
    }

    fn key_of<'k>(&'k self, name: &'k str) -> Option<&'k str> {
        let written = self.written.get(name).map(String::as_str);
        written.or_else(|| self.servers.contains_key(name).then_some(name))
    }
}

fn names(key: &str) -> Result<Vec<String>, String> {
    if !Pattern::is_meant(key) {
        return Ok(vec![key.to_owned()]);
    }
    let names = key.parse::<Pattern>().map_err(|error| error.to_string())?.all();
    // Its ends are names when all of them are.
    for end in names.first().into_iter().chain(names.last()) {
        end.parse::<Name>().map_err(|error| error.to_string())?;
    }
    Ok(names)
}

/// The host of each of `names`.
fn hosts(text: &str, names: &[String]) -> Result<Vec<String>, String> {
    let own = |text: &str, name: &String| text.replace(NAME, name);
    if !Pattern::is_meant(text) {
        // One address for many servers can only be meant where that is this machine, and that is one server.
        if names.len() > 1 && !text.contains(NAME) && !text.is_empty() {
            return Err(format!(
                "is one host for {} servers; write a range such as 10.0.0.[11:50], or {{name}}.example.com",
                names.len()
            ));
        }
        return Ok(names.iter().map(|name| own(text, name)).collect());
    }
    let hosts = text.parse::<Pattern>().map_err(|error| error.to_string())?.all();
    if hosts.len() == names.len() {
        Ok(hosts.iter().zip(names).map(|(host, name)| own(host, name)).collect())
    } else {
        Err(format!("means {} hosts for {}", hosts.len(), servers(names.len())))
    }
}

fn servers(count: usize) -> String {
    if count == 1 { "one server".to_owned() } else { format!("{count} servers") }
}

#[cfg(test)]
mod tests {
    use crate::Fleet;

    fn fleet(servers: &serde_json::Value) -> Fleet {
        let whole = serde_json::json!({"credentials": {"key": {"kind": "ssh-agent"}},
            "defaults": {"server": {"user": "u", "credential": "key"}}, "servers": servers});
        crate::read(whole).unwrap()
    }

    fn told(servers: &serde_json::Value) -> Vec<String> {
        let errors = fleet(servers).check(None).err().unwrap_or_default();
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn servers_that_are_written_together_are_taken_apart() {
        let checked = fleet(&serde_json::json!({
            "web-[01:03]": {"host": "10.0.0.[11:13]", "labels": {"role": "web"}},
            "db-[a:b]": {"host": "{name}.example.com"},
            "r[1:2]-[1:2]": {"host": "10.0.[1:2].[1:2]"},
            "one": {"host": "{name}.example.com"},
        }))
        .check(None)
        .unwrap();
        let places: Vec<String> =
            checked.servers.values().map(|server| format!("{} {}", server.name, server.place())).collect();
        assert_eq!(
            places,
            [
                "db-a u@db-a.example.com:22",
                "db-b u@db-b.example.com:22",
                "one u@one.example.com:22",
                "r1-1 u@10.0.1.1:22",
                "r1-2 u@10.0.1.2:22",
                "r2-1 u@10.0.2.1:22",
                "r2-2 u@10.0.2.2:22",
                "web-01 u@10.0.0.11:22",
                "web-02 u@10.0.0.12:22",
                "web-03 u@10.0.0.13:22",
            ]
        );
        assert!(checked.servers.values().filter(|server| server.labels.is_empty()).count() == 7);
    }

    #[test]
    fn what_cannot_be_taken_apart_is_told_under_the_key_that_was_written() {
        let check = |servers: serde_json::Value, expected: &[&str]| assert_eq!(told(&servers), expected);
        let key = "servers.web-[1:3]";
        check(
            serde_json::json!({"web-[1:3]": {"host": "h"}}),
            &[&format!(
                "{key}.host is one host for 3 servers; write a range such as 10.0.0.[11:50], or {{name}}.example.com"
            )],
        );
        check(
            serde_json::json!({"web-[1:3]": {"host": "10.0.0.[1:4]"}}),
            &[&format!("{key}.host means 4 hosts for 3 servers")],
        );
        check(
            serde_json::json!({"web-1": {"host": "10.0.0.[1:4]"}}),
            &["servers.web-1.host means 4 hosts for one server"],
        );
        check(
            serde_json::json!({"web-[1:3]": {"host": "10.0.0.[1:3]"}, "web-2": {"host": "h"}}),
            &[&format!("{key} means web-2, which servers.web-2 means, too")],
        );
        check(
            serde_json::json!({"web-[3:1]": {"host": "h"}}),
            &["servers.web-[3:1] \"web-[3:1]\" is not a range: its end is before its beginning"],
        );
        check(
            serde_json::json!({"Web-[1:2]": {"host": "{name}"}}),
            &[
                "servers.Web-[1:2] \"Web-1\" is not a name: use 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit",
            ],
        );
        check(
            serde_json::json!({"web-[1:3]": {"host": "{name}", "port": 0, "jump": "web-2"}}),
            &[&format!("{key}.port must be between 1 and 65535")],
        );
        check(
            serde_json::json!({"web-[1:3]": {"host": "{name}", "jump": "web-2"}}),
            &[&format!("{key}.jump is the server itself (web-2)")],
        );
        // No selector could mean that server alone.
        let told = "\"all\" is no name for a server: it means every server";
        check(serde_json::json!({"all": {"host": "local"}}), &[&format!("servers.all {told}")]);
        check(
            serde_json::json!({"al[k:m]": {"host": "{name}"}}),
            &[&format!("servers.al[k:m] {told} (all)")],
        );
        check(
            serde_json::json!({"web-[1:3]": {"host": "local"}}),
            &[&format!(
                "{key}.host is one host for 3 servers; write a range such as 10.0.0.[11:50], or {{name}}.example.com"
            )],
        );
    }

    #[test]
    fn ranges_stand_for_ten_thousand_servers_at_most() {
        let mut servers = serde_json::Map::new();
        for group in 0..11 {
            servers.insert(format!("r{group}-[1:1000]"), serde_json::json!({"host": "{name}.example.com"}));
        }
        let told = told(&servers.into());
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("10,000 servers together"), "{told:?}");
    }
}
