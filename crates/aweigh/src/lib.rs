//! Self-hosted code releases: the binary.
//!
//! In reading order: [`cli`] (the words), [`commands`] (what each verb does), [`exit`] (how it ended),
//! [`client`] (how the commands reach the server), [`fleet_file`] (the file of `apply`), [`import`] (files of other tools),
//! [`follow`] and [`render`] (a release as people watch it), [`advice`] (what we refuse ourselves), `raw_mode` (the terminal
//! during `shell`), and for `serve` and `demo` [`config`], [`logging`], [`places`], [`sandbox`], [`doctor`], [`server`],
//! [`demo`], and [`wiring`], the one file that puts the parts of the house together by [`adapters`]. Both files are read
//! through [`toml_text`].

pub mod adapters;
pub mod advice;
pub mod cli;
pub mod client;
pub mod commands;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod exit;
pub mod fleet_file;
pub mod follow;
pub mod import;
pub mod logging;
pub mod places;
mod raw_mode;
pub mod render;
pub mod sandbox;
pub mod server;
pub mod toml_text;
pub mod typed;
pub mod upkeep;
pub mod wiring;

use std::ffi::OsString;

use clap::Parser;
use exit::Ending;
use render::clean::one_line;
use render::note;

/// Runs one command line and answers its exit code (DESIGN section 7).
pub fn run(words: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<OsString> = words.into_iter().collect();
    if let Some(code) = sandbox::run(&words) {
        return code;
    }
    let cli = match cli::Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return told(&error),
    };
    let ended = commands::run(cli).unwrap_or_else(|error| {
        match error.downcast_ref::<clap::Error>() {
            Some(error) => _ = told(error),
            None => report(&error),
        }
        exit::of_error(&error)
    });
    exit::code(ended)
}

/// Prints what the parser of the words says: help to standard output, mistakes to standard error.
fn told(error: &clap::Error) -> u8 {
    // Where nobody reads, nothing can be said.
    error.print().unwrap_or_default();
    if error.use_stderr() { exit::code(Ending::Usage) } else { exit::code(Ending::Done) }
}

/// Says why a command failed: a sentence, the fields that are wrong, and what to do next.
fn report(error: &anyhow::Error) {
    if exit::of_error(error) == Ending::Done {
        return;
    }
    note(&format!("error: {}", one_line(&format!("{error:#}"))));
    let (lines, hint) = if let Some(error) = error.downcast_ref::<fleet_file::Error>() {
        (error.lines(), None)
    } else if let Some(error) = error.downcast_ref::<config::FileError>() {
        (error.lines(), None)
    } else if let Some(error) = error.downcast_ref::<client::Error>() {
        (error.fields(), error.hint())
    } else {
        (Vec::new(), error.downcast_ref::<advice::Advised>().map(|error| error.hint().to_owned()))
    };
    for line in lines {
        note(&format!("  {}", one_line(&line)));
    }
    if let Some(hint) = hint.filter(|hint| !hint.is_empty()) {
        note(&format!("hint: {}", one_line(&hint)));
    }
}
