//! What a tree may have besides the files that its commit itself has, and what it lacks when nobody asked for that.

use model::Build;

/// What is exported besides the files of a commit itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Besides {
    /// Submodules, and theirs.
    pub submodules: bool,
    /// The files that Git LFS keeps, in the place of their pointers.
    pub lfs: bool,
}

impl Besides {
    /// What these settings ask for.
    pub fn of(build: &Build) -> Self {
        Self { submodules: build.submodules, lfs: build.lfs }
    }

    /// Whether anything is asked for.
    pub fn is_any(self) -> bool {
        self.submodules || self.lfs
    }
}

/// A tree that was exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// The commit's time, in seconds since 1970.
    pub mtime: i64,
    /// What it lacks.
    pub left_out: LeftOut,
}

/// What a tree names and does not have, as far as it was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Whether it has submodules that are empty folders.
    pub submodules: bool,
    /// How many files are pointers of Git LFS.
    pub pointers: u64,
}

impl LeftOut {
    /// What to tell of it; nothing where nothing is left out.
    pub fn lines(self) -> Vec<String> {
        let submodules = self.submodules.then(|| {
            "the commit has submodules, which stay empty folders: submodules = true in its build brings them along"
                .to_owned()
        });
        let pointers = match self.pointers {
            0 => None,
            1 => Some(
                "1 file is a pointer of Git LFS: lfs = true in the build brings what it stands for"
                    .to_owned(),
            ),
            many => Some(format!(
                "{many} files are pointers of Git LFS: lfs = true in the build brings what they stand for"
            )),
        };
        submodules.into_iter().chain(pointers).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_with_the_key_that_brings_it() {
        let lines = |submodules, pointers| LeftOut { submodules, pointers }.lines().join("\n");
        assert_eq!(lines(false, 0), "");
        assert!(lines(true, 0).contains("submodules = true"));
        assert!(lines(false, 1).starts_with("1 file is a pointer of Git LFS: lfs = true"));
        assert_eq!(lines(true, 2).lines().count(), 2);
    }
}
