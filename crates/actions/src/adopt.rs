//! Adoption: what another tool brought to the servers of an environment becomes releases of Aweigh, without a redeploy.

use std::sync::Arc;

use engine::adopt::{
    Agreed, Agreement, Errand, Found, Frame, Known, LeftOut, Live, Lock, Takeover, agree, plan, server_fact,
    survey,
};
use engine::error::Failure;
use engine::holder;
use model::{DeployPath, Kind, Name, ReleaseId, ReleaseName, Selector, Server, Site, Status};
use store::{Adopted, AdoptedRelease, Filter, Good, LiveNow};

use crate::{Action, Actions, Actor, Error, Object, RepositorySays, authorize, repository_file};

/// By hand every adopted release is older than all of ours: its number is its time before this one, in seconds since 1970,
/// which is in the year 2286.
const BELOW_ALL: i64 = 10_000_000_000;

/// What somebody wants to adopt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptRequest {
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// Only these servers of it.
    pub servers: Option<Selector>,
    /// A link elsewhere that leads to what runs, for walle-web and Spug.
    pub link: Option<DeployPath>,
}

/// What was found, and what became of it.
#[derive(Debug)]
pub struct AdoptReport {
    /// What was found on each server, by name.
    pub servers: Vec<ServerFound>,
    /// The releases, the oldest first.
    pub releases: Vec<AdoptOne>,
    /// Folders of releases that were adopted before, on servers on which they get a seal.
    pub sealed: Vec<(Name, ReleaseName)>,
    /// The servers that run something else than what is live.
    pub behind: Vec<Name>,
    /// Folders that do not become releases.
    pub left_out: Vec<LeftOut>,
    /// Why nothing would be adopted.
    pub refusal: Option<Error>,
}

/// What was found on one server.
#[derive(Debug)]
pub struct ServerFound {
    /// Its name.
    pub name: Name,
    /// What, or why it cannot be adopted as it is.
    pub found: Result<Found, Failure>,
}

/// One release that comes, or came.
#[derive(Debug)]
pub struct AdoptOne {
    /// Its number, once it has one.
    pub id: Option<ReleaseId>,
    /// What it is.
    pub release: Agreement,
    /// Whether it is live.
    pub is_live: bool,
}

/// Everything that is known before anything is done.
struct Prospect {
    site: Site,
    servers: Vec<Server>,
    found: Vec<Result<Found, Failure>>,
    known: Vec<Known>,
    /// A good release that Aweigh itself brought.
    ours: Option<ReleaseId>,
}

impl Actions {
    /// What [`adopt`](Self::adopt) would do. Nothing is changed, here or there.
    pub async fn preview_adoption(
        &self,
        actor: &Actor,
        request: &AdoptRequest,
    ) -> Result<AdoptReport, Error> {
        let prospect = self.prospect(actor, request).await?;
        let is_free = self.is_free(request).await;
        // Where a server is in the way, what the others would agree about is nobody's plan.
        let (agreed, refusal) = match prospect.agreed() {
            Ok((_, agreed)) if agreed.releases.is_empty() => (Some(agreed), None),
            Ok((_, agreed)) => {
                let refusal = is_free.and_then(|()| prospect.may_come(request, &agreed)).err();
                (Some(agreed), refusal)
            }
            Err(error) => (None, Some(error)),
        };
        Ok(AdoptReport { refusal, ..prospect.report(agreed, &[]) })
    }

    /// Takes over what another tool brought: its releases become releases of this environment, on all of its servers or on
    /// none. It may be cut anywhere and asked again; what was adopted before is left as it is.
    ///
    /// When it is dropped in the middle, locks may stay on servers; the next adoption or release there takes them over.
    pub async fn adopt(&self, actor: &Actor, request: &AdoptRequest) -> Result<AdoptReport, Error> {
        // Of two at once one would find what the other had not stored yet.
        let _alone = self.adopting.lock().await;
        let prospect = self.prospect(actor, request).await?;
        self.is_free(request).await?;
        let (all, agreed) = prospect.agreed()?;
        let is_written_elsewise = all.iter().any(|(_, found)| found.is_written_elsewise());
        if agreed.releases.is_empty() && agreed.unsealed.is_empty() && !is_written_elsewise {
            return Ok(prospect.report(Some(agreed), &[]));
        }
        let live = if agreed.releases.is_empty() { None } else { Some(prospect.may_come(request, &agreed)?) };
        let errands = prospect.errands(request, &all, &agreed);
        let installation = self.store().installation().to_owned();
        let me = holder::adoption(&installation, self.store().next_adoption().await?);
        let store = self.store().clone();
        let has_ended = move |id| {
            let store = store.clone();
            async move { store.ended(id).await.map_err(|error| Failure::new(error.to_string())) }
        };
        let lock = Lock { me, installation };
        let (project, environment) = (&request.project, &request.environment);
        let object = Object::Environment(project, environment);
        self.note(actor.deed("environment.adopt", &object, "")).await?;
        let named = |(server, failure): (Name, Failure)| refused(&server, failure);
        let mut takeover =
            Takeover::begin(self.parts.hosts.as_ref(), errands, &lock, has_ended).await.map_err(named)?;
        let done = match (takeover.run().await.map_err(named), live) {
            (Err(error), _) => Err(error),
            (Ok(()), None) => Ok(Vec::new()),
            (Ok(()), Some(live)) => self.store_adopted(actor, request, &prospect, &all, &agreed, live).await,
        };
        takeover.end().await;
        let ids = done?;
        Ok(prospect.report(Some(agreed), &ids))
    }

