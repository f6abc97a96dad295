//! How the text of an address is read.

use super::{Login, Url};
use crate::Protocol;

/// The longest address that is accepted, in bytes.
const LONGEST: usize = 2048;

/// Why something is no address.
pub(crate) enum Refusal<'a> {
    Reason(&'static str),
    Protocol(&'a str),
}

pub(super) fn refuse<T>(reason: &'static str) -> Result<T, Refusal<'static>> {
    Err(Refusal::Reason(reason))
}

/// Reads an address of any protocol.
pub(super) fn read(text: &str) -> Result<Url, Refusal<'_>> {
    if text.is_empty() {
        return refuse("it is empty");
    }
    if text.len() > LONGEST {
        return refuse("it is longer than 2048 bytes");
    }
    if text.starts_with('-') {
        return refuse("it starts with '-'");
    }
    if text.chars().any(char::is_control) {
        return refuse("it has a control character");
    }
    if text.starts_with('/') {
        return Ok(Url { protocol: Protocol::File, text: text.into(), origin: String::new(), login: None });
    }
    if let Some((scheme, rest)) = text.split_once("://")
        && !scheme.contains([':', '/', '@'])
    {
        return match scheme.to_ascii_lowercase().as_str() {
            "https" => http(Protocol::Https, rest),
            "http" => http(Protocol::Http, rest),
            "ssh" => ssh(rest),
            "file" if rest.starts_with('/') => Ok(Url {
                protocol: Protocol::File,
                text: format!("file://{rest}"),
                origin: String::new(),
                login: None,
            }),
            "file" => refuse("a file address has three slashes and an absolute path"),
            _ => Err(Refusal::Protocol(scheme)),
        };
    }
    // `ext::sh -c …` and its kin name a remote helper, which is a program.
    if let Some((helper, _)) = text.split_once("::")
        && helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
    {
        return Err(Refusal::Protocol(helper));
    }
    scp_like(text)
}

fn http(protocol: Protocol, rest: &str) -> Result<Url, Refusal<'static>> {
    // Some readers of addresses take a backslash for a slash, and so see another host than others do.
    if rest.contains(['?', '#', '\\']) {
        return refuse("it has a '?', '#' or backslash");
    }
    let (authority, path) = split_path(rest)?;
    let (login, place) = match authority.rsplit_once('@') {
        None => (None, authority),
        Some((login, place)) => (Some(Login::read(login)?), place),
    };
    check_place(place)?;
    let origin = format!("{protocol}://{place}");
    Ok(Url { protocol, text: format!("{origin}{path}"), origin, login })
}

fn ssh(rest: &str) -> Result<Url, Refusal<'static>> {
    let (authority, path) = split_path(rest)?;
    let text = match authority.rsplit_once('@') {
        None => format!("ssh://{authority}{path}"),
        Some((login, place)) => {
            // A password cannot be used here: it is dropped, so that ssh does not take it for a part of the name.
            let user = login.split_once(':').map_or(login, |(user, _)| user);
            check_user(user)?;
            format!("ssh://{user}@{place}{path}")
        }
    };
    check_place(authority.rsplit_once('@').map_or(authority, |(_, place)| place))?;
    Ok(Url { protocol: Protocol::Ssh, text, origin: String::new(), login: None })
}

fn scp_like(text: &str) -> Result<Url, Refusal<'static>> {
    const NO_ADDRESS: &str =
        "it is neither an address with a protocol, nor user@host:path, nor an absolute path";
    let (user, rest) = match text.split_once('@') {
        Some((user, rest)) if !user.contains('/') => (Some(user), rest),
        _ => (None, text),
    };
    let (host, path) = if rest.starts_with('[') {
        let Some((host, path)) = rest.split_once("]:") else { return refuse(NO_ADDRESS) };
        (format!("{host}]"), path)
    } else {
        let Some((host, path)) = rest.split_once(':') else { return refuse(NO_ADDRESS) };
        (host.to_owned(), path)
    };
    if host.contains('/') {
        return refuse(NO_ADDRESS);
    }
    if path.is_empty() || path.starts_with('-') || path.contains(char::is_whitespace) {
        return refuse("its path is empty, starts with '-' or has a space");
    }
    check_host(&host)?;
    let text = match user.map(|login| login.split_once(':').map_or(login, |(user, _)| user)) {
        None => format!("{host}:{path}"),
        Some(user) => {
            check_user(user)?;
            format!("{user}@{host}:{path}")
        }
    };
    Ok(Url { protocol: Protocol::Ssh, text, origin: String::new(), login: None })
}

fn split_path(rest: &str) -> Result<(&str, &str), Refusal<'static>> {
    if rest.contains(char::is_whitespace) {
        return refuse("it has a space");
    }
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    if path.len() < 2 {
        return refuse("it has no path after the host");
    }
    Ok((authority, path))
}

/// Sees that a text is a host, or a host and a port.
pub(crate) fn check_place(place: &str) -> Result<(), Refusal<'static>> {
    let after_bracket = place.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match place.get(after_bracket..).and_then(|rest| rest.find(':')) {
        None => (place, None),
        Some(at) => {
            let (host, port) = place.split_at(after_bracket + at);
            (host, Some(port.trim_start_matches(':')))
        }
    };
    check_host(host)?;
    match port {
        Some(port)
            if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().unwrap_or(0) == 0 =>
        {
            refuse("its port is not a number from 1 to 65535")
        }
        _ => Ok(()),
    }
}

fn check_host(host: &str) -> Result<(), Refusal<'static>> {
    let fits = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            (1..=253).contains(&host.len())
                && !host.starts_with(['-', '.'])
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        }
    };
    if fits { Ok(()) } else { refuse("its host is not a name or an address") }
}

fn check_user(user: &str) -> Result<(), Refusal<'static>> {
    let fits = !user.is_empty()
        && !user.starts_with('-')
        && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte));
    if fits { Ok(()) } else { refuse("its user is empty, starts with '-' or has an odd character") }
}
