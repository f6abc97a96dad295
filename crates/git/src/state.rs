//! What a mirror looks like from outside: when that has not changed, neither have its refs.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

/// The most files and folders that are looked at. A fetch packs the refs long before there are so many of them.
const MOST: usize = 300;

/// One file or folder: which it is, and when it was changed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    inode: u64,
    size: u64,
    modified: Time,
    changed: Time,
}

/// A point in time as a file system writes it: seconds, and nanoseconds.
type Time = (i64, i64);

/// What a mirror looks like.
///
/// It proves that nothing has changed since an equal one was taken, when that one [has settled](State::has_settled):
///
/// - git never writes into a file that holds refs, objects or settings. It makes a new one beside it and renames it over
///   the old one, which changes the time of the folder. So the folder of the repository (`HEAD`, `packed-refs`,
///   `config`) and all folders below `refs` (below `reftable` where a newer git keeps refs there) show each change of
///   git, whoever runs it. The files are looked at besides, for whoever writes into them by hand.
/// - `objects/pack` changes when objects come, since a fetch keeps them as a pack, and when they are thrown away.
/// - A folder is looked at before what is in it, so what comes in between changes the folder afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// All that is looked at.
    pub(crate) all: Vec<Seen>,
    /// The folder of packs alone.
    pub(crate) packs: Seen,
    /// How many files with refs there are, `packed-refs` aside.
    pub(crate) loose: usize,
    /// The time of the file system just before all this was looked at; nothing when it was not asked for.
    taken: Option<Time>,
}

impl State {
    /// Looks at a mirror; nothing when it is not there, is being changed at this moment, or has more in it than is
    /// looked at. A few microseconds.
    pub(crate) fn of(git_dir: &Path) -> Option<Self> {
        let seen = |name: &str| Some(Seen::new(&fs::metadata(git_dir.join(name)).ok()?));
        let packs = seen("objects/pack")?;
        let packed =
            seen("packed-refs").unwrap_or(Seen { inode: 0, size: 0, modified: (0, 0), changed: (0, 0) });
        let mut all = vec![packs, Seen::new(&fs::metadata(git_dir).ok()?), seen("HEAD")?, packed];
        let mut loose = 0;
        look_below(&git_dir.join("refs"), &mut all, &mut loose)?;
        let reftable = git_dir.join("reftable");
        if reftable.exists() {
            look_below(&reftable, &mut all, &mut loose)?;
        }
        Some(Self { all, packs, loose, taken: None })
    }

    /// The same, and able to settle. `beside` is a folder on the same file system.
    pub(crate) fn with_time(beside: &Path, git_dir: &Path) -> Option<Self> {
        // The file system itself says what time it is there, whatever its clock and however coarse it is. The file has
        // no name, so no folder changes by it.
        let clock = tempfile::tempfile_in(beside).and_then(|file| file.metadata());
        let mut state = Self::of(git_dir)?;
        state.taken = clock.ok().map(|clock| Seen::new(&clock).youngest());
        Some(state)
    }

    /// Tells whether every later change shows. File systems write times in steps, of some milliseconds mostly: two
    /// changes in one step look like one. So this is only true when everything that was seen had been changed before the
    /// step in which it was looked at; then a change after that look has a later time. git calls this "racy".
    pub(crate) fn has_settled(&self) -> bool {
        let youngest = self.all.iter().map(Seen::youngest).max();
        youngest.zip(self.taken).is_some_and(|(youngest, taken)| youngest < taken)
    }
}

impl Seen {
    fn new(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            // Nobody can set this one back.
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn youngest(&self) -> Time {
        self.modified.max(self.changed)
    }
}

#[cfg(test)]
impl State {
    /// The `refs` of a state that has not settled.
    pub(crate) const YOUNG: i64 = i64::MAX;