    /// Asks all servers, and looks up what is known.
    async fn prospect(&self, actor: &Actor, request: &AdoptRequest) -> Result<Prospect, Error> {
        let (project, environment) = (&request.project, &request.environment);
        authorize(actor, Action::Adopt, &Object::Environment(project, environment))?;
        self.project(project).await?;
        let site = self.site(project, environment).await?;
        let mut servers = self.chosen(&site, request.servers.as_ref()).await?;
        servers.sort_by(|a, b| a.name.cmp(&b.name));
        let good = self.store().good(project, environment).await?;
        let ours = good.iter().filter(|one| one.kind == Kind::Release).map(|one| one.id).min();
        let known = good.into_iter().filter(|one| one.kind == Kind::Adopted).map(known).collect();
        let found = survey(self.parts.hosts.as_ref(), &servers, &site.path, request.link.as_ref()).await;
        Ok(Prospect { site, servers, found, known, ours })
    }

    /// Nothing is adopted under a release that has not ended.
    async fn is_free(&self, request: &AdoptRequest) -> Result<(), Error> {
        let open = Filter {
            project: Some(request.project.clone()),
            environment: Some(request.environment.clone()),
            status: Status::ALL.into_iter().filter(|status| !status.is_terminal()).collect(),
            limit: 1,
            ..Filter::default()
        };
        match self.store().releases(&open).await?.pop() {
            Some(release) => Err(busy(request, release.id, release.by)),
            None => Ok(()),
        }
    }

    async fn store_adopted(
        &self,
        actor: &Actor,
        request: &AdoptRequest,
        prospect: &Prospect,
        all: &[(Name, Found)],
        agreed: &Agreed,
        live: Live,
    ) -> Result<Vec<ReleaseId>, Error> {
        let project = self.project(&request.project).await?;
        let (project, environment) =
            repository_file::under(project, &prospect.site, &RepositorySays::default());
        let by = actor.name.clone();
        let frame =
            Arc::new(Frame { project, environment, servers: prospect.servers.clone(), by: by.clone() });
        let one = |(place, release): (usize, &Agreement)| {
            let is_live = live == Live::New(place);
            let servers =
                all.iter().map(|(server, found)| server_fact(server, release, is_live, &found.runs.name));
            let (frame, planned) = (Arc::clone(&frame), release.clone());
            AdoptedRelease {
                commit: release.commit.clone(),
                git_ref: release.name.to_string(),
                reason: format!("adopted from {}", release.tool.word()),
                made_at: release.made_at(),
                elsewhere: release.elsewhere.clone(),
                servers: servers.collect(),
                plan: Box::new(move |id, _| plan(Frame::clone(&frame), planned, id)),
            }
        };
        let adoption = store::Adoption {
            project: request.project.clone(),
            environment: request.environment.clone(),
            by,
            releases: agreed.releases.iter().enumerate().map(one).collect(),
            live: match live {
                Live::New(place) => LiveNow::New(place),
                Live::Known(id) => LiveNow::Known(id),
            },
        };
        match self.store().adopt(adoption).await? {
            Adopted::Done(ids) => Ok(ids),
            Adopted::Busy { id, by } => Err(busy(request, id, by)),
            Adopted::Released(id) => Err(too_late(request, id)),
        }
    }
}

impl Prospect {
    /// What was found on every server, or the first that is in the way.
    fn all_found(&self) -> Result<Vec<(Name, Found)>, Error> {
        let mut all = Vec::with_capacity(self.found.len());
        let mut in_the_way: Vec<(&Name, &Failure)> = Vec::new();
        for (server, found) in self.servers.iter().zip(&self.found) {
            match found {
                Ok(found) => all.push((server.name.clone(), found.clone())),
                Err(failure) => in_the_way.push((&server.name, failure)),
            }
        }
        let Some((server, failure)) = in_the_way.first() else { return Ok(all) };
        let mut failure = Failure::clone(failure);
        if in_the_way.len() > 1 {
            let others: Vec<&str> = in_the_way.iter().skip(1).map(|(server, _)| server.as_str()).collect();
            failure.message = format!("{}; and something is wrong on {}", failure.message, others.join(", "));
        }
        Err(refused(server, failure))
    }

