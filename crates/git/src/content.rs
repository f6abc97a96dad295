//! One file of a commit, and which paths a commit has.

use crate::{
    CommitId, Error, GitRepository,
    answers::Lasts,
    listing::{time_of, time_question},
    question::{Cut, Question},
};

/// Bytes of a commit, after the file, in which its time is looked for.
const COMMIT_HEAD: usize = 2048;

impl GitRepository {
    /// Tells for each path whether the tree of a commit has it, as a file or as a folder.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have the commit.
    pub async fn tracked(&self, commit: &CommitId, paths: &[&str]) -> Result<Vec<bool>, Error> {
        let mut args = vec!["-z", "--name-only", "--full-tree", commit.as_str(), "--"];
        // Without a path git would list the whole tree.
        args.extend(paths.iter().filter(|path| !path.is_empty()));
        if args.last() == Some(&"--") {
            return Ok(vec![false; paths.len()]);
        }
        let found = self.list(Lasts::Commits, "ls-tree", &args, |[name]| Ok(Some(name))).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => return Err(self.blame(commit, error).await),
        };
        // When a folder and a file in it are asked for, git lists the file alone.
        let is_in = |name: &str, path: &str| {
            name.strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || (!path.is_empty() && rest.starts_with('/')))
        };
        Ok(paths.iter().map(|path| found.iter().any(|name| is_in(name, path))).collect())
    }

    /// Reads one file of a commit, at most `limit` bytes of it; nothing when there is no file at that path.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have the commit; [`Error::Failed`] for a path with a line break.
    pub async fn content(&self, commit: &CommitId, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        if path.split('/').any(|part| matches!(part, "" | "." | "..") || part.contains('\0')) {
            return Ok(None);
        }
        let failed = |said: &str| Error::Failed { verb: "cat-file", said: said.into() };
        if path.contains('\n') {
            return Err(failed("a path with a line break cannot be asked for"));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let cut = Cut::Bytes(limit.saturating_add(COMMIT_HEAD));
        // Whoever reads the settings of a commit asks for its time soon, so that comes along.
        let input = format!("{commit}:{path}\n{commit}\n");
        let question = Question { verb: "cat-file", args: &["--batch"], input: Some(&input), cut };
        let heard = match self.ask(&question).await {
            Ok(heard) => heard,
            Err(error) => return Err(self.blame(commit, error).await),
        };
        let file = Object::first(&heard.said);
        // git says the same of a file that is not in the tree and of one that it should have and has not.
        if file.kind == b"missing" && self.tracked(commit, &[path]).await?.contains(&true) {
            return Err(failed("a file of the commit is missing"));
        }
        self.remember(&question, Lasts::Commits, &heard);
        if let Some(time) = Object::first(file.behind).committed() {
            let time = format!("{time}\n");
            self.remember_too(&time_question(&time_of(commit)), Lasts::Commits, &heard, time.as_bytes());
        }
        Ok((file.kind == b"blob").then(|| file.bytes.get(..limit).unwrap_or(file.bytes).to_vec()))
    }
}

/// One object as `git cat-file --batch` writes it; as much of it as was read.
struct Object<'o> {
    kind: &'o [u8],
    bytes: &'o [u8],
    /// What comes after it.
    behind: &'o [u8],
}

impl<'o> Object<'o> {
    fn first(said: &'o [u8]) -> Self {
        let (head, rest) = split_at_byte(said, b'\n');
        let mut words = head.rsplit(|byte| *byte == b' ');
        let last = words.next().unwrap_or_default();
        let size = str::from_utf8(last).ok().and_then(|size| size.parse::<usize>().ok());
        match (size, words.next()) {
            (Some(size), Some(kind)) => {
                let (bytes, behind) = rest.split_at_checked(size).unwrap_or((rest, &[]));
                Self { kind, bytes, behind: behind.strip_prefix(b"\n").unwrap_or_default() }
            }
            _ => Self { kind: last, bytes: &[], behind: rest },
        }
    }

