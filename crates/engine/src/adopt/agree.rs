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
mod tests {
    use super::super::found::Runs;
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn folder(text: &str) -> ReleaseName {
        text.parse().unwrap()
    }

    /// `12a` is folder 12 of the commit aaa…; without a letter the commit is unknown. The one that runs has a `*`.
    fn found(words: &str) -> Found {
        let mut runs = "none";
        let mut folders = Vec::new();
        for word in words.split_whitespace() {
            let bare = word.trim_end_matches('*');
            let digits = bare.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let letter = &bare[digits.len()..];
            if word.ends_with('*') {
                runs = digits;
            }
            folders.push(Folder {
                name: folder(digits),
                commit: letter.repeat(40).parse().ok(),
                at: digits.parse().unwrap(),
                is_sealed: false,
            });
        }
        let runs = Runs { name: folder(runs), text: format!("releases/{runs}") };
        let current = runs.text.clone();
        Found { tool: Some(Tool::Deployer), folders, left_out: Vec::new(), runs, current, library: None }
    }

    /// What the servers `web-1`, `web-2`, … agree about: each release as `NAME:COMMIT`, with the names on other servers, the
    /// live one with a `*`; who is behind; what is left out.
    fn told(servers: &[&str], known: &[Known]) -> (Vec<String>, Vec<String>, Vec<String>) {
        let servers: Vec<_> = (1..)
            .zip(servers)
            .map(|(number, words)| (name(&format!("web-{number}")), found(words)))
            .collect();
        let agreed = agree(&servers, known).unwrap();
        let release = |(place, one): (usize, &Agreement)| {
            let elsewhere = one.elsewhere.iter().map(|(server, folder)| format!(" {server}={folder}"));
            let elsewhere = elsewhere.collect::<Vec<_>>().concat();
            let live = if agreed.live == Some(Live::New(place)) { "*" } else { "" };
            let commit = one.commit.known().map_or("?", |commit| &commit.as_str()[..1]);
            format!("{}:{commit}{elsewhere}{live}", one.name)
        };
        let releases = agreed.releases.iter().enumerate().map(release).collect();
        let behind = agreed.behind.iter().map(ToString::to_string).collect();
        let left =
            agreed.left_out.iter().map(|left| format!("{}/{}: {}", left.server, left.folder, left.why));
        (releases, behind, left.collect())
    }

    fn check(servers: &[&str], releases: &[&str], behind: &[&str], left: &[&str]) {
        let (found, late, out) = told(servers, &[]);
        assert_eq!(found, releases, "{servers:?}");
        assert_eq!(late, behind, "{servers:?}");
        assert_eq!(out.len(), left.len(), "{servers:?}: {out:?}");
        for (out, left) in out.iter().zip(left) {
            assert!(out.starts_with(left), "{servers:?}: {out}");
        }
    }

    #[test]
    fn the_same_name_is_one_release_unless_the_commits_say_no() {
        check(&["1a 2b 3c*"], &["1:a", "2:b", "3:c*"], &[], &[]);
        check(&["1a 2b*", "1a 2b*"], &["1:a", "2:b*"], &[], &[]);
        check(&["1a 2*", "1 2b*"], &["1:a", "2:b*"], &[], &[]);
        check(&["1a 2b*", "2b*"], &["2:b*"], &[], &["web-1/1: it is not on web-2"]);
    }

    #[test]
    fn who_counts_for_itself_is_matched_by_commit() {
        check(
            &["1a 2b 3c*", "1b 2c*"],
            &["2:b web-2=1", "3:c web-2=2*"],
            &[],
            &["web-1/1: on web-2 that name is"],
        );
        // The same commit twice: the newest go together.
        check(
            &["1a 2b 3b*", "7b 8b*"],
            &["2:b web-2=7", "3:b web-2=8*"],
            &[],
            &["web-1/1: it is not on web-2"],
        );
    }

    #[test]
    fn what_all_run_is_one_release_where_nothing_says_otherwise() {
        check(&["3 4*", "7*"], &["4:? web-2=7*"], &[], &["web-1/3: it is not on web-2"]);
        check(&["3 4a*", "7*"], &["4:a web-2=7*"], &[], &["web-1/3: "]);
    }

    #[test]
    fn servers_that_run_something_else_are_told() {
        check(&["1a 2b*", "1a* 2b", "1a 2b*"], &["1:a", "2:b*"], &["web-2"], &[]);
        check(&["1a* 2b", "1a 2b*"], &["1:a", "2:b*"], &["web-1"], &[]);
        // Nobody runs what all have: nothing is live.
        let (releases, behind, left) = told(&["1a 2b*", "1a 3c*"], &[]);
        assert_eq!((releases, behind.len(), left.len()), (vec!["1:a".to_owned()], 0, 2));
    }

    #[test]
    fn what_is_known_stays_and_only_newer_ones_come() {
        let known = |id: i64, text: &str| Known {
            id: ReleaseId(id),
            name: folder(text),
            elsewhere: Elsewhere::new(),
            commit: "b".repeat(40).parse().unwrap(),
            at: text.parse().unwrap(),
        };
        let servers = [(name("web-1"), found("1a 2b 3c*"))];
        let agreed = agree(&servers, &[known(5, "2")]).unwrap();
        assert_eq!(agreed.releases.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["3"]);
        assert_eq!((agreed.live, agreed.unsealed.len()), (Some(Live::New(0)), 1));
        assert!(agreed.left_out[0].why.contains("older than release 5"), "{agreed:?}");
        let servers = [(name("web-1"), found("2b* 3c"))];
        assert_eq!(agree(&servers, &[known(5, "2")]).unwrap().live, Some(Live::Known(ReleaseId(5))));
        // What has its seal is left alone, unless it runs from a library again.
        let mut sealed = found("2b* 3c");
        for folder in &mut sealed.folders {
            folder.is_sealed = true;
        }
        for (library, again) in [(None, 0), (Some("/data/library".to_owned()), 1)] {
            let servers = [(name("web-1"), Found { library, ..sealed.clone() })];
            assert_eq!(agree(&servers, &[known(5, "2")]).unwrap().unsealed.len(), again);
        }
        let servers = [(name("web-1"), found("2c*"))];
        assert!(agree(&servers, &[known(5, "2")]).unwrap().left_out[0].why.contains("another commit"));
    }

    #[test]
    fn folders_of_one_second_keep_their_order() {
        let mut one = found("1a 2b*");
        for folder in &mut one.folders {
            folder.at = 7;
        }
        let agreed = agree(&[(name("web-1"), one)], &[]).unwrap();
        assert_eq!(agreed.releases.iter().map(|release| release.at).collect::<Vec<_>>(), [7, 8]);
    }
}
