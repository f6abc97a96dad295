//! Asks one server whether releases can run there: the same connection and login as a release uses.

use std::time::Duration;

use model::{Address, Server};

use crate::ports::{Host, HostError, HostTrouble, Hosts};
use crate::question::{Question, no_answer};

/// One line of a server's check list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `connect`, `login`, `tar` …
    pub what: String,
    /// Whether it is as a release needs it.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What to do next where it is not, or should not stay so.
    pub hint: Option<String>,
}

/// Prints one line per tool: its name, and where it is or nothing. Constant: no user text is part of it.
const TOOLS: &str = "sh -c 'for tool in tar setsid stat xargs head cmp zstd gzip; do echo \"@tool $tool `command -v $tool`\"; done'";

/// Connects to `server`, logs in and looks for the tools that a release needs.
///
/// Never fails: whatever happens is a finding.
pub async fn server(hosts: &dyn Hosts, server: &Server) -> Vec<Finding> {
    let place = server.place();
    let host = match hosts.connect(server).await {
        Ok(host) => host,
        Err(error) => return vec![trouble(error)],
    };
    let mut findings = vec![Finding { what: "connect".into(), ok: true, detail: place, hint: None }];
    findings.extend(weakness(server));
    match tools(host.as_ref()).await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(trouble(error)),
    }
    findings
}

/// What works, and should not stay so.
fn weakness(server: &Server) -> Option<Finding> {
    let is_weak = matches!(&server.address, Address::Ssh(ssh) if ssh.legacy_algorithms);
    is_weak.then(|| Finding {
        what: "algorithms".into(),
        ok: true,
        detail: "legacy_algorithms is on: SHA-1 and CBC are agreed to, which are not safe any more".into(),
        hint: Some("update its SSH server, then switch legacy_algorithms off".into()),
    })
}

fn trouble(error: HostError) -> Finding {
    let what = match error.kind {
        HostTrouble::Unreachable | HostTrouble::Away | HostTrouble::Lost => "connect",
        HostTrouble::HostKey => "host key",
        HostTrouble::Denied => "login",
        HostTrouble::ForwardRefused | HostTrouble::Other => "command",
    };
    Finding { what: what.into(), ok: false, detail: error.message, hint: error.hint }
}

async fn tools(host: &dyn Host) -> Result<Vec<Finding>, HostError> {
    let question = Question { command: TOOLS, input: "", longest: 16 * 1024, wait: Duration::from_secs(30) };
    let answer = question.ask(host).await?;
    let found = |tool: &str| {
        let start = format!("@tool {tool} ");
        answer
            .lines()
            .find_map(|line| line.strip_prefix(&start))
            .map(str::trim)
            .filter(|path| !path.is_empty())
    };
    if !answer.contains("@tool ") {
        return Err(no_answer(&answer));
    }
    let mut findings = Vec::new();
    for tool in ["tar", "setsid", "stat", "xargs", "head", "cmp"] {
        findings.push(finding(tool, found(tool).map(str::to_owned)));
    }
    let codec = found("zstd").or_else(|| found("gzip")).map(str::to_owned);
    findings.push(finding("zstd or gzip", codec));
    Ok(findings)
}

fn finding(what: &str, path: Option<String>) -> Finding {
    let hint = path.is_none().then(|| {
        format!(
            "install {what} on the server; Debian: apt-get install tar util-linux coreutils findutils diffutils zstd"
        )
    });
    Finding {
        what: what.into(),
        ok: path.is_some(),
        detail: path.unwrap_or_else(|| "not found".into()),
        hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_plain() {
        crate::question::assert_plain(TOOLS);
    }
}
