//! Which folders of many servers are one release: the same name everywhere, else the same commit, and last of all what every
//! server runs. Pure: no server is asked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::plan::{Elsewhere, folder_on};
use model::{CommitId, Name, ReleaseId, ReleaseName};

use super::found::{Folder, Found, Tool};
use crate::error::Failure;

/// How many servers are named in a sentence.
const NAMED: usize = 3;

/// A release that was adopted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub id: ReleaseId,
    /// Its folder.
    pub name: ReleaseName,
    /// The servers on which its folder has another name.
    pub elsewhere: Elsewhere,
    /// Its commit.
    pub commit: CommitId,
    /// When its folder was made, in seconds since 1970.
    pub at: i64,
}

/// A release that all servers have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Its folder.
    pub name: ReleaseName,
    /// The servers on which its folder has another name.
    pub elsewhere: Elsewhere,
    /// Its commit, as far as a server says.
    pub commit: CommitId,
    /// When its folder was made, in seconds since 1970: later than that of the one before it.
    pub at: i64,
    /// Who made it.
    pub tool: Tool,
}

impl Agreement {
    /// Its folder on `server`.
    pub fn folder_on(&self, server: &Name) -> &ReleaseName {
        folder_on(&self.name, &self.elsewhere, server)
    }

    /// When its folder was made.
    pub fn made_at(&self) -> Timestamp {
        Timestamp::from_second(self.at).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// A folder that does not become a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// On this server.
    pub server: Name,
    /// Its name, for people.
    pub folder: String,
    /// Why, as a fragment that reads behind the name.
    pub why: String,
}

/// Which release is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// The one at this place among those that are new.
    New(usize),
    /// One that was adopted before.
    Known(ReleaseId),
}

/// What the servers agree about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// What becomes releases, the oldest first.
    pub releases: Vec<Agreement>,
    /// What was adopted before and gets a seal on a server: it has none there, or is brought once more.
    pub unsealed: Vec<(Name, ReleaseName, i64)>,
    /// What most servers run; `None` where that is none of these.
    pub live: Option<Live>,
    /// The servers that run something else.
    pub behind: Vec<Name>,
    /// What does not become a release.
    pub left_out: Vec<LeftOut>,
}

/// The folders of one server that may become releases, the oldest first; those that are part of one are taken.
struct Pool<'f> {
    server: &'f Name,
    found: &'f Found,
    folders: Vec<(&'f Folder, bool)>,
}

impl<'f> Pool<'f> {
    /// The places of the folders that are not taken and that `wanted` names.
    fn free(&self, wanted: impl Fn(&Folder) -> bool) -> Vec<usize> {
        let all = self.folders.iter().enumerate();
        all.filter(|(_, (folder, taken))| !taken && wanted(folder)).map(|(place, _)| place).collect()
    }

    fn at(&self, place: usize) -> Option<&'f Folder> {
        self.folders.get(place).map(|(folder, _)| *folder)
    }
}

