//! Resolve: from the name that a person typed to the one commit that it means now.

use crate::{
    CommitId, Error, GitRepository, RefName,
    answers::Lasts,
    closest::closest,
    fields::{Fields, records},
    question::{Cut, Question},
};

/// Candidates that are named when a short id is ambiguous.
const NAMED_CANDIDATES: usize = 10;

/// How git is asked which objects there are.
const CHECK: &[&str] = &["--batch-check=%(objectname) %(objecttype)"];

/// Bytes of what git says to a name: a few lines with it, or with an id.
const LONGEST: usize = 4096;

/// What a name turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefKind {
    /// A branch.
    Branch,
    /// A tag, annotated or not.
    Tag,
    /// A commit id, full or short.
    Commit,
}

/// The one commit that a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The commit; for an annotated tag the one that is tagged.
    pub commit: CommitId,
    /// What the name is.
    pub kind: RefKind,
    /// `refs/heads/…` or `refs/tags/…`; nothing for a commit id.
    pub full_ref: Option<String>,
}

impl GitRepository {
    /// Finds the commit that a name means in the mirror. A full commit id always means itself, as in git; otherwise a
    /// branch goes before a tag, and a tag before a short commit id.
    ///
    /// # Errors
    /// [`Error::UnknownRef`], with names that are much like it; [`Error::AmbiguousRef`] when several commits start with
    /// the digits; [`Error::NotACommit`] for a tag of something else.
    pub async fn resolve(&self, name: &RefName) -> Result<Resolved, Error> {
        let asked = questions(name);
        // Names go in over standard input, where there are no options.
        let input = lines(asked.iter().map(|(_, full)| full.as_str()));
        let question =
            Question { verb: "cat-file", args: CHECK, input: Some(&input), cut: Cut::Bytes(LONGEST) };
        let heard = self.ask(&question).await?;
        let said = String::from_utf8_lossy(&heard.said);
        let mut answers = said.lines();
        for (kind, full) in asked {
            let (commit, object) = (answers.next().unwrap_or_default(), answers.next().unwrap_or_default());
            if let Some(id) = commit.strip_suffix(" commit") {
                let commit = CommitId::parse(id)?;
                // Which objects start with the digits of a short id does not show from outside.
                if kind != RefKind::Commit {
                    self.remember(&question, Lasts::Refs, &heard);
                }
                // The commit is there: that is all that git would say about its own id.
                let own = lines(questions(&RefName::parse(id)?).iter().map(|(_, full)| full.as_str()));
                let own = Question { input: Some(&own), ..question };
                self.remember_too(&own, Lasts::Commits, &heard, format!("{id} commit\n").as_bytes());
                let full_ref = (kind != RefKind::Commit).then_some(full);
                return Ok(Resolved { commit, kind, full_ref });
            }
            if kind == RefKind::Commit && object.ends_with(" ambiguous") {
                return Err(self.ambiguous(&full).await?);
            }
            if kind == RefKind::Tag && !object.ends_with(" missing") {
                return Err(Error::NotACommit { name: name.to_string() });
            }
        }
        Err(self.unknown(name).await?)
    }

    async fn unknown(&self, name: &RefName) -> Result<Error, Error> {
        let mut names = Fields::default();
        let args = ["--format=%(refname:strip=2)%00", "refs/heads", "refs/tags"];
        self.read("for-each-ref", &args, None, |bytes| names.feed(bytes)).await?;
        let names = records::<1>(&names.end());
        let close = closest(name.as_str(), names.iter().map(|[name]| name.as_str()));
        Ok(Error::UnknownRef { name: name.to_string(), url: self.url.to_string(), close })
    }

    async fn ambiguous(&self, digits: &str) -> Result<Error, Error> {
        let objects = self.answer("rev-parse", &[&format!("--disambiguate={digits}")], None).await?;
        let input: String = objects.lines().take(1000).flat_map(|id| [id, "\n"]).collect();
        let typed = self.answer("cat-file", CHECK, Some(&input)).await?;
        let commits = typed.lines().filter_map(|line| CommitId::parse(line.strip_suffix(" commit")?).ok());
        Ok(Error::AmbiguousRef { name: digits.into(), candidates: commits.take(NAMED_CANDIDATES).collect() })
    }
}

/// Asks for each object as a commit, and as what it is.
fn lines<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.flat_map(|name| [name, "^{commit}\n", name, "\n"]).collect()
}

/// What a name can mean, in the order in which it is tried.
fn questions(name: &RefName) -> Vec<(RefKind, String)> {
    let typed = name.as_str();
    if typed.starts_with("refs/heads/") {
        return vec![(RefKind::Branch, typed.into())];
    }
    if typed.starts_with("refs/tags/") {
        return vec![(RefKind::Tag, typed.into())];
    }
    let mut asked =
        vec![(RefKind::Branch, format!("refs/heads/{typed}")), (RefKind::Tag, format!("refs/tags/{typed}"))];
    match name.as_hex() {
        Some(digits) if [40, 64].contains(&digits.len()) => asked.insert(0, (RefKind::Commit, digits)),
        Some(digits) => asked.push((RefKind::Commit, digits)),
        None => {}
    }
    asked
}
