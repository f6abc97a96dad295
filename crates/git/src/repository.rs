//! A mirror of one repository: opened here, used by the verbs in the files beside this one.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::io::AsyncReadExt as _;

use crate::{
    Answers, CommitId, Error, Policy, Url,
    command::{Git, git_dir},
    lock::Lock,
    running::{Limits, Running},
    way,
};

/// Why git was not heard to its end.
enum Stopped {
    Enough,
    Failed(Error),
}

/// Bytes of a short answer of git that are kept.
const LONGEST_ANSWER: usize = 1 << 20;

/// A bare mirror of a repository, in a folder of its own.
///
/// All calls run the `git` program. A call that is dropped kills its process group and leaves a mirror that the next
/// fetch mends. Reading goes on during a fetch; fetches wait for each other, across processes too.
///
/// What git has said is remembered, and said again as long as the mirror has not changed: whether it is changed from
/// here, by another process or by hand, the next call sees it. Errors are not remembered.
#[derive(Debug)]
pub struct GitRepository {
    pub(crate) folder: PathBuf,
    pub(crate) url: Url,
    pub(crate) policy: Policy,
    pub(crate) git: Git,
    pub(crate) answers: Answers,
    /// The mirror among others: its folder and its address.
    pub(crate) identity: String,
}

impl GitRepository {
    /// Opens the mirror in `dir`, or makes an empty one. A mirror of another address is removed and made anew. Nothing is
    /// fetched yet.
    ///
    /// # Errors
    /// [`Error::ProtocolNotAllowed`] when the policy does not list the protocol of `url` or lists an unknown one.
    pub async fn open(dir: &Path, url: &Url, policy: Policy) -> Result<Self, Error> {
        policy.check(url.protocol())?;
        let protocols = policy.protocols()?;
        let home = dir.join("home");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&home);
        made.map_err(Error::io("cannot make", &home))?;
        // git runs in other folders than this process.
        let folder = dir.canonicalize().map_err(Error::io("cannot open", dir))?;
        let git = Git {
            program: policy.program.clone(),
            mirror: git_dir(&folder),
            home: folder.join("home"),
            protocols,
            idle_timeout: policy.idle_timeout,
            ways: way::settings(&policy.way, &policy.ways),
        };
        let identity = format!("{}\0{url}", folder.display());
        let answers = Answers::default();
        let repository = Self { folder, url: url.clone(), policy, git, answers, identity };
        if !repository.is_made() {
            let lock = Lock::take(&repository.folder, repository.policy.total_timeout).await?;
            repository.make_if_absent(&lock).await?;
        }
        Ok(repository)
    }

    /// Uses these answers of git and adds to them, so that they outlive this value.
    #[must_use]
    pub fn sharing(self, answers: &Answers) -> Self {
        Self { answers: answers.clone(), ..self }
    }

    /// The address that is mirrored.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The limits of a call that reads the mirror.
    pub(crate) fn limits(&self) -> Limits {
        Limits { total: self.policy.total_timeout, idle: None, grows: None }
    }

    /// Runs a command that reads the mirror and gives its output to `out`, piece by piece.
    pub(crate) async fn read(
        &self,
        verb: &'static str,
        args: &[&str],
        input: Option<&str>,
        mut out: impl FnMut(&[u8]) + Send,
    ) -> Result<(), Error> {
        let mut command = self.git.command(verb);
        command.args(args);
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut running = Running::start(verb, command)?;
        running.feed(input.unwrap_or_default()).await;
        let ended = running.finish(&self.limits(), &mut out, &mut |_| ()).await?;
        if ended.status.success() { Ok(()) } else { Err(Error::Failed { verb, said: ended.said }) }
    }

    /// Runs a command that reads the mirror and gives its output to `take` until that has enough; then git is killed.
    /// Answers whether there was no more.
    pub(crate) async fn read_while(
        &self,
        verb: &'static str,
        args: &[&str],
        mut take: impl FnMut(&[u8]) -> bool + Send,
    ) -> Result<bool, Error> {
        let mut command = self.git.command(verb);
        command.args(args);
        let mut running = Running::start(verb, command)?;
        let mut output = running.take_stdout()?;
        let mut piece = vec![0; 1 << 16];
        let reading = async {
            loop {
                let read =
                    output.read(&mut piece).await.map_err(Error::io("cannot read the output of git", verb));
                match read.map_err(Stopped::Failed)? {
                    0 => return Ok(()),
                    n if take(piece.get(..n).unwrap_or_default()) => {}
                    _ => return Err(Stopped::Enough),
                }
            }
        };
        let (limits, mut unread, mut unheard) = (self.limits(), |_: &[u8]| (), |_: &str| ());
        let ending =
            async { running.finish(&limits, &mut unread, &mut unheard).await.map_err(Stopped::Failed) };
        match tokio::try_join!(reading, ending) {
            Ok(((), ended)) if ended.status.success() => Ok(true),
            Ok(((), ended)) => Err(Error::Failed { verb, said: ended.said }),
            Err(Stopped::Enough) => Ok(false),
            Err(Stopped::Failed(error)) => Err(error),
        }
    }

    /// Runs a command with a short answer.
    pub(crate) async fn answer(
        &self,
        verb: &'static str,
        args: &[&str],
        input: Option<&str>,
    ) -> Result<String, Error> {
        let mut answer = Vec::new();
        self.read(verb, args, input, |bytes| {
            let room = LONGEST_ANSWER - answer.len();
            answer.extend(bytes.iter().take(room));
        })
        .await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Gives the failure of a command about `commit` its reason: the commit may not be there any more.
    pub(crate) async fn blame(&self, commit: &CommitId, error: Error) -> Error {
        if !matches!(error, Error::Failed { .. }) {
            return error;
        }
        match self.answer("cat-file", &["--batch-check"], Some(&format!("{commit}^{{commit}}\n"))).await {
            Ok(answer) if answer.trim_end().ends_with(" missing") && self.is_shallow() => {
                self.too_shallow(format!("it does not have commit {commit}"))
            }
            Ok(answer) if answer.trim_end().ends_with(" missing") => {
                Error::CommitGone { commit: commit.clone(), url: self.url.to_string() }
            }
            _ => error,
        }
    }
}
