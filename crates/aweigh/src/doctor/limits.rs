//! What may run out: room on the disk, open files; and the clock.

use std::path::Path;
use std::time::{Duration, SystemTime};

use actions::{Health, MachineFinding};
use engine::room;
use nix::sys::resource::{Resource, getrlimit};

use super::{found, ok};
use crate::config::Settings;
use crate::server::OPEN_FILES;

const MEBIBYTE: u64 = 1 << 20;

/// How far the clock may be behind what was written before.
const SLACK: Duration = Duration::from_mins(1);

/// Looks at all three.
pub(super) fn look(settings: &Settings) -> Vec<MachineFinding> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((0, 0));
    vec![
        disk(&settings.data, settings.disk_reserve),
        open_files(most),
        clock(&settings.data, SystemTime::now()),
    ]
}

fn disk(data: &Path, reserve: u64) -> MachineFinding {
    // The folder may not be there yet; the disk is.
    let there = data.ancestors().find(|folder| folder.exists()).unwrap_or(data);
    let free = match room::free(there) {
        Ok(free) => free,
        Err(error) => {
            return found(
                "disk",
                Health::Failed,
                format!("{} cannot be asked: {error}", there.display()),
                "look at the disk",
            );
        }
    };
    let detail = format!(
        "{} MiB are free, and {} MiB are kept for rollbacks",
        free / MEBIBYTE,
        reserve.div_ceil(MEBIBYTE)
    );
    let hint = "free some, or say less in [limits] disk_reserve";
    if free < reserve {
        found("disk", Health::Failed, format!("{detail}: no release begins"), hint)
    } else if free / 2 < reserve {
        found("disk", Health::Warning, detail, hint)
    } else {
        ok("disk", detail)
    }
}

fn open_files(most: u64) -> MachineFinding {
    if most >= OPEN_FILES {
        return ok("open files", format!("{most} may be open"));
    }
    let detail = format!("only {most} may be open: each viewer and each server is one");
    found("open files", Health::Warning, detail, format!("under systemd: LimitNOFILE={OPEN_FILES}"))
}

/// Tokens, sessions and locks end by the clock.
fn clock(data: &Path, now: SystemTime) -> MachineFinding {
    // What is written is in the log of the database first, and may stay there for days.
    let modified = |name| std::fs::metadata(data.join(name)).and_then(|about| about.modified()).ok();
    let written = ["aweigh.db", "aweigh.db-wal"].into_iter().filter_map(modified).max();
    let behind = written.and_then(|written| written.duration_since(now).ok()).unwrap_or_default();
    let shown = jiff::Timestamp::try_from(now).map(|now| format!("{now:.0}")).unwrap_or_default();
    if behind > SLACK {
        let detail = format!("it is {shown}, which is before the database was last written");
        return found(
            "clock",
            Health::Warning,
            detail,
            "let the machine keep its time, for example: timedatectl set-ntp true",
        );
    }
    ok("clock", format!("{shown}, which is not before what was written last"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_has_failed_and_a_filling_one_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let free = room::free(folder.path()).unwrap();
        let at = |reserve| disk(folder.path(), reserve).health;
        assert_eq!((at(0), at(free / 3 * 2), at(u64::MAX)), (Health::Ok, Health::Warning, Health::Failed));
        assert_eq!(disk(&folder.path().join("not/there/yet"), 0).health, Health::Ok);
    }

    #[test]
    fn a_clock_behind_what_was_written_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("aweigh.db"), "").unwrap();
        let at = |now| clock(folder.path(), now).health;
        let now = SystemTime::now();
        assert_eq!((at(now), at(now - Duration::from_hours(24))), (Health::Ok, Health::Warning));
        // A database of yesterday, whose log was written just now.
        let database = std::fs::File::options().write(true).open(folder.path().join("aweigh.db")).unwrap();
        database.set_modified(now - Duration::from_hours(24)).unwrap();
        let before = now - Duration::from_hours(12);
        assert_eq!(at(before), Health::Ok);
        std::fs::write(folder.path().join("aweigh.db-wal"), "").unwrap();
        assert_eq!(at(before), Health::Warning);
        assert_eq!((open_files(1024).health, open_files(OPEN_FILES).health), (Health::Warning, Health::Ok));
    }
}
