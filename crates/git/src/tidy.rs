//! Keeps a mirror quick to read and small, after a fetch.

use std::fs;

use crate::{Error, GitRepository, lock::Lock, running::Running, state::State};

/// Files with refs from which on they are packed into one: a look at the mirror is a look at each.
const MANY_LOOSE: usize = 30;

/// `git gc --auto` does nothing before there are 50 packs, or 27 files in one of the 256 folders of loose objects
/// (`gc.autoPackLimit`, `gc.auto`). With clearly fewer it need not even be asked.
const FEW_PACKS: usize = 40;
const FEW_OBJECTS: usize = 20;

impl GitRepository {
    /// Packs many loose refs, and lets git pack the objects when it thinks that it is time.
    pub(crate) async fn tidy_up(&self, lock: &Lock) -> Result<(), Error> {
        if State::of(&self.git.mirror).is_none_or(|state| state.loose > MANY_LOOSE) {
            self.run(lock, "pack-refs", &["--all"]).await?;
        }
        let count = |folder: &str, ending: &str| {
            let entries = fs::read_dir(self.git.mirror.join(folder)).into_iter().flatten().flatten();
            entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(ending)).count()
        };
        // Ids are spread evenly, so one folder tells of all; git itself looks into this one.
        if count("objects/pack", ".pack") > FEW_PACKS || count("objects/17", "") > FEW_OBJECTS {
            self.run(lock, "gc", &["--auto", "--quiet"]).await?;
        }
        Ok(())
    }

    async fn run(&self, lock: &Lock, verb: &'static str, args: &[&str]) -> Result<(), Error> {
        let mut command = self.git.command(verb);
        command.args(args).stdin(lock.stdin()?);
        Running::start(verb, command)?.finish(&self.limits(), &mut |_| (), &mut |_| ()).await.map(drop)
    }
}
