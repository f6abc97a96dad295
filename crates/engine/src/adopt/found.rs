//! What another tool left on one server: read from what the survey answers, line by line, none of which is believed more
//! than it must be. Pure.

use model::{CommitId, ReleaseName};

use super::marks::{Log, Marks, Shape};
use crate::error::Failure;
use crate::question::{BY_HAND, Said, shown};

/// A tool that made releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Capistrano 3.
    Capistrano,
    /// Deployer, the one for PHP.
    Deployer,
    /// walle-web.
    Walle,
    /// Spug.
    Spug,
}

impl Tool {
    /// Its name, as people write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Capistrano => "Capistrano",
            Self::Deployer => "Deployer",
            Self::Walle => "walle-web",
            Self::Spug => "Spug",
        }
    }
}

/// One folder that can become a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its name.
    pub name: ReleaseName,
    /// The commit that it says it is; `None` where it does not say.
    pub commit: Option<CommitId>,
    /// When it was made, in seconds since 1970, by the clock of whoever made it.
    pub at: i64,
    /// It has a seal already.
    pub is_sealed: bool,
}

/// What a server runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runs {
    /// The folder.
    pub name: ReleaseName,
    /// The text of the link that leads there: `current`, or one elsewhere.
    pub text: String,
}

/// What stands on one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Who made it; `None` where nothing says so.
    pub tool: Option<Tool>,
    /// What can become releases, the oldest first.
    pub folders: Vec<Folder>,
    /// What cannot, and why.
    pub left_out: Vec<(String, String)>,
    /// What runs there.
    pub runs: Runs,
    /// The text of `current`; empty where there is none.
    pub current: String,
    /// Where the folders stand, when that is not `releases/`.
    pub library: Option<String>,
}

/// A folder as the survey tells it.
struct Told {
    name: String,
    at: i64,
    revision: Option<CommitId>,
    flags: String,
}

impl Told {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        let at = words.next()?.parse().unwrap_or_default();
        let revision = words.next()?.parse().ok();
        let flags = words.next()?.to_owned();
        Some(Self { at, revision, flags, name: words.next()?.to_owned() })
    }

    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }
}

impl Found {
    /// Whether what runs there is sealed, and another tool wrote the link to it: as it does when it goes back by itself.
    pub fn is_written_elsewise(&self) -> bool {
        let name = &self.runs.name;
        let is_sealed = self.folders.iter().any(|folder| folder.name == *name && folder.is_sealed);
        is_sealed && (self.library.is_some() || self.current != format!("releases/{name}"))
    }

    /// What an answer of the survey means for the folder `path`, and the link elsewhere that leads to what runs, if there is
    /// one.
    pub fn read(text: &str, path: &str, link: Option<&str>) -> Result<Self, Failure> {
        let Some(answer) = Said::read(text) else {
            return Err(Failure::new("it gave no whole answer").hint(BY_HAND));
        };
        if let Some(lock) = answer.first("locked") {
            let (file, who) = lock.split_once(' ').unwrap_or((lock, ""));
            let who = if who.trim().is_empty() { String::new() } else { format!(" ({})", shown(who.trim())) };
            return Err(Failure::new(format!("{path}/{file} says that a deploy runs there{who}"))
                .hint("wait for it; when nothing runs any more: dep deploy:unlock"));
        }
        match link {
            None => Self::in_place(answer, path),
            Some(link) => Self::elsewhere(answer, path, link),
        }
    }

    /// Capistrano and Deployer: everything is below the folder of the environment.
    fn in_place(answer: Said<'_>, path: &str) -> Result<Self, Failure> {
        if answer.has("nothing") {
            return Err(Failure::new(format!("there is no folder {path}")).hint(ELSEWHERE));
        }
        let told: Vec<Told> = answer.all("release").filter_map(Told::read).collect();
        if told.is_empty() {
            return Err(Failure::new(format!("there is no release in {path}/releases")).hint(ELSEWHERE));
        }
        let text = current(answer, path)?;
        let Some(live) = told.iter().find(|told| told.has('r')) else {
            let message =
                format!("{path}/current leads to {}, which is not a folder in {path}/releases", shown(&text));
            return Err(Failure::new(message)
                .hint("where the releases stand elsewhere, name the link that leads to them with --link"));
        };
        let runs = live.name.parse().map_err(|_| unspeakable(&live.name))?;
        let runs = Runs { name: runs, text: text.clone() };
        let has = |mark: &str| answer.all("mark").any(|found| found == mark);
        let marks = Marks {
            deployer: has(".dep"),
            capistrano: has("repo")
                && (has("revisions.log") || told.iter().any(|told| told.revision.is_some())),
            made: Log::deployer(answer.all("made")),
            done: Log::capistrano(answer.all("done")),
        };
        let (folders, mut left_out) = sorted(told, &marks);
        let links = answer.all("release_link").map(shown);
        left_out.extend(links.map(|name| (name, "it is a link, not a folder".to_owned())));
        let odd = answer.all("release_odd").map(|_| "a name of several lines".to_owned());
        left_out.extend(odd.map(|name| (name, UNSPEAKABLE.to_owned())));
        Ok(Self { tool: marks.tool(), folders, left_out, runs, current: text, library: None })
    }