    /// When a commit was made, if that is written as git writes it. Of anything odd git is asked.
    fn committed(&self) -> Option<i64> {
        let mut lines = self.bytes.split(|byte| *byte == b'\n').filter(|_| self.kind == b"commit");
        lines.next()?.strip_prefix(b"tree ")?;
        let mut line = lines.next()?;
        while line.starts_with(b"parent ") {
            line = lines.next()?;
        }
        line.strip_prefix(b"author ")?;
        let committer = lines.next()?.strip_prefix(b"committer ")?;
        // The line was read to its end.
        lines.next()?;
        let (_, address) = split_at_byte(committer, b'<');
        let (_, time) = split_at_byte(address, b'>');
        let (seconds, zone) = split_at_byte(time.strip_prefix(b" ")?, b' ');
        let is_plain = (1..=10).contains(&seconds.len())
            && seconds.iter().all(u8::is_ascii_digit)
            && zone.len() == 5
            && zone.iter().skip(1).all(u8::is_ascii_digit);
        str::from_utf8(seconds).ok().filter(|_| is_plain)?.parse().ok()
    }
}

/// What is before the first such byte, and what is after it.
fn split_at_byte(text: &[u8], byte: u8) -> (&[u8], &[u8]) {
    let (before, after) = text.split_at(text.iter().position(|other| *other == byte).unwrap_or(text.len()));
    (before, after.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_one_after_another() {
        let commit =
            "tree 1\nparent 2\nparent 3\nauthor A <a@b> 1 +0000\ncommitter B <b@c> 1700000000 -0130\n\nhi";
        let said = format!("12ab blob 3\na\nb\n34cd commit {}\n{commit}\n", commit.len());
        let file = Object::first(said.as_bytes());
        assert_eq!((file.kind, file.bytes), (&b"blob"[..], &b"a\nb"[..]));
        assert_eq!(Object::first(file.behind).committed(), Some(1_700_000_000));
        let said = format!("34cd:a b 7 missing\n34cd commit {}\n{commit}", commit.len());
        let file = Object::first(said.as_bytes());
        assert_eq!((file.kind, file.bytes), (&b"missing"[..], &b""[..]));
        assert_eq!(Object::first(file.behind).committed(), Some(1_700_000_000));
        for cut in [&b""[..], b"12ab", b"12ab blob 100\nab", b"12ab blob 2\nab"] {
            assert_eq!(Object::first(Object::first(cut).behind).committed(), None);
        }
    }

    #[test]
    fn an_odd_commit_has_no_time() {
        let check = |commit: &str, expected| {
            let said = format!("12ab commit {}\n{commit}", commit.len());
            assert_eq!(Object::first(said.as_bytes()).committed(), expected, "{commit}");
        };
        check("tree 1\nauthor A <a> 1 +0000\ncommitter B <b> 12 +0000\n\n", Some(12));
        for odd in [
            "tree 1\nauthor A <a> 1 +0000\ncommitter B <b> 12 +0000",
            "tree 1\nauthor A <a> 1 +0000\ncommitter B <b>> 12 +0000\n\n",
            "tree 1\nauthor A <a> 1 +0000\ncommitter B <b> 12 34 +0000\n\n",
            "tree 1\nauthor A <a> 1 +0000\ncommitter B <b> -12 +0000\n\n",
            "tree 1\nauthor A <a> 1 +0000\ncommitter B <b> 12345678901 +0000\n\n",
            "tree 1\nauthor A <a> 1 +0000\ncommitter B 12 +0000\n\n",
            "tree 1\nauthor A <a> 1 +0000\nauthor A <a> 1 +0000\ncommitter B <b> 12 +0000\n\n",
            "tree 1\ncommitter B <b> 12 +0000\n\n",
            "author A <a> 1 +0000\ncommitter B <b> 12 +0000\n\n",
        ] {
            check(odd, None);
        }
    }
}