    /// A state that differs from others in its refs or in its packs.
    pub(crate) fn made_up(refs: i64, packs: i64) -> Self {
        let seen = |at| Seen { inode: 1, size: 1, modified: (at, 0), changed: (at, 0) };
        Self {
            all: vec![seen(packs), seen(refs)],
            packs: seen(packs),
            loose: 0,
            taken: Some((Self::YOUNG, 0)),
        }
    }
}

fn look_below(folder: &Path, all: &mut Vec<Seen>, loose: &mut usize) -> Option<()> {
    all.push(Seen::new(&fs::metadata(folder).ok()?));
    for entry in fs::read_dir(folder).ok()? {
        let entry = entry.ok()?;
        let kind = entry.file_type().ok()?;
        if all.len() >= MOST {
            return None;
        } else if kind.is_dir() {
            look_below(&entry.path(), all, loose)?;
        } else if kind.is_file() {
            all.push(Seen::new(&entry.metadata().ok()?));
            *loose += 1;
        } else {
            // Where a link leads is not looked at.
            return None;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn mirror() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["objects/pack", "refs/heads/feature", "refs/tags"] {
            fs::create_dir_all(folder.path().join("m.git").join(name)).unwrap();
        }
        for name in ["HEAD", "packed-refs", "refs/heads/main", "refs/heads/feature/x"] {
            fs::write(folder.path().join("m.git").join(name), "1").unwrap();
        }
        folder
    }

    #[test]
    fn everything_that_can_hold_a_ref_is_looked_at() {
        let folder = mirror();
        let git_dir = folder.path().join("m.git");
        let look = || State::of(&git_dir).unwrap();
        assert_eq!(look(), look());
        assert_eq!(look().loose, 2);
        let check = |what: &str, change: &dyn Fn()| {
            let before = look();
            // A change within one step of the clock may not show, so each is made until it does.
            let shown = (0..100_000).any(|_| {
                change();
                look() != before
            });
            assert!(shown, "{what}");
        };
        let write = |name: &str, text: &str| fs::write(git_dir.join(name), text).unwrap();
        check("HEAD", &|| write("HEAD", "2"));
        check("packed refs", &|| write("packed-refs", "2"));
        check("a loose ref", &|| write("refs/heads/main", "2"));
        check("a loose ref in a folder", &|| write("refs/heads/feature/x", "2"));
        check("a new loose ref", &|| write("refs/tags/v1", "1"));
        check("no packed refs", &|| drop(fs::remove_file(git_dir.join("packed-refs"))));
        let pack = git_dir.join("objects/pack/x.pack");
        check("a pack that came and went", &|| {
            fs::write(&pack, "1").unwrap();
            fs::remove_file(&pack).unwrap();
        });
        fs::create_dir(git_dir.join("reftable")).unwrap();
        check("another kind of refs", &|| write("reftable/tables.list", "1"));
    }

    #[test]
    fn what_cannot_be_looked_at_is_no_state() {
        let folder = mirror();
        let git_dir = folder.path().join("m.git");
        assert!(State::of(&folder.path().join("nothing")).is_none());
        std::os::unix::fs::symlink("/etc", git_dir.join("refs/link")).unwrap();
        assert!(State::of(&git_dir).is_none());
        fs::remove_file(git_dir.join("refs/link")).unwrap();
        assert!(State::of(&git_dir).is_some());
        for number in 0..MOST {
            fs::write(git_dir.join(format!("refs/heads/{number}")), "1").unwrap();
        }
        assert!(State::of(&git_dir).is_none());
    }

    #[test]
    fn what_was_changed_in_the_step_in_which_it_is_looked_at_has_not_settled() {
        let state = |changed: Time, taken: Option<Time>| {
            let old = Seen { inode: 1, size: 1, modified: (7, 0), changed: (7, 0) };
            let all = vec![old, Seen { changed, ..old }, Seen { modified: changed, ..old }, old];
            State { all, packs: old, loose: 0, taken }
        };
        assert!(state((9, 999_999_999), Some((10, 0))).has_settled());
        assert!(state((10, 3_999_999), Some((10, 4_000_000))).has_settled());
        assert!(!state((10, 0), Some((10, 0))).has_settled(), "a clock of whole seconds");
        assert!(!state((10, 4), Some((10, 4))).has_settled());
        assert!(!state((11, 0), Some((10, 0))).has_settled(), "a clock that was set back");
        assert!(!state((9, 0), None).has_settled(), "a time that nobody knows");
    }

    #[test]
    fn a_mirror_settles_by_the_time_of_its_file_system() {
        let folder = mirror();
        let git_dir = folder.path().join("m.git");
        let has_settled = || State::with_time(folder.path(), &git_dir).unwrap().has_settled();
        assert!((0..100_000).any(|_| has_settled()));
        let main = fs::File::options().write(true).open(git_dir.join("refs/heads/main")).unwrap();
        main.set_modified(SystemTime::now() + Duration::from_hours(1)).unwrap();
        assert!(!(0..1000).any(|_| has_settled()));
        assert!(!State::of(&git_dir).unwrap().has_settled());
    }
}