    /// walle-web and Spug: a link elsewhere leads to a folder in a library.
    fn elsewhere(answer: Said<'_>, path: &str, link: &str) -> Result<Self, Failure> {
        if answer.has("link_other") {
            return Err(Failure::new(format!("{link} is a real file or folder, not a link"))
                .hint("--link names the link that walle-web or Spug switches: the web root itself"));
        }
        if answer.has("link_odd") {
            return Err(Failure::new(format!("{link} leads to a name of more than one line")));
        }
        let Some(text) = answer.first("link") else {
            return Err(Failure::new(format!("there is no link {link}")).hint(ELSEWHERE));
        };
        if answer.has("current_other") {
            return Err(Failure::new(format!("{path}/current is a real file or folder, not a link")).hint(
                "choose another path for the environment: releases, shared and current are made there",
            ));
        }
        let Some(library) = answer.first("library") else {
            return Err(Failure::new(format!("{link} leads to {}, where nothing is", shown(text))));
        };
        // What stands in the folder of the environment itself was brought there before, and need not be brought again.
        let is_here = answer.first("root").is_some_and(|root| library == format!("{root}/releases"));
        let told: Vec<Told> = answer.all("shelf").filter_map(Told::read).collect();
        let current = answer.first("current").unwrap_or_default().to_owned();
        let Some(live) = told.iter().find(|told| told.has('r')) else {
            return Err(Failure::new(format!("{link} leads to {}, which is not a folder", shown(text))));
        };
        let runs = live.name.parse().map_err(|_| unspeakable(&live.name))?;
        let runs = Runs { name: runs, text: text.to_owned() };
        let Some(shape) = Shape::of(&live.name) else {
            if is_here {
                let (folders, left_out) = (Vec::new(), Vec::new());
                return Ok(Self { tool: None, folders, left_out, runs, current, library: None });
            }
            let message =
                format!("{link} leads to {}, which is not named as walle-web or Spug do", shown(text));
            return Err(Failure::new(message).hint("walle-web: PROJECT_TASK_DATE_TIME; Spug: DEPLOY_DATE"));
        };
        // A link that leads out of its folder leads elsewhere once that is brought to another place.
        let outs: Vec<(&str, &str)> = answer.all("out").filter_map(|line| line.split_once(' ')).collect();
        let out = |name: &str| outs.iter().find(|(folder, _)| *folder == name).map(|(_, out)| shown(out));
        if let Some(out) = out(&live.name) {
            let folder = shown(&format!("{library}/{}", live.name));
            return Err(Failure::new(format!("{folder} has a link that leads out of it: {out}")).hint(
                "it is brought to another folder, where that link would lead elsewhere; deploy once with an absolute link",
            ));
        }
        // A library may be that of many projects.
        let (mut siblings, mut bound) = (Vec::new(), Vec::new());
        for told in told.into_iter().filter(|told| shape.is_same(&told.name)) {
            match out(&told.name) {
                Some(out) => bound.push((told.name, format!("it has a link that leads out of it: {out}"))),
                None => siblings.push(told),
            }
        }
        let (folders, mut left_out) = sorted(siblings, &Marks::default());
        left_out.extend(bound);
        let library = (!is_here).then(|| library.to_owned());
        Ok(Self { tool: Some(shape.tool), folders, left_out, runs, current, library })
    }
}

/// Why a folder is left out whose name cannot be that of a release.
const UNSPEAKABLE: &str = "a release cannot be called that";

/// What to do about a server on which nothing is.
const ELSEWHERE: &str = "is it the path of the environment? leave this server out with --servers, and bring it up with \
                         `aweigh catch-up` after the first release";

/// The text of `current`, which leads somewhere.
fn current(answer: Said<'_>, path: &str) -> Result<String, Failure> {
    if answer.has("current_other") {
        return Err(Failure::new(format!("{path}/current is a real file or folder, not a link"))
            .hint("move it away by hand, for example: mv current current.old, and link it to a release"));
    }
    if answer.has("current_odd") {
        return Err(Failure::new(format!("{path}/current leads to a name of more than one line")));
    }
    let Some(text) = answer.first("current") else {
        return Err(Failure::new(format!("there is no {path}/current: nothing runs there"))
            .hint("link it to the release that is to run, or leave this server out with --servers"));
    };
    if !answer.has("leads") {
        return Err(Failure::new(format!("{path}/current leads to {}, where nothing is", shown(text)))
            .hint("link it to the release that is to run"));
    }
    Ok(text.to_owned())
}

fn unspeakable(name: &str) -> Failure {
    Failure::new(format!("what runs there is called {}", shown(name)))
        .hint("a release can be called letters, digits, dots, dashes and underscores, at most 200 of them")
}

/// What can become releases, the oldest first, and what cannot.
fn sorted(told: Vec<Told>, marks: &Marks) -> (Vec<Folder>, Vec<(String, String)>) {
    let mut folders = Vec::new();
    let mut left_out = Vec::new();
    for told in told {
        let Ok(name) = told.name.parse::<ReleaseName>() else {
            left_out.push((shown(&told.name), UNSPEAKABLE.to_owned()));
            continue;
        };
        // Ours, or of another Aweigh; nothing that is to be adopted.
        if name.release().is_some() {
            continue;
        }
        // What runs was good enough for somebody, whatever a log says.
        let why = if told.has('r') { None } else { marks.unfit(name.as_str(), told.has('u'), told.has('b')) };
        if let Some(why) = why {
            left_out.push((told.name, why.to_owned()));
            continue;
        }
        let (at, is_sealed) = (marks.time(name.as_str()).unwrap_or(told.at), told.has('s'));
        let commit = told.revision.or_else(|| marks.commit(name.as_str()));
        folders.push(Folder { name, commit, at, is_sealed });
    }
    folders.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    (folders, left_out)
}