/// What `servers`, of which there is one at least, agree about, beside the releases that are `known`.
///
/// Fails where a server has something new of which nothing says who made it.
pub fn agree(servers: &[(Name, Found)], known: &[Known]) -> Result<Agreed, (Name, Failure)> {
    let (mut left_out, mut unsealed) = (Vec::new(), Vec::new());
    let mut pools: Vec<Pool<'_>> = Vec::new();
    for (server, found) in servers {
        let refused = found.left_out.iter().map(|(folder, why)| (folder.clone(), why.clone()));
        let mut refused: Vec<_> = refused.collect();
        let mut folders = Vec::new();
        for folder in &found.folders {
            match beside(server, folder, known) {
                Beside::New => folders.push((folder, false)),
                Beside::Known(_) if folder.is_sealed && !is_brought_again(folder, found) => {}
                Beside::Known(at) => unsealed.push((server.clone(), folder.name.clone(), at)),
                Beside::Not(why) => refused.push((folder.name.to_string(), why)),
            }
        }
        if found.tool.is_none() && !folders.is_empty() {
            let failure = Failure::new("nothing there says that Capistrano or Deployer made its releases");
            let hint = "Capistrano leaves `repo` and `revisions.log` beside `releases`, Deployer `.dep`";
            return Err((server.clone(), failure.hint(hint)));
        }
        left_out.extend(refused.into_iter().map(|(folder, why)| LeftOut {
            server: server.clone(),
            folder,
            why,
        }));
        pools.push(Pool { server, found, folders });
    }
    let groups = groups(&mut pools);
    for pool in &pools {
        for place in pool.free(|_| true) {
            if let Some(folder) = pool.at(place) {
                let why = alone(folder, &pools);
                left_out.push(LeftOut { server: pool.server.clone(), folder: folder.name.to_string(), why });
            }
        }
    }
    let releases = agreements(&groups, &pools);
    let live = live(servers, &releases, known);
    let is_behind = |(server, found): &&(Name, Found)| {
        live.is_some_and(|live| lies(live, server, &releases, known) != Some(&found.runs.name))
    };
    let behind = servers.iter().filter(is_behind).map(|(server, _)| server.clone()).collect();
    Ok(Agreed { releases, unsealed, live, behind, left_out })
}

/// Whether what was adopted is brought once more: it runs from its library again, which may hold something else by now.
fn is_brought_again(folder: &Folder, found: &Found) -> bool {
    found.library.is_some() && folder.name == found.runs.name
}

/// What a folder is beside the releases that are known.
enum Beside {
    New,
    Known(i64),
    Not(String),
}

fn beside(server: &Name, folder: &Folder, known: &[Known]) -> Beside {
    let same = known.iter().find(|known| folder_on(&known.name, &known.elsewhere, server) == &folder.name);
    if let Some(same) = same {
        let is_other = matches!((&folder.commit, same.commit.known()), (Some(a), Some(b)) if a != b);
        return if is_other {
            Beside::Not(format!("it is another commit than release {}, which bears that name", same.id))
        } else {
            Beside::Known(same.at)
        };
    }
    match known.iter().max_by_key(|known| known.at) {
        Some(newest) if folder.at <= newest.at => {
            Beside::Not(format!("it is older than release {}, which was adopted before", newest.id))
        }
        _ => Beside::New,
    }
}

