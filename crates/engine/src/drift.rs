//! What servers really run: read from them, without a lock and without leaving anything there.

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use model::{DeployPath, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ports::{Host, HostError, HostTrouble, Hosts};

/// How many servers are asked at once.
const AT_ONCE: usize = 64;

/// How long one server is waited for.
const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(30);

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 16 * 1024;

/// Reads the folder on standard input, says what `current` in it is. Constant: no user text is part of it.
const ASK: &str = "sh -c 'IFS= read -r root; \
    case \"$root\" in \"~/\"*) root=\"$HOME/${root#??}\";; esac; \
    cd \"$root\" 2>/dev/null || { echo \"@nothing\"; exit 0; }; \
    if test -L current; then echo \"@link `readlink current`\"; \
    elif test -e current; then echo \"@other\"; else echo \"@nothing\"; fi; \
    if test -f current/REVISION; then echo \"@revision `head -c 64 current/REVISION`\"; fi'";

/// What one server runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runs {
    /// `current` leads here; the commit is what the release says of itself.
    Link {
        /// The text of the link.
        text: String,
        /// The text of `REVISION`, where there is one.
        revision: Option<String>,
    },
    /// There is no `current`, or no such folder.
    Nothing,
    /// `current` is a real file or folder.
    Other,
    /// It could not be asked.
    Unreachable(String),
}

/// Asks all of `servers` at once what they run in `path`; in their order.
pub async fn read(hosts: &dyn Hosts, servers: &[Server], path: &DeployPath) -> Vec<Runs> {
    let asked: Vec<BoxFuture<'_, Runs>> =
        servers.iter().map(|server| one(hosts, server, path).boxed()).collect();
    futures::stream::iter(asked).buffered(AT_ONCE).collect().await
}

async fn one(hosts: &dyn Hosts, server: &Server, path: &DeployPath) -> Runs {
    match tokio::time::timeout(LONGEST_WAIT, ask(hosts, server, path)).await {
        Ok(Ok(runs)) => runs,
        Ok(Err(error)) => Runs::Unreachable(error.message),
        Err(_) => Runs::Unreachable(format!("no answer within {LONGEST_WAIT:?}")),
    }
}

async fn ask(hosts: &dyn Hosts, server: &Server, path: &DeployPath) -> Result<Runs, HostError> {
    let host: Box<dyn Host> = hosts.connect(server).await?;
    let mut channel = host.exec(ASK).await?;
    let lost = |error: std::io::Error| HostError {
        kind: HostTrouble::Lost,
        message: format!("the connection ended: {error}"),
        hint: None,
    };
    channel.stdin.write_all(format!("{path}\n").as_bytes()).await.map_err(lost)?;
    // It has read all it needs; whether it likes the end of its input says nothing.
    channel.stdin.shutdown().await.ok();
    let mut answer = Vec::new();
    channel.stdout.take(LONGEST).read_to_end(&mut answer).await.map_err(lost)?;
    channel.exit.await?;
    understood(&String::from_utf8_lossy(&answer)).ok_or_else(|| HostError {
        kind: HostTrouble::Other,
        message: "a command gave no answer".to_owned(),
        hint: Some(
            "log in by hand as this user and see whether `sh -c 'echo hello'` prints hello".to_owned(),
        ),
    })
}

/// What an answer means; whatever a login prints besides is passed over.
fn understood(answer: &str) -> Option<Runs> {
    let said = |word: &str| answer.lines().find_map(|line| line.strip_prefix(word)).map(str::trim);
    if let Some(text) = said("@link ") {
        let revision = said("@revision ").filter(|text| !text.is_empty()).map(str::to_owned);
        return Some(Runs::Link { text: text.to_owned(), revision });
    }
    if said("@other").is_some() {
        return Some(Runs::Other);
    }
    said("@nothing").map(|_| Runs::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_behind_what_a_login_prints() {
        let link = |text: &str, revision: Option<&str>| Runs::Link {
            text: text.into(),
            revision: revision.map(str::to_owned),
        };
        for (answer, runs) in [
            ("Welcome!\n@link releases/x\n@revision abc\n", Some(link("releases/x", Some("abc")))),
            ("@link /srv/old\n", Some(link("/srv/old", None))),
            ("@other\n", Some(Runs::Other)),
            ("@nothing\n", Some(Runs::Nothing)),
            ("sh: not found\n", None),
            ("", None),
        ] {
            assert_eq!(understood(answer), runs, "{answer:?}");
        }
    }
}
