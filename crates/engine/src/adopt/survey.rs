//! The survey: what stands on every server, asked over the same connections as a release, without a lock and without
//! leaving anything there.

use std::time::Duration;

use model::{DeployPath, Server};

use super::found::Found;
use crate::error::Failure;
use crate::ports::Hosts;
use crate::question::Question;

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Starts the survey, which is sent behind the two lines that it reads first. Constant: no user text is part of it.
const START: &str = "sh -c 'IFS= read -r root; IFS= read -r link; eval \"$(cat)\"'";

/// What the survey does on a server; constant.
const SURVEY: &str = include_str!("../scripts/survey.sh");

/// Asks all of `servers` at once what stands in `path`, or behind `link`; in their order.
pub async fn survey(
    hosts: &dyn Hosts,
    servers: &[Server],
    path: &DeployPath,
    link: Option<&DeployPath>,
) -> Vec<Result<Found, Failure>> {
    let (path, link) = (path.as_str(), link.map(DeployPath::as_str));
    // Where releases stand in a library, every link in them is looked at.
    let wait = if link.is_some() { Duration::from_mins(5) } else { Duration::from_mins(1) };
    let input = [path, "\n", link.unwrap_or_default(), "\n", SURVEY].concat();
    let question = Question { command: START, input: &input, longest: LONGEST, wait };
    let answers = question.ask_all(hosts, servers).await;
    answers.into_iter().map(|answer| Found::read(&answer?, path, link)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_plain() {
        crate::question::assert_plain(START);
    }
}
