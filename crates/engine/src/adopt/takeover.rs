//! The takeover: under the lock of every server its folders get a seal, and `current` is written as Aweigh writes it. It may
//! be cut anywhere and done again: nothing inside a folder changes, and readers see the same release throughout.

use std::future::Future;

use futures::future::{BoxFuture, FutureExt, TryFutureExt, join_all};
use model::{DeployPath, Name, ReleaseId, ReleaseName, Server};

use crate::driver::{Broken, Driver};
use crate::error::Failure;
use crate::fault::{self, Side};
use crate::holder::Holder;
use crate::ports::{Host, Hosts};
use crate::remote::{Answer, Command, Unfit, status};

/// How often a server is tried that is away for a moment, and how long is waited between.
const TRIES: [std::time::Duration; 2] =
    [std::time::Duration::from_millis(200), std::time::Duration::from_secs(1)];

/// What it takes to seal a folder, and to bring it.
const READS_ALL: &str = "the login user must be able to read all of it";

/// What is to be done on one server.
#[derive(Debug, Clone)]
pub struct Errand {
    /// The server.
    pub server: Server,
    /// The folder of the environment there.
    pub root: DeployPath,
    /// The folders that become releases, and the number by which each is known to be older than the next.
    pub seal: Vec<(ReleaseName, i64)>,
    /// Where they stand, when that is not `releases/`.
    pub library: Option<String>,
    /// What runs there; brought from a library even where it becomes no release, since the link is about to lead to it.
    pub runs: ReleaseName,
    /// The text of `current`; empty for no link.
    pub current: String,
    /// A link elsewhere that leads to what runs, and its text.
    pub link: Option<(DeployPath, String)>,
}

/// Whose the locks are.
#[derive(Debug, Clone)]
pub struct Lock {
    /// Who speaks: the text of the lock.
    pub me: String,
    /// The installation that it belongs to.
    pub installation: String,
}

/// Servers whose locks are held.
pub struct Takeover(Vec<Hand>);

/// One server whose lock is held.
struct Hand {
    errand: Errand,
    /// Kept for as long as its driver is.
    _host: Box<dyn Host>,
    driver: Driver,
}

/// Why it did not work, and on which server.
type Refused = (Name, Failure);

impl Takeover {
    /// Takes the lock of every server, all at once. `has_ended` says of a release of ours whether it has ended.
    ///
    /// Fails with the first server that cannot be locked; then none is.
    pub async fn begin<F>(
        hosts: &dyn Hosts,
        errands: Vec<Errand>,
        lock: &Lock,
        has_ended: impl Fn(ReleaseId) -> F + Sync,
    ) -> Result<Self, Refused>
    where
        F: Future<Output = Result<bool, Failure>> + Send,
    {
        let has_ended = &has_ended;
        let begun = errands.into_iter().map(|errand| async move {
            let name = errand.server.name.clone();
            Hand::begin(hosts, errand, lock, has_ended).await.map_err(|failure| (name, failure))
        });
        let (mut hands, mut refused) = (Vec::new(), None);
        for begun in join_all(begun).await {
            match begun {
                Ok(hand) => hands.push(hand),
                Err(why) => refused = refused.or(Some(why)),
            }
        }
        let takeover = Self(hands);
        match refused {
            None => Ok(takeover),
            Some(refused) => {
                takeover.end().await;
                Err(refused)
            }
        }
    }

    /// Does on every server what is to be done there: every one has its seals before the first link is written anew.
    pub async fn run(&mut self) -> Result<(), Refused> {
        self.each(|hand| hand.seal().boxed()).await?;
        self.each(|hand| hand.relink().boxed()).await
    }

    /// Does one thing on all servers at once; fails with the first one on which it cannot be done.
    async fn each(
        &mut self,
        what: impl Fn(&mut Hand) -> BoxFuture<'_, Result<(), Failure>>,
    ) -> Result<(), Refused> {
        let done = self.0.iter_mut().map(|hand| {
            let server = hand.errand.server.name.clone();
            what(hand).map_err(|failure| (server, failure))
        });
        join_all(done).await.into_iter().collect()
    }

    /// Gives the locks back. One that stays is taken by whoever comes next.
    pub async fn end(mut self) {
        join_all(self.0.iter_mut().map(|hand| async {
            if let Err(failure) = hand.ask(&Command::new("unlock")).await {
                let (server, reason) = (&hand.errand.server.name, failure.reason());
                tracing::debug!(%server, reason, "the lock stays until the next release");
            }
        }))
        .await;
    }
}

impl Hand {
    async fn begin<F>(
        hosts: &dyn Hosts,
        errand: Errand,
        lock: &Lock,
        has_ended: &(impl Fn(ReleaseId) -> F + Sync),
    ) -> Result<Self, Failure>
    where
        F: Future<Output = Result<bool, Failure>> + Send,
    {
        let host = connect(hosts, &errand.server).await?;
        let driver = Driver::start(host.as_ref(), &errand.root, &lock.me).await;
        let mut hand = Self { driver: driver.map_err(Broken::into_failure)?, errand, _host: host };
        let answer = hand.acquire(lock, has_ended).await?;
        // Whoever deployed meanwhile deployed something that nobody asked about.
        let now = answer.get("current").unwrap_or_default();
        if now != hand.errand.current {
            let before = &hand.errand.current;
            let failure =
                Failure::new(format!("{}/current led to {before}, and leads to {now} now", hand.errand.root));
            hand.ask(&Command::new("unlock")).await?;
            return Err(failure.hint("somebody deploys there; wait for it, then adopt again"));
        }
        Ok(hand)
    }

