//! Listings: branches, tags, the last commits, and what changed between two of them. One run of git each.

use crate::{CommitId, Error, GitRepository, fields::Fields, plain::plain};

/// How `git log` writes a commit for us.
const COMMIT: &str = "--format=tformat:%H%x00%h%x00%an%x00%ct%x00%s%x00";

/// Characters of a summary that are shown.
const LONGEST_SUMMARY: usize = 500;

/// The most bytes of names that a difference may have.
const MOST_NAMES: usize = 16 * 1024 * 1024;

/// Characters of an author's name that are shown.
const LONGEST_AUTHOR: usize = 200;

/// A commit as a list shows it. The texts are one line each and have no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The full id.
    pub id: CommitId,
    /// As many digits as are needed here and now.
    pub short: String,
    /// The author's name, at most 200 characters.
    pub author: String,
    /// When it was committed, in seconds since 1970.
    pub date: i64,
    /// The first paragraph of the message as one line, at most 500 characters.
    pub summary: String,
}

/// A branch and its newest commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The name without `refs/heads/`.
    pub name: String,
    /// The newest commit.
    pub commit: Commit,
}

/// A tag and the commit that it marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The name without `refs/tags/`.
    pub name: String,
    /// When an annotated tag was made, else the date of the commit; in seconds since 1970.
    pub date: i64,
    /// The commit.
    pub commit: Commit,
}

/// A file that differs between two commits. A renamed one is deleted and added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `A`dded, `D`eleted, `M`odified, or of another `T`ype now.
    pub status: char,
    /// The path in the tree. What is not UTF-8 in it is replaced.
    pub path: String,
}

impl GitRepository {
    /// Lists the branches, newest commit first.
    pub async fn branches(&self) -> Result<Vec<Branch>, Error> {
        let format = "--format=%(refname:strip=2)%00%(objectname)%00%(objectname:short)%00%(authorname)%00\
                      %(committerdate:unix)%00%(contents:subject)%00";
        let args = ["--sort=refname", "--sort=-committerdate", format, "refs/heads"];
        let mut fields = Fields::default();
        self.read("for-each-ref", &args, None, |bytes| fields.feed(bytes)).await?;
        let branches = fields.records().into_iter();
        branches.map(|[name, rest @ ..]: [String; 6]| Ok(Branch { name, commit: commit(rest)? })).collect()
    }

    /// Lists the tags of commits, newest first.
    pub async fn tags(&self) -> Result<Vec<Tag>, Error> {
        // The fields with a star belong to what an annotated tag marks.
        let format = "--format=%(refname:strip=2)%00%(creatordate:unix)%00%(if)%(*objectname)%(then)\
                      %(*objecttype)%00%(*objectname)%00%(*objectname:short)%00%(*authorname)%00\
                      %(*committerdate:unix)%00%(*contents:subject)%00%(else)\
                      %(objecttype)%00%(objectname)%00%(objectname:short)%00%(authorname)%00\
                      %(committerdate:unix)%00%(contents:subject)%00%(end)";
        let args = ["--sort=refname", "--sort=-creatordate", format, "refs/tags"];
        let mut fields = Fields::default();
        self.read("for-each-ref", &args, None, |bytes| fields.feed(bytes)).await?;
        let tags = fields.records().into_iter();
        tags.filter(|[_, _, kind, ..]: &[String; 8]| kind == "commit")
            .map(|[name, date, _, rest @ ..]| Ok(Tag { name, date: seconds(&date), commit: commit(rest)? }))
            .collect()
    }

    /// Lists the history of a commit, itself first, `limit` commits at most.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have it.
    pub async fn commits(&self, of: &CommitId, limit: usize) -> Result<Vec<Commit>, Error> {
        let limit = format!("-n{limit}");
        let args = ["--no-show-signature", COMMIT, &limit, "--end-of-options", of.as_str(), "--"];
        let mut fields = Fields::default();
        if let Err(error) = self.read("log", &args, None, |bytes| fields.feed(bytes)).await {
            return Err(self.blame(of, error).await);
        }
        fields.records().into_iter().map(commit).collect()
    }

    /// Lists what is in the history of `of` and not in that of `without`, newest first, `limit` commits at most.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have one of them.
    pub async fn commits_without(
        &self,
        of: &CommitId,
        without: &CommitId,
        limit: usize,
    ) -> Result<Vec<Commit>, Error> {
        let not = format!("^{}", without.as_str());
        let limit = format!("-n{limit}");
        let args = ["--no-show-signature", COMMIT, &limit, "--end-of-options", of.as_str(), &not, "--"];
        let mut fields = Fields::default();
        if let Err(error) = self.read("log", &args, None, |bytes| fields.feed(bytes)).await {
            // Whichever is gone is named.
            self.commit_time(without).await?;
            return Err(self.blame(of, error).await);
        }
        fields.records().into_iter().map(commit).collect()
    }

