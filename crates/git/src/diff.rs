//! Diff: the files that differ between two commits, with counts of lines, and the patch. Nothing that a repository says
//! of its files runs: no conversion to text, no other program, no colour.

use crate::{
    CommitId, Error, GitRepository,
    fields::{Fields, records},
};

/// How two trees are compared. What was renamed is looked for among a thousand files at most: git compares each with each.
const COMPARE: &[&str] =
    &["-r", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "-l1000", "--submodule=short"];

/// Fields that end with NUL which git writes for one file, at most.
const FIELDS: usize = 3;

/// What differs between two commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The files, in the order of git.
    pub files: Vec<FileDiff>,
    /// Whether there are more than are listed.
    pub more: bool,
}

/// A file that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// `A`dded, `D`eleted, `M`odified, `R`enamed, or of another `T`ype now.
    pub status: char,
    /// The path, for a deleted file the one that it had. What is not UTF-8 in it is replaced; it may have any character
    /// but NUL.
    pub path: String,
    /// The path before, of a renamed file.
    pub before: Option<String>,
    /// How many lines came and went; nothing for a binary file.
    pub lines: Option<LineCounts>,
}

/// How many lines differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Lines that came.
    pub added: u64,
    /// Lines that went.
    pub deleted: u64,
}

/// A patch, as `git apply` reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// The bytes, whole lines. Binary files are named, and their bytes left out.
    pub text: Vec<u8>,
    /// Whether there is more of it.
    pub more: bool,
}

impl GitRepository {
    /// Lists the files that differ between two commits, `most` of them at most. What comes behind is not looked at.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have one of them.
    pub async fn diff(&self, from: &CommitId, to: &CommitId, most: usize) -> Result<Diff, Error> {
        let (kinds, counts) = tokio::try_join!(
            self.compared("--raw", from, to, most),
            self.compared("--numstat", from, to, most)
        )?;
        let mut files: Vec<FileDiff> =
            kinds.iter().zip(&counts).map(|(kind, count)| file(kind, count)).collect();
        let more = files.len() > most;
        files.truncate(most);
        Ok(Diff { files, more })
    }

    /// The patch that leads from one commit to another, `most` bytes of it at most. What comes behind is not made.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have one of them.
    pub async fn patch(&self, from: &CommitId, to: &CommitId, most: usize) -> Result<Patch, Error> {
        let mut text = Vec::new();
        let take = |bytes: &[u8]| {
            let room = most.saturating_sub(text.len());
            text.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            bytes.len() <= room
        };
        let whole = self.compare("--patch", from, to, take).await?;
        if !whole {
            let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            text.truncate(end);
        }
        Ok(Patch { text, more: !whole })
    }

    /// What git says of each file in one of its formats, of one file more than `most`.
    async fn compared(
        &self,
        format: &'static str,
        from: &CommitId,
        to: &CommitId,
        most: usize,
    ) -> Result<Vec<Compared>, Error> {
        let mut fields = Fields::default();
        let enough = most.saturating_add(1).saturating_mul(FIELDS);
        let take = |bytes: &[u8]| {
            fields.feed(bytes);
            fields.ended() < enough
        };
        self.compare(format, from, to, take).await?;
        let fields = records::<1>(&fields.end());
        let mut compared = read(fields.into_iter().map(|[field]| field));
        compared.truncate(most.saturating_add(1));
        Ok(compared)
    }

    /// Compares two commits until `take` has enough; answers whether it has got all.
    async fn compare(
        &self,
        format: &'static str,
        from: &CommitId,
        to: &CommitId,
        take: impl FnMut(&[u8]) -> bool + Send,
    ) -> Result<bool, Error> {
        let mut args = COMPARE.to_vec();
        if format != "--patch" {
            args.push("-z");
        }
        args.extend([format, "--end-of-options", from.as_str(), to.as_str(), "--"]);
        match self.read_while("diff-tree", &args, take).await {
            Ok(whole) => Ok(whole),
            Err(error) => {
                let error = self.blame(from, error).await;
                Err(self.blame(to, error).await)
            }
        }
    }
}

/// What one format says of one file: the head of the record, and its paths.
struct Compared {
    head: String,
    path: String,
    before: Option<String>,
}

/// Reads records of `--raw -z` and of `--numstat -z`: `:MODE MODE ID ID STATUS` with one path or two behind it, or
/// `ADDED TAB DELETED TAB` with the path right behind it, or with two after it when there is none. A record that was
/// cut is left out.
fn read(mut fields: impl Iterator<Item = String>) -> Vec<Compared> {
    let mut compared = Vec::new();
    while let Some(field) = fields.next() {
        let (head, path) = if field.starts_with(':') {
            let is_renamed = field.rsplit(' ').next().is_some_and(|status| status.starts_with('R'));
            let path = if is_renamed { None } else { fields.next() };
            (field, path)
        } else {
            let path = field.splitn(3, '\t').nth(2).unwrap_or_default().to_owned();
            (field, Some(path).filter(|path| !path.is_empty()))
        };
        let one = if let Some(path) = path {
            Compared { head, path, before: None }
        } else {
            let (Some(before), Some(path)) = (fields.next(), fields.next()) else { break };
            Compared { head, path, before: Some(before) }
        };
        compared.push(one);
    }
    compared
}

/// Puts together what the two formats say.
fn file(kind: &Compared, count: &Compared) -> FileDiff {
    let status = kind.head.rsplit(' ').next().and_then(|status| status.chars().next()).unwrap_or('M');
    let mut counts = count.head.splitn(3, '\t').map(|number| number.parse::<u64>().ok());
    let lines = match (counts.next().flatten(), counts.next().flatten()) {
        (Some(added), Some(deleted)) => Some(LineCounts { added, deleted }),
        _ => None,
    };
    FileDiff { status, path: kind.path.clone(), before: kind.before.clone(), lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, expected: &[(&str, &str, Option<&str>)]) {
        let compared = read(said.split_terminator('\0').map(str::to_owned));
        let shown: Vec<(&str, &str, Option<&str>)> = compared
            .iter()
            .map(|one| (one.head.as_str(), one.path.as_str(), one.before.as_deref()))
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn records_are_told_apart_whatever_a_path_is() {
        check(
            ":1 1 a b M\0:odd\0:1 1 a a R100\0x\0y\0",
            &[(":1 1 a b M", ":odd", None), (":1 1 a a R100", "y", Some("x"))],
        );
        check(
            "1\t0\tn\tl\n\x000\t0\t\0x\0y\0-\t-\tbin\0",
            &[("1\t0\tn\tl\n", "n\tl\n", None), ("0\t0\t", "y", Some("x")), ("-\t-\tbin", "bin", None)],
        );
    }

    #[test]
    fn a_record_that_was_cut_is_left_out() {
        check(":1 1 a b M\0a\0:1 1 a a R100\0x\0", &[(":1 1 a b M", "a", None)]);
        check("1\t0\ta\x000\t0\t\0x\0", &[("1\t0\ta", "a", None)]);
    }
}
