//! First contact with a server: takes the lock, reads what is true there, and words what the server refuses.

use std::collections::BTreeSet;

use model::ReleaseName;

use super::Lane;
use crate::artifact::manifest::Owner;
use crate::error::Failure;
use crate::holder::Holder;
use crate::remote::{Answer, Command, status};

/// What a server says of itself when it is contacted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent thing that a server says")]
pub struct Facts {
    /// The text of the link `current`.
    pub current: Option<String>,
    /// `current` is something else than a link.
    pub current_is_other: bool,
    /// `current` leads to a folder.
    pub current_leads: bool,
    /// The folders in `releases/` whose names a release can have.
    pub releases: Vec<ReleaseName>,
    /// The release of this plan is complete there.
    pub staged: bool,
    /// And sealed.
    pub sealed: bool,
    /// The release that a rollback brings back is there, as it was sealed.
    pub origin: bool,
    /// Which tools are there.
    pub tools: BTreeSet<String>,
    /// The artifact of the release that `current` leads to, when nothing changed it before it was sealed.
    pub base: Option<String>,
    /// Somebody went back by hand since the last switch: who.
    pub by_hand: Option<String>,
    /// The lock belonged to a release that has ended.
    pub taken_from: Option<String>,
    /// Whose the files are that are made there.
    pub owner: Owner,
    /// The folder of the environment, resolved.
    pub root: String,
}

impl Facts {
    fn read(answer: &Answer) -> Self {
        let yes = |key| answer.get(key) == Some("yes");
        Self {
            current: answer.get("current").map(str::to_owned),
            current_is_other: answer.get("kind") == Some("other"),
            current_leads: yes("target"),
            // Whatever else lies there cannot be a release of ours, or one that was adopted.
            releases: answer.all("release").filter_map(|name| name.parse().ok()).collect(),
            staged: yes("staged"),
            sealed: yes("sealed"),
            origin: yes("origin"),
            tools: answer.all("tool").map(str::to_owned).collect(),
            base: answer.get("base").map(str::to_owned),
            by_hand: answer.get("hand").map(str::to_owned),
            taken_from: answer.get("lock").filter(|lock| lock.contains(':')).map(str::to_owned),
            owner: answer.get("owner").and_then(|owner| owner.parse().ok()).unwrap_or_default(),
            root: answer.get("root").unwrap_or_default().to_owned(),
        }
    }
}

impl Lane {
    /// First contact, unless this ownership had it already.
    pub async fn contact(&mut self) -> Result<(), Failure> {
        if self.facts.root.is_empty() { self.acquire().await } else { Ok(()) }
    }

    /// Connects, takes the lock and reads what is true there. A lock of a release that has ended is taken over.
    pub async fn acquire(&mut self) -> Result<(), Failure> {
        let plan = &self.run.plan;
        let folder = self.folder().as_str().to_owned();
        let origin = plan.origin.as_ref().map(|_| folder.clone()).unwrap_or_default();
        let linked = self.linked.clone();
        let mut ended = String::new();
        loop {
            let build = || {
                let command = Command::new("acquire").value("ended", &ended)?;
                let command = command.value("folder", &folder)?.value("origin", &origin)?;
                command.list("linked file", linked.iter().map(String::as_str))
            };
            let command = build().map_err(|error| Failure::new(error.to_string()))?;
            let answer = self.ask(&command).await?;
            match answer.status {
                status::DONE => {
                    self.facts = Facts::read(&answer);
                    return Ok(());
                }
                status::LOCKED if ended.is_empty() => {
                    ended = self.ended_holder(answer.get("holder").unwrap_or_default()).await?;
                }
                status::MISSING => {
                    let missing: Vec<&str> = answer.all("missing").collect();
                    let message =
                        format!("linked file {} is not in {}/shared", missing.join(", "), self.root);
                    let hint = format!(
                        "put it there first, for example: aweigh shared put {} -e {} {} FILE",
                        self.run.plan.project.name,
                        self.run.plan.environment.name,
                        missing.first().unwrap_or(&"")
                    );
                    self.unlock().await;
                    return Err(Failure::new(message).hint(hint));
                }
                _ => return Err(self.refused(&answer, "take the lock")),
            }
        }
    }

    /// The number in a lock that may be taken over; a failure that names the holder otherwise.
    async fn ended_holder(&self, holder: &str) -> Result<String, Failure> {
        let holder = Holder::read(holder, &self.run.ports.installation);
        let has_ended = match holder {
            Holder::Release(id) => {
                let ended = self.run.ports.journal.has_ended(id).await;
                ended.map_err(|error| Failure::new(error.to_string()))?
            }
            _ => false,
        };
        holder.may_be_taken(has_ended).ok_or_else(|| holder.refusal(&self.root))
    }

    /// The sentence for a verb that was refused.
    pub fn refused(&self, answer: &Answer, verb: &str) -> Failure {
        let root = &self.root;
        let now = answer.get("now").filter(|now| !now.is_empty()).unwrap_or("nothing");
        match answer.status {
            status::LOCKED => Failure::new(format!(
                "could not {verb}: the lock in {root} is not ours any more (it names {})",
                answer.get("holder").filter(|h| !h.is_empty()).unwrap_or("nobody")
            )),
            status::INCOMPLETE => Failure::new(format!(
                "could not {verb}: the release in {root} is not complete ({})",
                answer.first_said()
            )),
            status::TOUCHED => Failure::new(format!(
                "could not {verb}: {root}/releases/{} was changed after it was staged",
                self.folder()
            ))
            .hint("release again; it is staged anew"),
            status::DRIFT => Failure::new(format!(
                "drift: {root}/current points to {now}, which is not what this release found"
            ))
            .hint("somebody else switched it; look at the server, then release again"),
            status::NOT_A_LINK => {
                Failure::new(format!("{root}/current is a real file or folder, not a link"))
                    .hint("move it away by hand, for example: mv current current.old")
            }
            status::MISSING => {
                let missing: Vec<&str> = answer.all("missing").collect();
                Failure::new(format!("linked file {} is not in {root}/shared", missing.join(", ")))
                    .hint("put it there with `aweigh shared put`, then release again")
            }
            _ => Failure::new(format!("could not {verb} in {root}: {}", answer.first_said())),
        }
    }
}
