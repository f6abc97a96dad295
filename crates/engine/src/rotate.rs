//! A new key in the place of an old one, on every server that is logged in to with it: put beside the old one through the
//! old login, tried, and only then the old one is taken away.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use model::{SecretString, Server};

use crate::ports::{Host, HostError, Hosts};
use crate::question::{Question, in_order, no_answer, shown};

/// Starts the script, which is sent behind the three lines that it reads first. Constant: no user text is part of it.
const START: &str = "sh -c 'IFS= read -r verb; IFS= read -r old; IFS= read -r new; eval \"$(cat)\"'";

/// What is done on a server; constant.
const SCRIPT: &str = include_str!("scripts/authorized.sh");

/// How many servers are changed at once.
const AT_ONCE: usize = 32;

/// An old key and a new one, as OpenSSH writes public keys: type, base64, and a comment.
#[derive(Debug, Clone)]
pub struct Keys<'k> {
    /// The key that goes.
    pub old: &'k str,
    /// The key that comes.
    pub new: &'k str,
}

impl Keys<'_> {
    /// Lets the new key in on each of `servers`, beside the old one, and logs in with it; in their order.
    ///
    /// May be done again. An error leaves the old key valid.
    pub async fn bring(
        &self,
        hosts: &dyn Hosts,
        servers: &[Server],
        private: &SecretString,
    ) -> Vec<Result<(), HostError>> {
        let all: Vec<BoxFuture<'_, _>> =
            servers.iter().map(|server| self.bring_to(hosts, server, private).boxed()).collect();
        in_order(all, AT_ONCE).await
    }

    async fn bring_to(
        &self,
        hosts: &dyn Hosts,
        server: &Server,
        private: &SecretString,
    ) -> Result<(), HostError> {
        let host = hosts.connect(server).await?;
        self.change(host.as_ref(), "add").await?;
        let again = hosts.connect_with(server, private).await?;
        // A server that lets everybody in says nothing about the key: it has to know it, too.
        self.change(again.as_ref(), "add").await?;
        // Nobody else goes on with a login that the old key made: soon it opens nothing any more.
        host.distrust();
        Ok(())
    }

    /// Takes the old key away on each of `servers`; in their order. May be done again.
    pub async fn take_away(&self, hosts: &dyn Hosts, servers: &[Server]) -> Vec<Result<(), HostError>> {
        let all: Vec<BoxFuture<'_, _>> =
            servers.iter().map(|server| self.take_from(hosts, server).boxed()).collect();
        in_order(all, AT_ONCE).await
    }

    async fn take_from(&self, hosts: &dyn Hosts, server: &Server) -> Result<(), HostError> {
        let host = hosts.connect(server).await?;
        self.change(host.as_ref(), "remove").await
    }

    async fn change(&self, host: &dyn Host, verb: &str) -> Result<(), HostError> {
        let input = [verb, "\n", &bare(self.old), "\n", self.new, "\n", SCRIPT].concat();
        let wait = Duration::from_secs(30);
        let question = Question { command: START, input: &input, longest: 16 * 1024, wait };
        understood(&question.ask(host).await?, self.new)
    }
}

/// A public key without its comment.
fn bare(key: &str) -> String {
    key.split_ascii_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn understood(answer: &str, new: &str) -> Result<(), HostError> {
    for line in answer.lines() {
        match line.strip_prefix('@').map(|word| word.split_once(' ').unwrap_or((word, ""))) {
            Some(("done" | "there", _)) => return Ok(()),
            Some(("no", why)) => {
                let hint = format!("add this line there by hand, and rotate again: {new}");
                return Err(HostError::other(shown(why)).hint(hint));
            }
            _ => {}
        }
    }
    Err(no_answer(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_plain() {
        crate::question::assert_plain(START);
    }

    #[test]
    fn an_answer_is_found_behind_what_a_login_prints() {
        let new = "ssh-ed25519 AAAA aweigh:deploy";
        assert!(understood("Welcome!\n\n@done\n", new).is_ok());
        assert!(understood("\n@there\n", new).is_ok());
        let no = understood("\n@no there is no /x\n", new).unwrap_err();
        assert!(no.message == "there is no /x" && no.hint.is_some_and(|hint| hint.ends_with(new)));
        assert!(understood("Welcome!\n", new).is_err());
        assert_eq!(bare("ssh-ed25519 AAAA me@home today"), "ssh-ed25519 AAAA");
    }
}
