//! The marks that tools leave: which of them made a folder, whether it was finished, and of which commit it is. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use model::CommitId;
use serde::Deserialize;

use super::found::Tool;

/// What a log says of each release, by its name.
#[derive(Debug, Default)]
pub(super) struct Log(BTreeMap<String, Said>);

/// What a log says of one release.
#[derive(Debug, Default, Clone)]
struct Said {
    commit: Option<CommitId>,
    at: Option<i64>,
}

/// A line of `.dep/releases_log`. Its name was a number once.
#[derive(Deserialize)]
struct Made {
    release_name: serde_json::Value,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    revision: Option<String>,
}

impl Log {
    /// `.dep/releases_log`: JSON, one line for each release that was begun.
    pub(super) fn deployer<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut log = BTreeMap::new();
        for made in lines.filter_map(|line| serde_json::from_str::<Made>(line).ok()) {
            let name = match made.release_name {
                serde_json::Value::String(name) => name,
                other => other.to_string(),
            };
            let at = made.created_at.and_then(|at| time_of(&at));
            log.insert(name, Said { commit: made.revision.and_then(|id| id.parse().ok()), at });
        }
        Self(log)
    }

    /// `revisions.log`: one sentence for each release that ended well. What it says is free; the name and the commit are
    /// words of it.
    pub(super) fn capistrano<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut log: BTreeMap<String, Said> = BTreeMap::new();
        for line in lines {
            let words = || line.split(|char: char| !char.is_ascii_alphanumeric());
            let commit: Option<CommitId> = words().find_map(|word| word.parse().ok());
            for name in words().filter(|word| stamp(word).is_some()) {
                let said = log.entry(name.to_owned()).or_default();
                // Somebody who went back to it wrote its name once more, without a commit.
                said.commit = said.commit.take().or_else(|| commit.clone());
            }
        }
        Self(log)
    }
}

/// What a server says of who deployed there.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// `.dep` is there.
    pub(super) deployer: bool,
    /// `repo` is there, and `revisions.log` or a `REVISION`.
    pub(super) capistrano: bool,
    /// What Deployer began.
    pub(super) made: Log,
    /// What Capistrano finished.
    pub(super) done: Log,
}

impl Marks {
    /// Who made it. Whoever came from Capistrano to Deployer has the marks of both, and deploys with the latter.
    pub(super) fn tool(&self) -> Option<Tool> {
        match (self.deployer, self.capistrano) {
            (true, _) => Some(Tool::Deployer),
            (false, true) => Some(Tool::Capistrano),
            (false, false) => None,
        }
    }

    /// Why the folder `name` was never good, or is not any more; `None` where nothing says so.
    pub(super) fn unfit(&self, name: &str, is_unfinished: bool, is_bad: bool) -> Option<&'static str> {
        if is_bad {
            return Some("Deployer marked it as bad");
        }
        if is_unfinished {
            return Some("its deploy did not end: the link `release` leads to it");
        }
        match self.tool() {
            Some(Tool::Capistrano) if !self.done.0.is_empty() && !self.done.0.contains_key(name) => {
                Some("its deploy did not end: revisions.log does not name it")
            }
            Some(Tool::Deployer) if !self.made.0.is_empty() && !self.made.0.contains_key(name) => {
                Some("Deployer did not make it: .dep/releases_log does not name it")
            }
            _ => None,
        }
    }

    /// The commit that a log says `name` is.
    pub(super) fn commit(&self, name: &str) -> Option<CommitId> {
        let said = |log: &Log| log.0.get(name).and_then(|said| said.commit.clone());
        said(&self.done).or_else(|| said(&self.made))
    }

    /// When `name` was made, where a log or the name itself tells.
    pub(super) fn time(&self, name: &str) -> Option<i64> {
        self.made.0.get(name).and_then(|said| said.at).or_else(|| stamp(name)).or_else(|| Shape::time(name))
    }
}

/// The time in a name of Capistrano, `20241120104512`, which is UTC.
fn stamp(name: &str) -> Option<i64> {
    let is_one = name.len() == 14 && name.bytes().all(|byte| byte.is_ascii_digit());
    let time = is_one.then(|| DateTime::strptime("%Y%m%d%H%M%S", name).ok()).flatten()?;
    time.in_tz("UTC").ok().map(|zoned| zoned.timestamp().as_second())
}

/// The time of a line of Deployer: `2024-11-20T10:45:12+0000`, or with a colon.
fn time_of(text: &str) -> Option<i64> {
    let with_colon = || text.parse::<Timestamp>().ok();
    let without = || Timestamp::strptime("%Y-%m-%dT%H:%M:%S%z", text).ok();
    with_colon().or_else(without).map(Timestamp::as_second)
}

/// How a tool with a library names its folders: all releases of one project begin alike.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// The tool.
    pub(super) tool: Tool,
    /// The project, up to the first underscore.
    project: String,
}

