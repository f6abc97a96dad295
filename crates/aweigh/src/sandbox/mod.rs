//! The sandbox of builds and hooks on this machine. `aweigh serve` finds out what holds here ([`find`]); the driver starts
//! this program around each job, where it is two processes: one that keeps the job together and ends what it leaves
//! ([`keep`]), and one that builds the walls around itself and becomes the job ([`enter`]).

mod caller;
mod cgroup;
mod devices;
mod enter;
mod find;
mod folders;
mod keep;
mod landlock;
mod room;

pub use caller::is_confined;
pub use find::{BuildSettings, find, look};

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use engine::sandbox::Walls;

use crate::render::note;

/// The name of our own verb, which only the driver says: `confined FOLDER`, and to ourselves
/// `confined FOLDER ROOM [CGROUP]`. It is none of the words for people.
const VERB: &str = "confined";

/// How a job ends that could not be put into its sandbox.
const NOT_STARTED: u8 = 125;

/// The most processes of a job that says nothing about them: far more than a build needs, far less than ends a machine.
const PROCESSES: u32 = 4096;

/// Does what `words` say when they are those of a sandbox; answers the exit code.
pub fn run(words: &[OsString]) -> Option<u8> {
    let mut words = words.iter().skip(1);
    if words.next()? != VERB {
        return None;
    }
    let folder = Path::new(words.next()?);
    let ended = match words.next() {
        None => keep::keep(folder),
        Some(room) => Err(enter::enter(folder, Path::new(room), words.next().map(Path::new))),
    };
    Some(ended.unwrap_or_else(|error| {
        note(&format!("error: it could not be run in its sandbox: {error:#}"));
        NOT_STARTED
    }))
}

/// The walls that were noted for the job in the run folder `folder`.
fn walls(folder: &Path) -> anyhow::Result<Walls> {
    let path = folder.join("walls");
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", path.display()))
}
