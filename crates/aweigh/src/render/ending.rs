//! The last sentence about a release: what every server runs now.

use model::{ServerRecord, ServerState};

use super::clean::one_line;
use super::words::listed;

/// What every server runs now, in one sentence; servers that are alike share a part of it.
pub fn sentence(servers: &[ServerRecord]) -> String {
    let mut alike: Vec<Vec<&ServerRecord>> = Vec::new();
    for server in servers {
        let what = runs("", server);
        match alike.iter_mut().find(|group| group.iter().any(|other| runs("", other) == what)) {
            Some(group) => group.push(server),
            None => alike.push(vec![server]),
        }
    }
    let parts: Vec<String> = alike
        .iter()
        .filter_map(|group| {
            let names: Vec<&str> = group.iter().map(|server| server.name.as_str()).collect();
            let verb = if names.len() == 1 { "runs" } else { "run" };
            Some(format!("{} {}", listed(&names), runs(verb, group.first()?)))
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!("Now {}.", parts.join("; ")) }
}

/// What is said of one server; `verb` is `runs` or `run`.
fn runs(verb: &str, server: &ServerRecord) -> String {
    let link = |link: &Option<String>| {
        link.as_deref().map(|link| one_line(link.strip_prefix("releases/").unwrap_or(link)))
    };
    let (before, now) = (link(&server.before), link(&server.now));
    let untouched = before.is_none() && now.is_none();
    let what = now.clone().or(before).unwrap_or_else(|| "no release".to_owned());
    match (server.state, now) {
        (ServerState::Unknown, _) => "could not be asked and may be on either release".to_owned(),
        (ServerState::Live, Some(now)) => format!("{verb} {now}"),
        (ServerState::Activated, Some(now)) => format!("{verb} {now}, not proven healthy"),
        (ServerState::Behind, _) => format!("{verb} {what}, behind the others"),
        (ServerState::Pending, _) if untouched => format!("{verb} what was there before: not touched"),
        _ => format!("{verb} {what}, as before"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(name: &str, before: Option<&str>, now: Option<&str>, state: ServerState) -> ServerRecord {
        let text = |text: Option<&str>| text.map(str::to_owned);
        ServerRecord { name: name.parse().unwrap(), before: text(before), now: text(now), state }
    }

    #[test]
    fn one_sentence_says_what_every_server_runs() {
        use ServerState::{Behind, Live, Pending, Undone, Unknown};
        let (old, new) = (Some("releases/r-41"), Some("releases/r-42"));
        let good = [server("web-1", old, new, Live), server("web-2", None, new, Live)];
        assert_eq!(sentence(&good), "Now web-1 and web-2 run r-42.");
        let mixed = [
            server("web-1", old, old, Undone),
            server("web-2", old, old, Undone),
            server("web-3", None, None, Undone),
            server("web-4", old, new, Unknown),
            server("web-5", old, old, Behind),
            server("web-6", None, None, Pending),
        ];
        assert_eq!(
            sentence(&mixed),
            "Now web-1 and web-2 run r-41, as before; web-3 runs no release, as before; web-4 could not be \
             asked and may be on either release; web-5 runs r-41, behind the others; web-6 runs what was there before: \
             not touched."
        );
        assert_eq!(sentence(&[]), "");
    }
}
