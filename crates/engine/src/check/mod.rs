//! Looks whether releases can run on a server: the same connection, login and shell as a release, and nothing is changed
//! there.
//!
//! The list grows while it is made: each finding is told when it is found. In reading order: [`finding`], `connection` (how
//! far a login came), `tools`, [`place`] (the folder of each environment, with `folder` and `room`), `duties` (what hooks of the
//! user expect).

mod connection;
mod duties;
pub mod finding;
mod folder;
pub mod place;
mod room;
mod tools;

use std::time::Duration;

use jiff::Timestamp;
use model::Server;

use crate::facts;
use crate::ports::{Host, HostError, Hosts};
use crate::question::{BY_HAND, Question, shown};
pub use duties::Duties;
pub use finding::{Finding, Verdict};
pub use place::Place;

/// What is to be looked at.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The server.
    pub server: Server,
    /// The servers on the way to it, the first one first.
    pub way: Vec<Server>,
    /// The environments that use it.
    pub places: Vec<Place>,
    /// What their hooks expect of the user.
    pub duties: Duties,
}

/// Takes in one finding.
pub type Tell<'t> = dyn FnMut(Finding) + Send + 't;

/// Says that a command runs. Constant: no user text is part of it.
const SHELL: &str = "sh -c 'echo @shell'";

/// Looks at a server, and tells every finding as soon as it is one. Whatever happens is a finding, the first that keeps
/// the next ones from being found is the last.
///
/// Each question to the server waits 30 seconds at most. Dropping this leaves nothing there but a question that may still
/// run to its end.
pub async fn server(hosts: &dyn Hosts, subject: &Subject, tell: &mut Tell<'_>) {
    for jump in &subject.way {
        let what = format!("jump {}", jump.name);
        match hosts.connect(jump).await {
            Ok(_) => tell(Finding::good(what, jump.place())),
            Err(error) => return tell(Finding::bad(what, error.message).hint(error.hint)),
        }
    }
    let host = match hosts.connect(&subject.server).await {
        Ok(host) => host,
        Err(error) => return connection::failed(&subject.server, error).into_iter().for_each(tell),
    };
    connection::made(&subject.server).into_iter().for_each(&mut *tell);
    if let Err(error) = look(host.as_ref(), subject, tell).await {
        tell(Finding::bad("command", error.message).hint(error.hint));
    }
}

async fn look(host: &dyn Host, subject: &Subject, tell: &mut Tell<'_>) -> Result<(), HostError> {
    let question = Question { command: SHELL, input: "", longest: 64 * 1024, wait: Duration::from_secs(30) };
    let found = shell(&question.ask(host).await?);
    let runs_commands = found.verdict != Verdict::Failed;
    tell(found);
    if !runs_commands {
        return Ok(());
    }
    let before = Timestamp::now();
    let facts = facts::of(host).await?;
    tell(clock(facts.now, before.as_second(), Timestamp::now().as_second()));
    tools::judge(&facts).into_iter().for_each(&mut *tell);
    for place in &subject.places {
        place.look(host, tell).await?;
    }
    subject.duties.look(host, tell).await
}

/// What answered the command: `sh`, something that prints more, or something else.
fn shell(answer: &str) -> Finding {
    let mut before = Vec::new();
    for line in answer.lines() {
        if line.trim_end() == "@shell" {
            let chatter = before.iter().find(|line: &&&str| !line.trim().is_empty());
            return match chatter {
                None => Finding::good("shell", "runs commands, and prints nothing else"),
                Some(line) => {
                    let detail = format!("runs commands, and prints at each login: {}", shown(line));
                    let hint = "releases pass over it, copying tools such as scp and rsync may not: print it only where \
                                somebody looks, behind `case $- in *i*)` in ~/.bashrc";
                    Finding::worth("shell", detail).hint(hint)
                }
            };
        }
        before.push(line);
    }
    let said = before.iter().find(|line| !line.trim().is_empty());
    let detail = match said {
        Some(line) => format!("answers something else than the command that was sent: {}", shown(line)),
        None => "runs no command that is sent".to_owned(),
    };
    Finding::bad("shell", detail).hint(BY_HAND)
}

/// How far a clock may differ, in seconds.
const APART: i64 = 5;

/// Compares the clock of a server with ours, which showed `before` when it was asked and `after` when it had answered.
fn clock(now: Option<i64>, before: i64, after: i64) -> Finding {
    let Some(now) = now else { return Finding::worth("clock", "does not tell its time") };
    let (behind, ahead) = (before.saturating_sub(now), now.saturating_sub(after));
    let apart = behind.max(ahead);
    if apart < APART {
        return Finding::good("clock", "shows the time of this machine");
    }
    let word = if behind > ahead { "behind" } else { "ahead of" };
    let detail = format!("is {apart} seconds {word} the one of this machine");
    Finding::worth("clock", detail).hint("let both follow a time server: timedatectl set-ntp true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_plain() {
        crate::question::assert_plain(SHELL);
    }

    #[test]
    fn what_answers_is_told() {
        let check = |answer: &str, verdict, word: &str| {
            let found = shell(answer);
            assert!(found.verdict == verdict && found.detail.contains(word), "{answer:?}: {found:?}");
        };
        check("@shell\n", Verdict::Ok, "nothing else");
        check("\r\n@shell\r\n", Verdict::Ok, "nothing else");
        check("Welcome to \u{1b}[31mweb-1\n@shell\n", Verdict::Warning, "Welcome to \\u{1b}[31mweb-1");
        check("", Verdict::Failed, "no command");
        check("git> \n", Verdict::Failed, "git> ");
        check("echo @shell\n", Verdict::Failed, "echo @shell");
    }

    #[test]
    fn clocks_that_differ_are_told() {
        let check = |now, verdict, word: &str| {
            let found = clock(now, 1000, 1002);
            assert!(found.verdict == verdict && found.detail.contains(word), "{now:?}: {found:?}");
        };
        check(Some(996), Verdict::Ok, "time of this machine");
        check(Some(1006), Verdict::Ok, "time of this machine");
        check(Some(994), Verdict::Warning, "6 seconds behind");
        check(Some(5000), Verdict::Warning, "3998 seconds ahead");
        check(Some(i64::MIN), Verdict::Warning, "behind");
        check(None, Verdict::Warning, "does not tell");
    }
}