/// The folders that are one release: for each release the place in each pool, in the order of the first pool.
fn groups(pools: &mut [Pool<'_>]) -> Vec<Vec<usize>> {
    let mut groups = Vec::new();
    let Some(first) = pools.first() else { return groups };
    let all: Vec<&Folder> = first.folders.iter().map(|(folder, _)| *folder).collect();
    for wanted in &all {
        let places = pools.iter().map(|pool| pool.free(|folder| folder.name == wanted.name).pop()).collect();
        take(pools, places, &mut groups);
    }
    // Two releases of one commit are told apart by their age.
    for wanted in all.iter().rev().filter(|folder| folder.commit.is_some()) {
        let newest = |pool: &Pool<'_>| pool.free(|folder| folder.commit == wanted.commit).pop();
        let places = pools.iter().map(newest).collect();
        take(pools, places, &mut groups);
    }
    // What all of them run is one release, unless they say that it is not.
    let running = |pool: &Pool<'_>| pool.free(|folder| folder.name == pool.found.runs.name).pop();
    let places = pools.iter().map(running).collect();
    take(pools, places, &mut groups);
    groups.sort();
    groups
}

/// Makes one group of these places, where every pool has one and their commits do not differ.
fn take(pools: &mut [Pool<'_>], places: Option<Vec<usize>>, groups: &mut Vec<Vec<usize>>) {
    let Some(places) = places else { return };
    if commit(pools, &places).is_err() {
        return;
    }
    for (pool, place) in pools.iter_mut().zip(&places) {
        if let Some((_, taken)) = pool.folders.get_mut(*place) {
            *taken = true;
        }
    }
    groups.push(places);
}

/// The commit of these folders, as far as one of them says; an error where two say different ones.
fn commit(pools: &[Pool<'_>], places: &[usize]) -> Result<CommitId, ()> {
    let folders = pools.iter().zip(places).filter_map(|(pool, place)| pool.at(*place));
    let mut said = folders.filter_map(|folder| folder.commit.as_ref());
    match said.next() {
        Some(first) if said.any(|other| other != first) => Err(()),
        Some(first) => Ok(first.clone()),
        None => Ok(CommitId::unknown()),
    }
}

fn agreements(groups: &[Vec<usize>], pools: &[Pool<'_>]) -> Vec<Agreement> {
    let mut all: Vec<Agreement> = Vec::new();
    for places in groups {
        let mut folders = pools.iter().zip(places).filter_map(|(pool, place)| Some((pool, pool.at(*place)?)));
        let Some((first, folder)) = folders.next() else { continue };
        let other = folders.filter(|(_, other)| other.name != folder.name);
        let elsewhere: BTreeMap<_, _> =
            other.map(|(pool, other)| (pool.server.clone(), other.name.clone())).collect();
        let Some(tool) = first.found.tool else { continue };
        // Two folders of one second have an order, too.
        let after = all.last().map_or(i64::MIN, |before| before.at + 1);
        all.push(Agreement {
            name: folder.name.clone(),
            elsewhere,
            commit: commit(pools, places).unwrap_or_else(|()| CommitId::unknown()),
            at: folder.at.max(after),
            tool,
        });
    }
    all
}

/// Why a folder is part of no release: the servers that do not have it.
fn alone(folder: &Folder, pools: &[Pool<'_>]) -> String {
    let differs = |pool: &&Pool<'_>| {
        let same = pool.found.folders.iter().find(|other| other.name == folder.name);
        same.is_some_and(|other| {
            other.commit.is_some() && folder.commit.is_some() && other.commit != folder.commit
        })
    };
    if let Some(pool) = pools.iter().find(differs) {
        return format!("on {} that name is another commit", pool.server);
    }
    let lacks = |pool: &&Pool<'_>| !pool.found.folders.iter().any(|other| other.name == folder.name);
    let servers: Vec<&str> = pools.iter().filter(lacks).map(|pool| pool.server.as_str()).collect();
    let more = servers.len().saturating_sub(NAMED);
    let named = servers.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match (servers.is_empty(), more) {
        (true, _) => "the servers do not agree which release it is".to_owned(),
        (false, 0) => format!("it is not on {named}"),
        (false, _) => format!("it is not on {named} and {more} more"),
    }
}

/// What most servers run, and of those the newest.
fn live(servers: &[(Name, Found)], releases: &[Agreement], known: &[Known]) -> Option<Live> {
    let new = (0..releases.len()).map(Live::New);
    let mut before: Vec<&Known> = known.iter().collect();
    before.sort_by_key(|known| known.id);
    let all = before.iter().map(|known| Live::Known(known.id)).chain(new);
    let runs = |live: &Live| {
        let runs =
            |(server, found): &&(Name, Found)| lies(*live, server, releases, known) == Some(&found.runs.name);
        servers.iter().filter(runs).count()
    };
    // Of equals the last one counts, which is the newest.
    all.max_by_key(runs).filter(|live| runs(live) > 0)
}

/// The folder of a release on a server.
fn lies<'r>(
    live: Live,
    server: &Name,
    releases: &'r [Agreement],
    known: &'r [Known],
) -> Option<&'r ReleaseName> {
    match live {
        Live::New(place) => releases.get(place).map(|release| release.folder_on(server)),
        Live::Known(id) => {
            let known = known.iter().find(|known| known.id == id)?;
            Some(folder_on(&known.name, &known.elsewhere, server))
        }
    }
}

#[cfg(test)]
mod tests;
