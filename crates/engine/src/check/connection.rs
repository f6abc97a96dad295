//! How far a login came. There is one way to connect, that of a release; how far it came follows from the kind of trouble.

use std::net::IpAddr;

use model::{Address, Server, SshAddress};

use super::Finding;
use crate::ports::{HostError, HostTrouble};

/// The stages of a login, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Resolve,
    Connect,
    Handshake,
    HostKey,
    Login,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Resolve, Self::Connect, Self::Handshake, Self::HostKey, Self::Login];

    fn word(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::HostKey => "host key",
            Self::Login => "login",
        }
    }

    /// What it means that this stage is done; nothing where the server has none.
    fn done(self, ssh: &SshAddress) -> Option<Finding> {
        let detail = match self {
            // An address needs no name service, and what is behind another server is looked up there.
            Self::Resolve if ssh.jump.is_some() || is_address(&ssh.host) => return None,
            Self::Resolve => format!("{} has an address", ssh.host),
            Self::Connect => {
                let through = ssh.jump.as_ref().map(|jump| format!(" through {jump}")).unwrap_or_default();
                format!("{} answers on port {}{through}", ssh.host, ssh.port)
            }
            Self::Handshake => "it speaks SSH".to_owned(),
            Self::HostKey => {
                let kinds = ssh.host_keys.iter().filter_map(|key| key.split(' ').next());
                format!("it is trusted by what is pinned ({})", kinds.collect::<Vec<_>>().join(", "))
            }
            Self::Login => format!("{}, by the credential {}", ssh.user, ssh.credential),
        };
        Some(Finding::good(self.word(), detail))
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

/// What is found when somebody is logged in.
pub(super) fn made(server: &Server) -> Vec<Finding> {
    match &server.address {
        Address::Local => vec![Finding::good(Stage::Connect.word(), server.place())],
        Address::Ssh(ssh) => {
            let stages = Stage::ALL.into_iter().filter_map(|stage| stage.done(ssh));
            stages.chain(weakness(ssh)).collect()
        }
    }
}

/// What works, and should not stay so.
fn weakness(ssh: &SshAddress) -> Option<Finding> {
    ssh.legacy_algorithms.then(|| {
        let detail = "legacy_algorithms is on: SHA-1 and CBC are agreed to, which are not safe any more";
        Finding::worth("algorithms", detail).hint("update its SSH server, then switch legacy_algorithms off")
    })
}

/// What is found when nobody is: the stages that were done, and the one that failed.
pub(super) fn failed(server: &Server, error: HostError) -> Vec<Finding> {
    let stage = match error.kind {
        HostTrouble::Unresolved => Some(Stage::Resolve),
        HostTrouble::Unreachable | HostTrouble::Away => Some(Stage::Connect),
        HostTrouble::NoHandshake | HostTrouble::HungUp => Some(Stage::Handshake),
        HostTrouble::HostKey => Some(Stage::HostKey),
        HostTrouble::Denied => Some(Stage::Login),
        // It did not come to a connection, or nobody can say how far it was.
        HostTrouble::Credential
        | HostTrouble::NoWay
        | HostTrouble::Lost
        | HostTrouble::ForwardRefused
        | HostTrouble::Other => None,
    };
    let before =
        stage.into_iter().flat_map(|failed| Stage::ALL.into_iter().take_while(move |stage| *stage != failed));
    let mut findings: Vec<Finding> = match &server.address {
        Address::Local => Vec::new(),
        Address::Ssh(ssh) => before.filter_map(|stage| stage.done(ssh)).collect(),
    };
    let what = match (stage, error.kind) {
        (Some(stage), _) => stage.word(),
        (None, HostTrouble::Credential) => "credential",
        (None, _) => Stage::Connect.word(),
    };
    findings.push(Finding::bad(what, error.message).hint(error.hint));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Labels;

    fn server(host: &str, jump: Option<&str>) -> Server {
        let address = Address::Ssh(SshAddress {
            host: host.into(),
            port: 22,
            user: "deploy".into(),
            credential: "key".parse().unwrap(),
            host_keys: vec!["ssh-ed25519 AAAA".into()],
            jump: jump.map(|name| name.parse().unwrap()),
            legacy_algorithms: false,
        });
        Server {
            name: "web-1".parse().unwrap(),
            address,
            labels: Labels::new(),
            variables: model::Variables::new(),
            groups: std::collections::BTreeSet::new(),
        }
    }

    fn words(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.what.as_str()).collect()
    }

    #[test]
    fn what_was_done_before_the_trouble_is_told_and_nothing_else() {
        let check = |kind, expected: &[&str]| {
            let error = HostError { kind, message: "no".into(), hint: Some("do".into()) };
            let findings = failed(&server("web-1.example.com", None), error);
            assert_eq!(words(&findings), expected, "{kind:?}");
            assert_eq!(findings.iter().filter(|finding| finding.hint.is_some()).count(), 1);
        };
        check(HostTrouble::Unresolved, &["resolve"]);
        check(HostTrouble::Away, &["resolve", "connect"]);
        check(HostTrouble::HungUp, &["resolve", "connect", "handshake"]);
        check(HostTrouble::HostKey, &["resolve", "connect", "handshake", "host key"]);
        check(HostTrouble::Denied, &["resolve", "connect", "handshake", "host key", "login"]);
        check(HostTrouble::Credential, &["credential"]);
        check(HostTrouble::NoWay, &["connect"]);
        check(HostTrouble::Other, &["connect"]);
    }

    #[test]
    fn only_a_name_that_is_looked_up_here_is_told_as_looked_up() {
        assert_eq!(words(&made(&server("h", None))).first(), Some(&"resolve"));
        assert_eq!(words(&made(&server("10.0.0.1", None))).first(), Some(&"connect"));
        assert_eq!(words(&made(&server("fe80::1", None))).first(), Some(&"connect"));
        let behind = made(&server("h", Some("bastion")));
        assert_eq!(words(&behind).first(), Some(&"connect"));
        assert!(behind.iter().any(|finding| finding.detail.contains("through bastion")), "{behind:?}");
        let local = Server { address: Address::Local, ..server("h", None) };
        assert_eq!(words(&made(&local)), ["connect"]);
    }
}
