//! The folder of an environment on a server: whether it is there or can be made, whose it is, who may write there, and how
//! much room is left.

use std::time::Duration;

use model::{DeployPath, Name};

use super::folder::{Found, State};
use super::{Finding, Tell, room};
use crate::ports::{Host, HostError};
use crate::question::{Question, no_answer, shown};

/// Reads the folder, then the script. Constant: no user text is part of it.
const START: &str = "sh -c 'IFS= read -r root; eval \"$(cat)\"'";

const SCRIPT: &str = include_str!("../scripts/place.sh");

/// An environment that uses the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its project.
    pub project: Name,
    /// Its name.
    pub environment: Name,
    /// Its folder.
    pub path: DeployPath,
    /// How large the newest artifact of the project is: files, and bytes; missing before the first one.
    pub artifact: Option<(u64, u64)>,
}

impl Place {
    /// Asks the server, and tells what was found of the folder and of its disk.
    pub(super) async fn look(&self, host: &dyn Host, tell: &mut Tell<'_>) -> Result<(), HostError> {
        let input = format!("{}\n{SCRIPT}", self.path);
        let question =
            Question { command: START, input: &input, longest: 64 * 1024, wait: Duration::from_secs(30) };
        let answer = question.ask(host).await?;
        let found = Found::understood(&answer).ok_or_else(|| no_answer(&answer))?;
        tell(self.path(&found));
        tell(room::judge(format!("disk {}", self.name()), found.room, self.artifact));
        Ok(())
    }

    fn name(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }

    fn path(&self, found: &Found) -> Finding {
        let what = format!("path {}", self.name());
        let root = shown(self.path.as_str());
        match &found.state {
            State::Dangling(at) => {
                return Finding::bad(what, format!("{at} is a link that leads nowhere"))
                    .hint("make what it leads to, or remove it");
            }
            State::Other(at) => {
                return Finding::bad(what, format!("{at} is no folder")).hint("move it away");
            }
            State::Closed(at) => {
                return Finding::bad(what, format!("the user may not enter {at}"))
                    .hint("give the folder to the user who logs in");
            }
            State::Missing | State::There if found.folders.is_empty() => {
                return Finding::worth(what, format!("whose {root} is cannot be found out"));
            }
            State::Missing | State::There => {}
        }
        let mut complaints = found.complaints(&root);
        complaints.sort_by_key(|(verdict, ..)| std::cmp::Reverse(*verdict));
        let good = match found.state {
            State::Missing => format!("{root} is not there yet, and can be made"),
            _ => format!("{root} belongs to the user, and nobody else may write there"),
        };
        let Some((verdict, _, hint)) = complaints.first().cloned() else { return Finding::good(what, good) };
        let told: Vec<String> = complaints.into_iter().map(|(_, told, _)| told).collect();
        Finding::of(verdict, what, told.join("; ")).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    #[test]
    fn the_command_line_is_plain() {
        crate::question::assert_plain(START);
    }

    fn place() -> Place {
        let name = |text: &str| text.parse().unwrap();
        Place {
            project: name("shop"),
            environment: name("live"),
            path: "/srv/shop".parse().unwrap(),
            artifact: None,
        }
    }

    fn check(answer: &str, verdict: Verdict, words: &str) {
        let found = Found::understood(&format!("Welcome\n@me 1001\n{answer}@whole \n")).unwrap();
        let finding = place().path(&found);
        assert!(finding.verdict == verdict && finding.detail.contains(words), "{answer}: {finding:?}");
        assert_eq!(finding.hint.is_some(), verdict != Verdict::Ok, "{finding:?}");
    }

    /// T28: whoever may write there, or may replace the folder, is told.
    #[test]
    fn a_folder_that_others_may_write_to_or_replace_is_told() {
        let above = "@folder 0 755 /srv\n@folder 0 755 /\n";
        let ours = |mode: &str| format!("@writable yes\n@folder 1001 {mode} /srv/shop\n{above}");
        check(&ours("755"), Verdict::Ok, "/srv/shop belongs to the user");
        check(&ours("777"), Verdict::Failed, "everybody may write to /srv/shop");
        check(&ours("1777"), Verdict::Failed, "everybody may write to /srv/shop");
        check(&ours("775"), Verdict::Warning, "the group of /srv/shop may write");
        check(
            &format!("@writable yes\n@folder 0 775 /srv/shop\n{above}"),
            Verdict::Warning,
            "with the number 0",
        );
        check(&format!("@folder 0 755 /srv/shop\n{above}"), Verdict::Failed, "may not write to /srv/shop");
        let below = |srv: &str| {
            format!("@writable yes\n@folder 1001 755 /srv/shop\n@folder {srv} /srv\n@folder 0 755 /\n")
        };
        check(&below("0 777"), Verdict::Failed, "everybody may write to /srv, and so replace /srv/shop");
        check(&below("0 1777"), Verdict::Ok, "");
        check(&below("0 2775"), Verdict::Warning, "the group of /srv may write to it, and so replace");
        check(&below("1002 755"), Verdict::Warning, "1002, who may replace /srv/shop");
        check(&(ours("755") + "@inner_link /etc\n"), Verdict::Failed, ".aweigh is a link to /etc");
        check(
            &(ours("755") + "@inner 0 700\n"),
            Verdict::Failed,
            ".aweigh belongs to the user with the number 0",
        );
        check(
            &(ours("755") + "@inner 1001 777\n"),
            Verdict::Failed,
            "everybody may write to /srv/shop/.aweigh",
        );
        check(&(ours("755") + "@inner 1001 700\n"), Verdict::Ok, "");
    }

    #[test]
    fn a_folder_that_is_not_there_can_be_made_or_not() {
        check(
            "@missing /srv/shop\n@folder 0 755 /srv\n@folder 0 755 /\n",
            Verdict::Failed,
            "may not make it in /srv",
        );
        check(
            "@missing /srv/shop\n@writable yes\n@folder 1001 755 /srv\n@folder 0 755 /\n",
            Verdict::Ok,
            "can be made",
        );
        check(
            "@missing /srv/shop\n@writable yes\n@folder 0 777 /srv\n@folder 0 755 /\n",
            Verdict::Failed,
            "everybody may write to /srv",
        );
        check("@other /srv/shop\n", Verdict::Failed, "no folder");
        check("@dangling /srv/shop\n", Verdict::Failed, "leads nowhere");
        check("@closed /srv\n", Verdict::Failed, "may not enter /srv");
        assert_eq!(Found::understood("@me 0\n@writable yes\n"), None);
        assert_eq!(Found::understood("@whole \n"), None);
    }
}
