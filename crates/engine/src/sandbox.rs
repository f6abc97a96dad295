//! The sandbox of what users have run on the machine of Aweigh, builds and hooks: what was found to hold here, and the
//! walls of one job. It is only said here what they are. They are built by our own program, which the driver starts
//! around the job.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::run::Run;

/// The highest level there is.
pub const HIGHEST: u8 = 2;

/// What holds on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sandbox {
    /// 0: a clean environment, limits, and an end for everything that a job starts. 1: a user of its own, too. 2: only its
    /// own folders and those of the system can be opened.
    pub level: u8,
    /// The least that builds and hooks may run with.
    pub least: u8,
    /// The level and what it is made of, in one line.
    pub words: String,
    /// Why it is not more, and what is missing; each with what to do.
    pub missing: Vec<String>,
    /// Our own program.
    #[serde(skip)]
    pub program: PathBuf,
    /// What the walls of every job have in common.
    #[serde(skip)]
    pub walls: Walls,
}

/// What is built around one job. It crosses to our own program as one line of JSON, through a file that the job cannot
/// change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// Files are closed but for the folders below; without it nothing is started where the kernel cannot do that.
    pub files: bool,
    /// It has terminals and shared memory of its own; without it nothing is started where it cannot have them.
    pub devices: bool,
    /// The user it runs as; `None` for the one of Aweigh.
    pub user: Option<String>,
    /// The cgroup (version 2) below which it gets one of its own.
    pub cgroup: Option<PathBuf>,
    /// What it may read besides the folders of the system.
    pub read: Vec<PathBuf>,
    /// What it may change besides its own folders.
    pub write: Vec<PathBuf>,
    /// What it must not reach, wherever that lies: the data folder.
    pub hidden: PathBuf,
    /// Its own folders, which are given to its user.
    pub own: Vec<PathBuf>,
    /// Where its script and its TMPDIR are made, and removed at the end.
    pub rooms: PathBuf,
    /// The most memory, in bytes, of all its processes together; asked of the cgroup.
    pub memory: Option<u64>,
    /// The most processes.
    pub processes: Option<u32>,
}

impl Sandbox {
    /// Why nothing is run here, when less holds than has to.
    pub fn refusal(&self) -> Option<Failure> {
        (self.level < self.least).then(|| {
            let what = format!(
                "builds and hooks on this machine need sandbox level {}, and only level {} holds",
                self.least, self.level
            );
            Failure::new(what)
                .hint(format!("{}; or lower build.min_sandbox in server.toml", self.missing.join("; ")))
        })
    }

    /// The program that builds `walls`, and `walls`, as they are told to the driver.
    ///
    /// # Errors
    /// A path that is no text.
    pub fn line(&self, walls: &Walls) -> Result<(String, String), Failure> {
        let not_text =
            || Failure::new(format!("{} is no path of ordinary characters", self.program.display()));
        // Without a program the driver would start the job as it is.
        let program = self.program.to_str().filter(|path| !path.is_empty()).ok_or_else(not_text)?;
        let walls = serde_json::to_string(walls);
        Ok((
            program.to_owned(),
            walls.map_err(|error| Failure::new(format!("the sandbox of a job: {error}")))?,
        ))
    }

    /// The walls of a job of `run` whose own folder is `folder`.
    pub fn around(&self, run: &Run, folder: PathBuf) -> Walls {
        let build = &run.plan.environment.build;
        Walls {
            own: vec![folder, run.home()],
            rooms: run.work().join("rooms"),
            memory: build.memory,
            processes: build.processes,
            ..self.walls.clone()
        }
    }
}
