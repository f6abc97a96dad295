//! Where Aweigh listens, and under which address people find it.

use actions::{Health, MachineFinding};

use super::{found, ok};
use crate::client::is_loopback;
use crate::config::Settings;

/// Looks at both.
pub(super) fn look(settings: &Settings) -> Vec<MachineFinding> {
    vec![listen(settings), address(settings)]
}

/// Aweigh speaks plain HTTP: whoever is on the way reads it.
fn listen(settings: &Settings) -> MachineFinding {
    let at = settings.listen;
    if at.ip().is_loopback() {
        return ok("listen", format!("{at}, which only this machine reaches"));
    }
    let detail =
        format!("{at} is reached from the network, without TLS: tokens and logs can be read on the way");
    found(
        "listen",
        Health::Warning,
        detail,
        "listen on 127.0.0.1 and put a proxy with TLS in front, or close the port to all but the proxy",
    )
}

fn address(settings: &Settings) -> MachineFinding {
    match &settings.public_url {
        Some(url) if url.scheme() == "https" || is_loopback(url) => {
            ok("public_url", url.as_str().trim_end_matches('/'))
        }
        Some(url) => {
            let detail = format!("nobody can sign in at {url}, where passwords would not be protected");
            found(
                "public_url",
                Health::Warning,
                detail,
                "put a proxy with TLS in front, and write public_url with https://",
            )
        }
        None if settings.listen.ip().is_loopback() => {
            ok("public_url", "not said, so people find the page on this machine only")
        }
        None => {
            let detail = "not said, so links in hooks and chat lead to this machine only";
            found(
                "public_url",
                Health::Warning,
                detail,
                "write the address that people use into server.toml as public_url",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_travels_openly_is_a_warning() {
        let with = |listen: &str, url: Option<&str>| {
            let mut settings = Settings::local("/d".into(), Some(listen)).unwrap();
            settings.public_url = url.map(|url| url.parse().unwrap());
            look(&settings).into_iter().map(|found| found.health).collect::<Vec<_>>()
        };
        let (ok, warning) = (Health::Ok, Health::Warning);
        assert_eq!(with("127.0.0.1:7171", None), [ok, ok]);
        assert_eq!(with("127.0.0.1:7171", Some("https://aweigh.example.com")), [ok, ok]);
        assert_eq!(with("[::1]:7171", Some("http://aweigh.example.com")), [ok, warning]);
        assert_eq!(with("0.0.0.0:7171", None), [warning, warning]);
        assert_eq!(with("10.0.0.1:7171", Some("https://aweigh.example.com")), [warning, ok]);
    }
}