    /// What was found, and what the servers agree about.
    fn agreed(&self) -> Result<(Vec<(Name, Found)>, Agreed), Error> {
        let all = self.all_found()?;
        let agreed = agree(&all, &self.known).map_err(|(server, failure)| refused(&server, failure))?;
        Ok((all, agreed))
    }

    /// What is live behind the adoption; an error where new releases cannot come.
    fn may_come(&self, request: &AdoptRequest, agreed: &Agreed) -> Result<Live, Error> {
        if let Some(id) = self.ours {
            return Err(too_late(request, id));
        }
        agreed.live.ok_or_else(|| {
            let runs = |(server, found): (&Server, &Result<Found, Failure>)| {
                found.as_ref().ok().map(|found| format!("{} runs {}", server.name, found.runs.name))
            };
            let runs: Vec<String> = self.servers.iter().zip(&self.found).filter_map(runs).collect();
            Error::NotAdoptable {
                message: format!("no server runs a release that all of them have: {}", runs.join(", ")),
                hint: Some(
                    "bring one release to all of them with the tool that you have, then adopt".to_owned(),
                ),
            }
        })
    }

    fn errands(&self, request: &AdoptRequest, all: &[(Name, Found)], agreed: &Agreed) -> Vec<Errand> {
        let errand = |(server, (name, found)): (&Server, &(Name, Found))| {
            let new =
                agreed.releases.iter().map(|release| (release.folder_on(name).clone(), number(release.at)));
            let before = agreed.unsealed.iter().filter(|(server, ..)| server == name);
            let before = before.map(|(_, folder, at)| (folder.clone(), number(*at)));
            Errand {
                server: server.clone(),
                root: self.site.path.clone(),
                seal: new.chain(before).collect(),
                library: found.library.clone(),
                runs: found.runs.name.clone(),
                current: found.current.clone(),
                link: request.link.clone().map(|link| (link, found.runs.text.clone())),
            }
        };
        self.servers.iter().zip(all).map(errand).collect()
    }

    fn report(self, agreed: Option<Agreed>, ids: &[ReleaseId]) -> AdoptReport {
        let servers = self.servers.into_iter().zip(self.found);
        let servers = servers.map(|(server, found)| ServerFound { name: server.name, found }).collect();
        let Some(agreed) = agreed else {
            let (releases, sealed, behind, left_out) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            return AdoptReport { servers, releases, sealed, behind, left_out, refusal: None };
        };
        let one = |(place, release)| AdoptOne {
            id: ids.get(place).copied(),
            release,
            is_live: agreed.live == Some(Live::New(place)),
        };
        let releases = agreed.releases.into_iter().enumerate().map(one).collect();
        let sealed = agreed.unsealed.into_iter().map(|(server, folder, _)| (server, folder)).collect();
        let (behind, left_out) = (agreed.behind, agreed.left_out);
        AdoptReport { servers, releases, sealed, behind, left_out, refusal: None }
    }
}

/// The number by which an adopted release is known on servers to be older than another.
fn number(at: i64) -> i64 {
    at.clamp(0, BELOW_ALL - 1) - BELOW_ALL
}

fn known(good: Good) -> Known {
    Known {
        id: good.id,
        name: good.name,
        elsewhere: good.elsewhere,
        commit: good.commit,
        at: good.created_at.as_second(),
    }
}

/// A server that is in the way.
fn refused(server: &Name, failure: Failure) -> Error {
    let message = format!("{server}: {}", failure.message);
    if failure.unreachable {
        let hint = failure.hint.or_else(|| Some("adopt the others alone with --servers".to_owned()));
        Error::Server { message, hint }
    } else {
        Error::NotAdoptable { message, hint: failure.hint }
    }
}

fn busy(request: &AdoptRequest, id: ReleaseId, by: String) -> Error {
    let (project, environment) = (request.project.to_string(), request.environment.to_string());
    Error::Busy { id, project, environment, by }
}

fn too_late(request: &AdoptRequest, id: ReleaseId) -> Error {
    Error::NotAdoptable {
        message: format!(
            "{}/{} runs releases of Aweigh since release {id}: what was there before would have to be numbered before it",
            request.project, request.environment
        ),
        hint: Some(
            "adopt before the first release; on a server: sh .aweigh/driver-… rollback NAME".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_adopted_is_older_than_all_of_ours_and_keeps_its_order() {
        let numbers = [-5, 0, 1_795_171_512, 1_795_171_513, i64::MAX].map(number);
        assert!(numbers.is_sorted() && numbers.iter().all(|number| *number < 0), "{numbers:?}");
        assert!(numbers[2] < numbers[3]);
    }
}
