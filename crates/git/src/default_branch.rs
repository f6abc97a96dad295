//! The default branch: what `HEAD` of the remote repository points at.

use std::fs;

use crate::{
    Error, GitRepository, RefName,
    access::Lent,
    answers::Lasts,
    lock::Lock,
    question::{Cut, Question},
    running::{Limits, Running},
};

/// Where a fetch puts the commit of the remote `HEAD`.
pub(crate) const REMOTE_HEAD: &str = "refs/mirror/HEAD";

/// The most bytes of the name of the default branch.
const LONGEST_NAME: usize = 4096;

/// A branch of the mirror, or [`REMOTE_HEAD`].
pub(crate) struct Head {
    pub(crate) full_ref: String,
    id: String,
}

impl GitRepository {
    /// Names the default branch as of the last fetch; nothing when the remote repository names none that exists.
    pub async fn default_branch(&self) -> Result<Option<String>, Error> {
        let question =
            Question { verb: "symbolic-ref", args: &["HEAD"], input: None, cut: Cut::Bytes(LONGEST_NAME) };
        let heard = self.ask(&question).await?;
        self.remember(&question, Lasts::Refs, &heard);
        let head = String::from_utf8_lossy(&heard.said);
        let head = head.trim_end();
        let args = ["--format=%(refname)%00", head];
        let found = self.list(Lasts::Refs, "for-each-ref", &args, |[name]| Ok(Some(name))).await?;
        let is_there = found.iter().any(|name| name == head);
        Ok(head.strip_prefix("refs/heads/").filter(|_| is_there).map(Into::into))
    }

    /// The branches, and the remote `HEAD`.
    pub(crate) async fn heads(&self) -> Result<Vec<Head>, Error> {
        let args = ["--format=%(refname)%00%(objectname)%00", "refs/heads", REMOTE_HEAD];
        let head = |[full_ref, id]: [String; 2]| Ok(Some(Head { full_ref, id }));
        self.list(Lasts::Refs, "for-each-ref", &args, head).await
    }

    /// Points `HEAD` of the mirror at the default branch of the remote repository.
    pub(crate) async fn follow_head(&self, heads: &[Head], lock: &Lock, lent: &Lent) -> Result<(), Error> {
        // A fetch tells the commit of the remote HEAD, not its branch. When only one branch is there, and it is the one
        // that we know, nothing else can be meant. To ask would need a second connection, on which a server lists all
        // that it has.
        let Some(remote) = heads.iter().find(|head| head.full_ref == REMOTE_HEAD) else { return Ok(()) };
        let ours = fs::read_to_string(self.git.mirror.join("HEAD")).unwrap_or_default();
        let is_ours = |full_ref: &str| ours.trim_end().strip_prefix("ref: ") == Some(full_ref);
        let mut there = heads.iter().filter(|head| head.full_ref != REMOTE_HEAD && head.id == remote.id);
        if let (Some(only), None) = (there.next(), there.next())
            && is_ours(&only.full_ref)
        {
            return Ok(());
        }
        let mut command = self.git.command("ls-remote");
        command.args(["--symref", "--end-of-options", self.url.as_str(), "HEAD"]).stdin(lock.stdin()?);
        lent.lend(&mut command);
        let limits = Limits { idle: Some(self.policy.idle_timeout), ..self.limits() };
        // Asked for one name only, yet it is the remote side that answers.
        let mut answer = Vec::new();
        let mut keep =
            |bytes: &[u8]| answer.extend(bytes.iter().take(LONGEST_NAME.saturating_sub(answer.len())));
        let ended = Running::start("ls-remote", command)?.finish(&limits, &mut keep, &mut |_| ()).await?;
        if !ended.status.success() {
            return Err(self.blame_remote("ls-remote", lent, ended).await);
        }
        let answer = String::from_utf8_lossy(&answer);
        let head = answer.lines().find_map(|line| line.strip_prefix("ref: ")?.strip_suffix("\tHEAD"));
        let Some(head) = head.filter(|head| head.starts_with("refs/heads/") && !is_ours(head)) else {
            return Ok(());
        };
        let mut command = self.git.command("symbolic-ref");
        command.args(["HEAD", RefName::parse(head)?.as_str()]).stdin(lock.stdin()?);
        let ended =
            Running::start("symbolic-ref", command)?.finish(&self.limits(), &mut |_| (), &mut |_| ()).await?;
        if ended.status.success() {
            Ok(())
        } else {
            Err(Error::Failed { verb: "symbolic-ref", said: ended.said })
        }
    }
}