impl Shape {
    /// The shape of this name: `PROJECT_TASK_DATE_TIME` is walle-web's, `DEPLOY_DATETIME` is Spug's.
    pub(super) fn of(name: &str) -> Option<Self> {
        let parts: Vec<&str> = name.split('_').collect();
        let digits = |part: &str, many: usize| part.len() == many && part.bytes().all(|b| b.is_ascii_digit());
        let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let (tool, project) = match parts.as_slice() {
            [project, task, day, clock] if number(task) && digits(day, 8) && digits(clock, 6) => {
                (Tool::Walle, project)
            }
            [deploy, at] if number(deploy) && digits(at, 14) => (Tool::Spug, deploy),
            _ => return None,
        };
        (!project.is_empty()).then(|| Self { tool, project: (*project).to_owned() })
    }

    /// The time in such a name, by the clock of whoever deployed: good enough to tell which came first.
    fn time(name: &str) -> Option<i64> {
        let shape = Self::of(name)?;
        let parts: Vec<&str> = name.rsplitn(3, '_').collect();
        match (shape.tool, parts.as_slice()) {
            (Tool::Walle, [clock, day, ..]) => stamp(&[*day, *clock].concat()),
            (_, [at, ..]) => stamp(at),
            _ => None,
        }
    }

    /// Whether `name` is of the same project.
    pub(super) fn is_same(&self, name: &str) -> bool {
        Self::of(name).as_ref() == Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_tools_write_them() {
        assert_eq!(stamp("20241120104512"), Some(1_732_099_512));
        for text in ["2024-11-20T10:45:12+0000", "2024-11-20T12:45:12+02:00", "2024-11-20T10:45:12Z"] {
            assert_eq!(time_of(text), Some(1_732_099_512), "{text}");
        }
        for wrong in ["", "12", "20241320104512", "2024112010451x", "202411201045120"] {
            assert_eq!(stamp(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn revisions_log_says_what_ended_and_of_which_commit() {
        let commit = "a".repeat(40);
        let lines = [
            format!("Branch main (at {commit}) deployed as release 20241120104512 by ann"),
            "ann rolled back to release 20241120104512".to_owned(),
            "a line of somebody else, (at abc1234) 2024112010451".to_owned(),
        ];
        let marks = Marks {
            capistrano: true,
            done: Log::capistrano(lines.iter().map(String::as_str)),
            ..Marks::default()
        };
        assert_eq!(marks.commit("20241120104512").map(String::from), Some(commit));
        assert_eq!(marks.unfit("20241120104512", false, false), None);
        assert!(marks.unfit("20241121000000", false, false).is_some_and(|why| why.contains("revisions.log")));
        // Without the log nothing is known, and nothing is held against it.
        let marks = Marks { capistrano: true, ..Marks::default() };
        assert_eq!(marks.unfit("20241121000000", false, false), None);
    }

    #[test]
    fn releases_log_is_read_whatever_the_type_of_the_name() {
        let lines = [
            r#"{"created_at":"2024-11-20T10:45:12+0000","release_name":"12","user":"ann","target":"HEAD"}"#,
            r#"{"created_at":"2024-11-20T10:45:13+0000","release_name":13,"revision":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}"#,
            "20201120104512,14",
            "{broken",
        ];
        let marks = Marks { deployer: true, made: Log::deployer(lines.into_iter()), ..Marks::default() };
        assert_eq!((marks.time("12"), marks.time("13")), (Some(1_732_099_512), Some(1_732_099_513)));
        assert_eq!((marks.commit("12"), marks.commit("13").is_some()), (None, true));
        assert!(marks.unfit("14", false, false).is_some());
        assert!(marks.unfit("13", false, true).is_some_and(|why| why.contains("bad")));
        assert!(marks.unfit("13", true, false).is_some_and(|why| why.contains("`release`")));
    }

    #[test]
    fn folders_of_a_library_are_known_by_their_names() {
        let shape = Shape::of("3_12_20241120_104512").unwrap();
        assert_eq!(shape.tool, Tool::Walle);
        for (name, at) in [("3_12_20241120_104512", 1_732_099_512), ("7_20241120104513", 1_732_099_513)] {
            assert_eq!(Shape::time(name), Some(at), "{name}");
        }
        assert!(shape.is_same("3_9_20241119_080000") && !shape.is_same("33_9_20241119_080000"));
        assert_eq!(Shape::of("shop_12_20241120_104512").map(|shape| shape.tool), Some(Tool::Walle));
        assert_eq!(Shape::of("7_20241120104512").map(|shape| shape.tool), Some(Tool::Spug));
        for wrong in
            ["", "html", "12", "_20241120104512", "3_x_20241120_104512", "20241120104512", "7_2024112010451"]
        {
            assert_eq!(Shape::of(wrong), None, "{wrong:?}");
        }
    }
}