    async fn acquire<F>(
        &mut self,
        lock: &Lock,
        has_ended: &(impl Fn(ReleaseId) -> F + Sync),
    ) -> Result<Answer, Failure>
    where
        F: Future<Output = Result<bool, Failure>> + Send,
    {
        let mut ended = String::new();
        loop {
            let build =
                || Command::new("acquire").value("ended", &ended)?.value("folder", "")?.value("origin", "");
            let answer = self.ask(&build().map_err(unfit)?.number(0)).await?;
            match answer.status {
                status::DONE => return Ok(answer),
                status::LOCKED if ended.is_empty() => {
                    let holder = Holder::read(answer.get("holder").unwrap_or_default(), &lock.installation);
                    let over = if let Holder::Release(id) = holder { has_ended(id).await? } else { false };
                    ended = holder.may_be_taken(over).ok_or_else(|| holder.refusal(&self.errand.root))?;
                }
                _ => {
                    let needed = format!("the login user must be able to write in {}", self.errand.root);
                    return Err(self.refused(&answer, "take the lock", &needed));
                }
            }
        }
    }

    async fn seal(&mut self) -> Result<(), Failure> {
        let runs = self.errand.runs.clone();
        if self.errand.seal.iter().all(|(name, _)| *name != runs) {
            self.bring(&runs).await?;
        }
        for (name, number) in self.errand.seal.clone() {
            self.bring(&name).await?;
            let build =
                || Command::new("adopt").value("folder", name.as_str())?.value("number", &number.to_string());
            let answer = self.ask(&build().map_err(unfit)?).await?;
            if answer.status != status::DONE {
                return Err(self.refused(&answer, &format!("seal {name}"), READS_ALL));
            }
        }
        Ok(())
    }

    /// Brings the folder `name` to where ours stand, when it is elsewhere.
    async fn bring(&mut self, name: &ReleaseName) -> Result<(), Failure> {
        let Some(library) = self.errand.library.clone() else { return Ok(()) };
        let build = || Command::new("bring").value("folder", name.as_str())?.value("library", &library);
        let answer = self.ask(&build().map_err(unfit)?).await?;
        if answer.status == status::DONE {
            Ok(())
        } else {
            Err(self.refused(&answer, &format!("bring {name} from {library}"), READS_ALL))
        }
    }

    async fn relink(&mut self) -> Result<(), Failure> {
        let errand = &self.errand;
        let (link, text) =
            errand.link.as_ref().map_or(("", ""), |(link, text)| (link.as_str(), text.as_str()));
        let build = || {
            let command = Command::new("relink").value("folder", errand.runs.as_str())?;
            let command = command.value("current", &errand.current)?.value("link", link)?;
            let library = errand.library.as_deref().unwrap_or_default();
            command.value("its text", text)?.value("library", library)
        };
        let answer = self.ask(&build().map_err(unfit)?).await?;
        if answer.status == status::DONE {
            return Ok(());
        }
        let errand = &self.errand;
        let needed = match &errand.link {
            None => format!("the login user must be able to write in {}", errand.root),
            Some((link, _)) => format!(
                "the login user must be able to write in {}, and in the folder in which {link} stands",
                errand.root
            ),
        };
        Err(self.refused(&answer, "write `current` anew", &needed))
    }

    async fn ask(&mut self, command: &Command) -> Result<Answer, Failure> {
        self.point(command.verb(), Side::Before).await?;
        if fault::is_asked_twice() {
            self.driver.ask(command).await.map_err(Broken::into_failure)?;
        }
        let answer = self.driver.ask(command).await.map_err(Broken::into_failure)?;
        self.point(command.verb(), Side::After).await?;
        Ok(answer)
    }

    /// A fault point of this server.
    async fn point(&self, verb: &str, side: Side) -> Result<(), Failure> {
        let server = &self.errand.server.name;
        let injected = |_| Failure::new(fault::INJECTED);
        fault::point(|| format!("{server}/{verb}"), side).await.map_err(injected)
    }

    /// The sentence for a verb that was refused; `needed` is what it takes.
    fn refused(&self, answer: &Answer, verb: &str, needed: &str) -> Failure {
        let root = &self.errand.root;
        let said = answer.first_said();
        match answer.status {
            status::LOCKED => {
                Failure::new(format!("could not {verb}: somebody else took the lock in {root}"))
                    .hint("a release began there; wait for it, then adopt again")
            }
            status::INCOMPLETE => Failure::new(format!("could not {verb}: its folder is gone"))
                .hint("somebody deploys there; wait for it, then adopt again"),
            status::TOUCHED => {
                let library = self.errand.library.as_deref().unwrap_or(root.as_str());
                Failure::new(format!("{library}/{} changed while it was brought", self.errand.runs)).hint(
                    "run adopt again; an application that writes into its own release has to rest meanwhile",
                )
            }
            status::DRIFT => Failure::new(format!(
                "could not {verb}: it leads to {} now",
                answer.get("now").filter(|now| !now.is_empty()).unwrap_or("nothing")
            ))
            .hint("somebody deploys there; wait for it, then adopt again"),
            status::NOT_A_LINK => {
                Failure::new(format!("{root}/current is a real file or folder, not a link"))
            }
            _ => Failure::new(format!("could not {verb} in {root}: {said}")).hint(needed),
        }
    }
}

/// Connects, also where a server is away for a moment.
async fn connect(hosts: &dyn Hosts, server: &Server) -> Result<Box<dyn Host>, Failure> {
    for pause in TRIES {
        match hosts.connect(server).await {
            Err(error) if error.kind.is_brief() => tokio::time::sleep(pause).await,
            other => return Ok(other?),
        }
    }
    Ok(hosts.connect(server).await?)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unfit(error: Unfit) -> Failure {
    Failure::new(error.to_string())
}
