//! The rules of the house, as a test: who may know whom, file heads, lengths, and words that are not used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which of our crates a crate may import (DESIGN section 5).
const MAY_IMPORT: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("engine", &["model"]),
    ("transport", &[]),
    ("git", &[]),
    ("store", &["model"]),
    ("api", &["model"]),
    ("actions", &["model", "engine", "store"]),
    ("ui", &[]),
    ("web", &["model", "api", "actions", "ui"]),
    ("aweigh", &["model", "engine", "transport", "git", "store", "actions", "api", "web", "ui"]),
    ("testkit", &["transport"]),
];

/// Libraries that one room alone may see.
const ONE_ROOM: [(&str, &str); 4] =
    [("russh", "transport"), ("sea-orm", "store"), ("axum", "web"), ("clap", "aweigh")];

/// The longest file, in lines; most are a quarter of it.
const CEILING: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of the crates under a table of a manifest.
fn dependencies(manifest: &Path, table: &str) -> BTreeSet<String> {
    let manifest: toml::Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
    manifest.get(table).and_then(|t| t.as_table()).map(|t| t.keys().cloned().collect()).unwrap_or_default()
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                all.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    all
}

#[test]
fn imports_only_point_where_the_map_says() {
    let allowed: BTreeMap<_, _> = MAY_IMPORT.into_iter().collect();
    let crates: Vec<String> = std::fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(crates.len(), MAY_IMPORT.len(), "a new crate needs a line on the map: {crates:?}");
    for name in &crates {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let found = dependencies(&manifest, "dependencies");
        for other in found.iter().filter(|other| crates.contains(other)) {
            assert!(allowed[name.as_str()].contains(&other.as_str()), "{name} must not import {other}");
        }
        for (library, room) in ONE_ROOM {
            assert!(!found.contains(library) || name == room, "only {room} may see {library}, not {name}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_keeps_short() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{} does not begin with a sentence on what is here", path.display());
        let lines = text.lines().count();
        assert!(lines <= CEILING, "{} has {lines} lines; split it by noun", path.display());
        let sleeping = text.contains("#[ignore");
        assert!(!sleeping || path.ends_with("tidy.rs"), "{} leaves a test out", path.display());
    }
}

#[test]
fn names_say_something() {
    let banned = [
        "util",
        "utils",
        "helper",
        "helpers",
        "common",
        "misc",
        "manager",
        "processor",
        "service",
        "imp",
        "data",
        "info",
    ];
    for (path, _) in sources() {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(!banned.contains(&stem), "{} is a name that says nothing", path.display());
    }
}

#[test]
fn no_user_text_is_formatted_into_what_servers_run() {
    let remote = std::fs::read_to_string(root().join("crates/engine/src/remote.rs")).unwrap();
    let code = remote.split("#[cfg(test)]").next().unwrap();
    assert!(!code.contains("format!"), "remote.rs builds no text by formatting");
    let unsafe_word = ["un", "safe "].concat();
    for (path, text) in sources() {
        let used = text.lines().any(|line| line.trim_start().starts_with(&unsafe_word));
        assert!(!used, "{} has unsafe code", path.display());
    }
}

#[test]
fn concrete_parts_are_named_in_one_place() {
    let named = ["SshHosts::new", "GitSource::new", "Memory("];
    for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with("crates/aweigh/src")) {
        let wires =
            path.ends_with("wiring.rs") || path.components().any(|part| part.as_os_str() == "adapters");
        assert!(
            wires || !named.iter().any(|name| text.contains(name)),
            "{} puts parts together",
            path.display()
        );
    }
}

/// A table that people rely on names tests that there are.
#[test]
fn every_test_that_a_table_names_exists() {
    let tests: String = sources().into_iter().map(|(_, text)| text).collect();
    for table in ["docs/faults.md", "docs/attacks.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root().join(table)).unwrap();
        let named = text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::"));
        let names: BTreeSet<&str> = named
            .map(|(_, rest)| rest.rsplit("::").next().unwrap_or(rest))
            .filter(|name| {
                name.contains('_')
                    && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            })
            .collect();
        assert!(names.len() > 30, "{table}: {names:?}");
        for name in names {
            let is_there =
                tests.contains(&format!("fn {name}(")) || tests.contains(&format!("    {name}: \""));
            assert!(is_there, "{table} names {name}, and there is no such test");
        }
    }
}