    /// Says when a commit was made, in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have it.
    pub async fn commit_time(&self, commit: &CommitId) -> Result<i64, Error> {
        let args = ["--no-show-signature", "-n1", "--format=%ct", "--end-of-options", commit.as_str(), "--"];
        match self.answer("log", &args, None).await {
            Ok(answer) => Ok(seconds(&answer)),
            Err(error) => Err(self.blame(commit, error).await),
        }
    }

    /// Names the default branch as of the last fetch; nothing when the remote repository names none that exists.
    pub async fn default_branch(&self) -> Result<Option<String>, Error> {
        let head = self.answer("symbolic-ref", &["HEAD"], None).await?;
        let head = head.trim_end();
        let found = self.answer("for-each-ref", &["--format=%(refname)", head], None).await?;
        let is_there = found.lines().any(|name| name == head);
        Ok(head.strip_prefix("refs/heads/").filter(|_| is_there).map(Into::into))
    }

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
        let mut fields = Fields::default();
        if let Err(error) = self.read("ls-tree", &args, None, |bytes| fields.feed(bytes)).await {
            return Err(self.blame(commit, error).await);
        }
        let found: Vec<[String; 1]> = fields.records();
        // When a folder and a file in it are asked for, git lists the file alone.
        let is_in = |name: &str, path: &str| {
            name.strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || (!path.is_empty() && rest.starts_with('/')))
        };
        Ok(paths.iter().map(|path| found.iter().any(|[name]| is_in(name, path))).collect())
    }

    /// Reads one file of a commit, at most `limit` bytes of it; nothing when there is no file at that path.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have the commit.
    pub async fn content(&self, commit: &CommitId, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        if !self.tracked(commit, &[path]).await?.contains(&true) {
            return Ok(None);
        }
        let object = format!("{}:{path}", commit.as_str());
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut content = Vec::new();
        let keep = |bytes: &[u8]| {
            let room = limit.saturating_sub(content.len()).min(bytes.len());
            content.extend_from_slice(bytes.get(..room).unwrap_or_default());
        };
        match self.read("cat-file", &["blob", &object], None, keep).await {
            Ok(()) => Ok(Some(content)),
            Err(error) => Err(self.blame(commit, error).await),
        }
    }

    /// Lists the paths of the files that differ between two commits, byte for byte, and whether the second has them.
    /// A path that changes its kind stands there for each.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have one of them; [`Error::Failed`] when the names are too many.
    pub async fn changed_paths(&self, from: &CommitId, to: &CommitId) -> Result<Vec<(Vec<u8>, bool)>, Error> {
        let args =
            ["-r", "-z", "--no-renames", "--name-status", "--end-of-options", from.as_str(), to.as_str()];
        let mut said = Vec::new();
        let read = self.read("diff-tree", &args, None, |bytes| {
            let room = (MOST_NAMES + 1).saturating_sub(said.len());
            said.extend(bytes.iter().take(room));
        });
        if let Err(error) = read.await {
            let error = self.blame(from, error).await;
            return Err(self.blame(to, error).await);
        }
        if said.len() > MOST_NAMES {
            let said = format!("the names have more than {MOST_NAMES} bytes");
            return Err(Error::Failed { verb: "diff-tree", said });
        }
        let mut fields = said.split(|byte| *byte == 0);
        let mut changed = Vec::new();
        while let (Some(status), Some(path)) = (fields.next(), fields.next()) {
            changed.push((path.to_vec(), status != b"D"));
        }
        Ok(changed)
    }

    /// Lists the files that differ between two commits.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have one of them.
    pub async fn changes(&self, from: &CommitId, to: &CommitId) -> Result<Vec<Change>, Error> {
        let args = [
            "-r",
            "-z",
            "--no-renames",
            "--name-status",
            "--end-of-options",
            from.as_str(),
            to.as_str(),
            "--",
        ];
        let mut fields = Fields::default();
        if let Err(error) = self.read("diff-tree", &args, None, |bytes| fields.feed(bytes)).await {
            let error = self.blame(from, error).await;
            return Err(self.blame(to, error).await);
        }
        let changes = fields.records().into_iter();
        Ok(changes
            .filter_map(|[status, path]| Some(Change { status: status.chars().next()?, path }))
            .collect())
    }
}

fn commit([id, short, author, date, summary]: [String; 5]) -> Result<Commit, Error> {
    Ok(Commit {
        id: CommitId::parse(&id)?,
        short,
        author: plain(&author, LONGEST_AUTHOR),
        date: seconds(&date),
        summary: plain(&summary, LONGEST_SUMMARY),
    })
}

/// A date that nobody can read counts as 1970.
fn seconds(text: &str) -> i64 {
    text.trim().parse().unwrap_or(0)
}
