//! The survey: what stands on every server, asked over the same connections as a release, without a lock and without
//! leaving anything there.

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use model::{DeployPath, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::found::Found;
use crate::error::Failure;
use crate::ports::{HostError, HostTrouble, Hosts};

/// How many servers are asked at once.
const AT_ONCE: usize = 64;

/// How long one server is waited for.
const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_mins(1);

/// The same where releases stand in a library: every link in them is looked at.
const LONGEST_LOOK: std::time::Duration = std::time::Duration::from_mins(5);

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
    let asked: Vec<BoxFuture<'_, _>> =
        servers.iter().map(|server| one(hosts, server, path, link).boxed()).collect();
    futures::stream::iter(asked).buffered(AT_ONCE).collect().await
}

async fn one(
    hosts: &dyn Hosts,
    server: &Server,
    path: &DeployPath,
    link: Option<&DeployPath>,
) -> Result<Found, Failure> {
    let link = link.map(DeployPath::as_str);
    let longest = if link.is_some() { LONGEST_LOOK } else { LONGEST_WAIT };
    match tokio::time::timeout(longest, ask(hosts, server, path.as_str(), link.unwrap_or_default())).await {
        Ok(answer) => Found::read(&answer?, path.as_str(), link),
        Err(_) => Err(Failure::new(format!("no answer within {longest:?}"))),
    }
}

async fn ask(hosts: &dyn Hosts, server: &Server, path: &str, link: &str) -> Result<String, HostError> {
    let host = hosts.connect(server).await?;
    let mut channel = host.exec(START).await?;
    let lost = |error: std::io::Error| HostError {
        kind: HostTrouble::Lost,
        message: format!("the connection ended: {error}"),
        hint: None,
    };
    let asked = [path, "\n", link, "\n", SURVEY].concat();
    channel.stdin.write_all(asked.as_bytes()).await.map_err(lost)?;
    // Where this is the end of the input, the survey begins. How it is taken says nothing.
    channel.stdin.shutdown().await.ok();
    drop(channel.stdin);
    let mut answer = Vec::new();
    channel.stdout.take(LONGEST).read_to_end(&mut answer).await.map_err(lost)?;
    channel.exit.await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_plain() {
        let words = START.strip_prefix("sh -c '").unwrap().strip_suffix('\'').unwrap();
        assert!(!words.contains(['\'', '!', '\\', '\n']), "fish and tcsh quote these differently: {words}");
    }
}
