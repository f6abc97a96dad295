//! Health checks: as they are written and checked.

use std::time::Duration;

use std::net::{IpAddr, Ipv4Addr};

use model::{Health, HealthProbe, Selector};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FieldError, FieldErrors, duration, hook};

/// One question that a healthy server answers. Exactly one of `http` and `command` is given.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthSpec {
    /// Selector of the servers that are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// An `http://` URL as seen from the server; healthy when it answers 2xx or 3xx once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "http://127.0.0.1:8080/up")]
    pub http: Option<String>,
    /// A command on the server, healthy when it exits 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The longest one try may take, `5s` when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// The longest until it must be healthy, `2m` when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
}

const TIMEOUT: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_mins(2);

impl HealthSpec {
    /// The checked question.
    pub fn check(&self) -> Result<Health, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let on = errors.take("on", self.on.as_deref().map_or(Ok(Selector::all()), str::parse));
        let probe = match (&self.http, &self.command) {
            (Some(url), None) => errors.take("http", web_url(url)).map(|()| HealthProbe::Http(url.clone())),
            (None, Some(run)) => {
                errors.take("command", hook::command(run)).map(|()| HealthProbe::Command(run.clone()))
            }
            (Some(_), Some(_)) => errors.take("command", Err("cannot stand beside http: write two checks")),
            (None, None) => {
                errors.take("http", Err("is missing: write http = \"http://…\" or command = \"…\""))
            }
        };
        let timeout = self.timeout.as_deref().map_or(Ok(TIMEOUT), duration::parse);
        let timeout = errors.take("timeout", timeout);
        let deadline = self.deadline.as_deref().map_or(Ok(DEADLINE), duration::parse);
        let deadline = errors.take("deadline", deadline);
        let health = on.zip(probe).zip(timeout.zip(deadline));
        errors.finish(health.map(|((on, probe), (timeout, deadline))| Health {
            on,
            probe,
            timeout,
            deadline,
        }))
    }
}

/// Whether a host is an address at which clouds give credentials away.
fn is_credential_store(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<IpAddr>().is_ok_and(model::gives_credentials)
}

/// Whether the last part of a host is a number, decimal or hexadecimal (URL Standard, section 3.5).
fn ends_in_a_number(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hex = hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hex || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether `url` is `http://HOST[:PORT][/PATH]` in printable ASCII.
fn web_url(url: &str) -> Result<(), &'static str> {
    if url.starts_with("https://") {
        return Err("cannot be https yet; use command = \"curl -fsS https://…\"");
    }
    let rest = url.strip_prefix("http://").ok_or("must begin with http://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if is_credential_store(host) {
        return Err("is an address where clouds keep credentials; health is asked of the service itself");
    }
    let six = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
    let host_ok = match six {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        // 0x7f.1 and 2130706433 are addresses, too, to whoever looks them up: only the plain form is one here.
        None if ends_in_a_number(host) => host.parse::<Ipv4Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(plain),
    };
    let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    let printable = url.bytes().all(|b| b.is_ascii_graphic());
    if host_ok && port_ok && printable && url.len() <= 2000 && !url.contains('#') {
        Ok(())
    } else {
        Err("must be http://HOST:PORT/PATH without user, spaces and #")
    }
}

impl From<&Health> for HealthSpec {
    fn from(health: &Health) -> Self {
        let (http, command) = match &health.probe {
            HealthProbe::Http(url) => (Some(url.clone()), None),
            HealthProbe::Command(run) => (None, Some(run.clone())),
        };
        Self {
            on: (health.on != Selector::all()).then(|| health.on.to_string()),
            http,
            command,
            timeout: (health.timeout != TIMEOUT).then(|| duration::print(health.timeout)),
            deadline: (health.deadline != DEADLINE).then(|| duration::print(health.deadline)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T08: no other scheme, and no address that only looks like another one.
    #[test]
    fn only_plain_http_is_asked() {
        for good in [
            "http://127.0.0.1:8080/up",
            "http://localhost",
            "http://[::1]:80/a?b=c",
            "http://web_1/",
            "http://10.0.0.1/",
            "http://web.1a/",
        ] {
            assert_eq!(web_url(good), Ok(()), "{good}");
        }
        for bad in [
            "https://x",
            "file:///etc/passwd",
            "gopher://x",
            "http://",
            "http:///x",
            "http://a b/",
            "http://u:p@h/",
            "http://h:0/",
            "http://h:70000/",
            "http://h/\r\nX: y",
            "http://h/#x",
            "http://[zz]/",
            "ftp://h/",
            "FILE:///etc/passwd",
            "http:/h/",
            "//h/",
            "h",
            "dict://127.0.0.1:11211/stat",
            "unix:///run/docker.sock",
            "http://169.254.169.254/latest/meta-data/",
            "http://169.254.169.254:80",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/latest/",
            "http://100.100.100.200/latest/",
            "http://[::ffff:169.254.169.254]/",
            "http://2852039166/",
            "http://0xA9FEA9FE/",
            "http://0251.0376.0251.0376/",
            "http://169.254.43518/",
            "http://127.1/",
            "http://127.0.0.1./",
            "http://h@169.254.169.254/",
            "http://h\\@169.254.169.254/",
        ] {
            assert!(web_url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_check_has_one_question() {
        let check = |spec: HealthSpec| spec.check().map_err(|errors| errors[0].field.clone());
        let both =
            HealthSpec { http: Some("http://h/".into()), command: Some("x".into()), ..HealthSpec::default() };
        assert_eq!(check(both), Err("command".into()));
        assert_eq!(check(HealthSpec::default()), Err("http".into()));
        let spec =
            HealthSpec { command: Some("x".into()), deadline: Some("5m".into()), ..HealthSpec::default() };
        assert_eq!(HealthSpec::from(&spec.check().unwrap()), spec);
    }
}
