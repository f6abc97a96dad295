//! Listings: branches, tags, the last commits, and what changed between two of them. One run of git each, at most.

use crate::{
    CommitId, Error, GitRepository,
    answers::Lasts,
    fields::Fields,
    plain::plain,
    question::{Cut, Question},
};

/// How `git log` writes a commit for us.
const COMMIT: &str = "--format=tformat:%H%x00%h%x00%an%x00%ct%x00%s%x00";

/// Characters of a summary that are shown.
const LONGEST_SUMMARY: usize = 500;

/// The most bytes of names that a difference may have.
const MOST_NAMES: usize = 16 * 1024 * 1024;

/// Characters of the name of a branch or tag that are shown; more cannot be asked for.
const LONGEST_NAME: usize = 255;

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
    /// The name without `refs/heads/`. One with characters that turn the direction of writing is shown without them,
    /// and names nothing then.
    pub name: String,
    /// The newest commit.
    pub commit: Commit,
}

/// A tag and the commit that it marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The name without `refs/tags/`; as that of a branch.
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
        let branch = |[name, rest @ ..]: [String; 6]| {
            Ok(Some(Branch { name: plain(&name, LONGEST_NAME), commit: commit(rest)? }))
        };
        self.list(Lasts::Refs, "for-each-ref", &args, branch).await
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
        let tag = |[name, date, kind, rest @ ..]: [String; 8]| {
            if kind != "commit" {
                return Ok(None);
            }
            Ok(Some(Tag { name: plain(&name, LONGEST_NAME), date: seconds(&date), commit: commit(rest)? }))
        };
        self.list(Lasts::Refs, "for-each-ref", &args, tag).await
    }

    /// Lists the history of a commit, itself first, `limit` commits at most. In a mirror that is
    /// [shallow](Self::is_shallow) it ends where the mirror does.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have it.
    pub async fn commits(&self, of: &CommitId, limit: usize) -> Result<Vec<Commit>, Error> {
        let limit = format!("-n{limit}");
        let args = ["--no-show-signature", COMMIT, &limit, "--end-of-options", of.as_str(), "--"];
        match self.list(Lasts::Commits, "log", &args, |record| commit(record).map(Some)).await {
            Ok(commits) => Ok(commits),
            Err(error) => Err(self.blame(of, error).await),
        }
    }

    /// Lists what is in the history of `of` and not in that of `without`, newest first, `limit` commits at most.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have one of them; [`Error::Shallow`] when it has a part of the
    /// history only.
    pub async fn commits_without(
        &self,
        of: &CommitId,
        without: &CommitId,
        limit: usize,
    ) -> Result<Vec<Commit>, Error> {
        if self.is_shallow() {
            // Where the history of one of them is cut, the other would seem to have what both have.
            return Err(self.too_shallow("what one commit has and another has not cannot be told".into()));
        }
        let not = format!("^{}", without.as_str());
        let limit = format!("-n{limit}");
        let args = ["--no-show-signature", COMMIT, &limit, "--end-of-options", of.as_str(), &not, "--"];
        match self.list(Lasts::Commits, "log", &args, |record| commit(record).map(Some)).await {
            Ok(commits) => Ok(commits),
            Err(error) => {
                // Whichever is gone is named.
                self.commit_time(without).await?;
                Err(self.blame(of, error).await)
            }
        }
    }

    /// Says when a commit was made, in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have it.
    pub async fn commit_time(&self, commit: &CommitId) -> Result<i64, Error> {
        let args = time_of(commit);
        let question = time_question(&args);
        match self.ask(&question).await {
            Ok(heard) => {
                self.remember(&question, Lasts::Commits, &heard);
                Ok(seconds(&String::from_utf8_lossy(&heard.said)))
            }
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
        let question =
            Question { verb: "diff-tree", args: &args, input: None, cut: Cut::Bytes(MOST_NAMES + 1) };
        let heard = match self.ask(&question).await {
            Ok(heard) => heard,
            Err(error) => {
                let error = self.blame(from, error).await;
                return Err(self.blame(to, error).await);
            }
        };
        if heard.said.len() > MOST_NAMES {
            let said = format!("the names have more than {MOST_NAMES} bytes");
            return Err(Error::Failed { verb: "diff-tree", said });
        }
        self.remember(&question, Lasts::Commits, &heard);
        let mut fields = heard.said.split(|byte| *byte == 0);
        let mut changed = Vec::new();
        while let (Some(status), Some(path)) = (fields.next(), fields.next()) {
            changed.push((path.to_vec(), status != b"D"));
        }
        Ok(changed)
    }

    /// Whether a commit has a `.gitattributes` anywhere, by which one file of its tree decides about others (gitattributes(5)).
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have it.
    pub async fn has_attributes(&self, commit: &CommitId) -> Result<bool, Error> {
        let is_one = |path: &[u8]| path.rsplit(|byte| *byte == b'/').next() == Some(b".gitattributes");
        let mut found = Fields::only(is_one);
        let args = ["-r", "-z", "--name-only", "--full-tree", commit.as_str()];
        match self.read("ls-tree", &args, None, |bytes| found.feed(bytes)).await {
            Ok(()) => Ok(!found.end().is_empty()),
            Err(error) => Err(self.blame(commit, error).await),
        }
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
        let change =
            |[status, path]: [String; 2]| Ok(status.chars().next().map(|status| Change { status, path }));
        match self.list(Lasts::Commits, "diff-tree", &args, change).await {
            Ok(changes) => Ok(changes),
            Err(error) => {
                let error = self.blame(from, error).await;
                Err(self.blame(to, error).await)
            }
        }
    }
}

/// The arguments that ask when a commit was made.
pub(crate) fn time_of(commit: &CommitId) -> [&str; 6] {
    ["--no-show-signature", "-n1", "--format=%ct", "--end-of-options", commit.as_str(), "--"]
}

/// The question that has these arguments.
pub(crate) fn time_question<'q>(args: &'q [&'q str]) -> Question<'q> {
    Question { verb: "log", args, input: None, cut: Cut::Bytes(64) }
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
