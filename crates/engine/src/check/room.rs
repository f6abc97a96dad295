//! How much room is left on the disk of a folder, beside what a release needs.

use super::Finding;

/// With less room than this nothing can be done at all, in bytes.
const NOTHING: u64 = 1024 * 1024;

/// What is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Free {
    bytes: u64,
    /// Missing where the file system makes them as it needs them.
    inodes: Option<u64>,
}

impl Free {
    /// Free blocks, their size, free inodes and all inodes, which are 0 where nobody counts them.
    pub(super) fn read(value: &str) -> Option<Self> {
        let numbers: Vec<u64> = value.split(' ').map_while(|word| word.parse().ok()).collect();
        let [blocks, size, inodes, all] = numbers.try_into().ok()?;
        Some(Self { bytes: blocks.saturating_mul(size), inodes: (all != 0).then_some(inodes) })
    }
}

/// Judges what is free; `artifact` is how large the newest one is, in files and in bytes.
pub(super) fn judge(what: String, free: Option<Free>, artifact: Option<(u64, u64)>) -> Finding {
    let Some(free) = free else {
        return Finding::worth(what, "how much room is left cannot be found out");
    };
    let inodes = free.inodes.map_or(String::new(), |inodes| format!(", and {inodes} inodes"));
    let told = format!("{} free{inodes}", size(free.bytes));
    let make_room = "make room there; old releases go when `keep` is smaller";
    if free.bytes < NOTHING || free.inodes == Some(0) {
        return Finding::bad(what, told).hint(make_room);
    }
    let Some((files, bytes)) = artifact else { return Finding::good(what, told) };
    let needs = format!("{told}; the newest artifact has {files} files of {} together", size(bytes));
    if free.bytes < bytes || free.inodes.is_some_and(|inodes| inodes < files) {
        return Finding::worth(what, needs).hint(make_room);
    }
    Finding::good(what, needs)
}

/// Bytes for people: `12.3 GiB`.
fn size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (unit, shift) in units {
        if bytes >> shift > 0 {
            let tenths = (bytes >> (shift - 10)).saturating_mul(10) >> 10;
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    #[test]
    fn room_is_compared_with_the_newest_artifact() {
        let disk = |room: &str, artifact| {
            let finding = judge("disk".to_owned(), Free::read(room), artifact);
            (finding.verdict, finding.detail)
        };
        let told = |verdict, detail: &str| (verdict, detail.to_owned());
        assert_eq!(disk("1000000 4096 500 900", None), told(Verdict::Ok, "3.8 GiB free, and 500 inodes"));
        assert_eq!(
            disk("1000000 4096 0 0", None),
            told(Verdict::Ok, "3.8 GiB free"),
            "btrfs counts no inodes"
        );
        assert_eq!(disk("10 4096 500 900", None).0, Verdict::Failed);
        assert_eq!(disk("1000000 4096 0 900", None).0, Verdict::Failed);
        assert_eq!(disk("1000000 4096 500 900", Some((501, 10))).0, Verdict::Warning);
        assert_eq!(
            disk("1000 4096 500 900", Some((10, 5 << 20))),
            told(
                Verdict::Warning,
                "3.9 MiB free, and 500 inodes; the newest artifact has 10 files of 5.0 MiB together"
            )
        );
        assert_eq!(disk("", None).0, Verdict::Warning);
        assert_eq!(disk("x y", None).0, Verdict::Warning);
    }
}
