//! Where Aweigh listens, and under which address people find it.

use actions::{Health, MachineFinding};

use web::site::SAFE_WAYS;

use super::{found, ok};
use crate::config::Settings;
use crate::wiring::public_url;

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
    let site = web::Site::new(&public_url(settings));
    let address = site.address();
    if !site.is_safe() {
        let detail = format!("nobody can sign in at {address}, where passwords would not be protected");
        return found("public_url", Health::Warning, detail, SAFE_WAYS);
    }
    if settings.public_url.is_some() {
        return ok("public_url", address);
    }
    if settings.listen.ip().is_loopback() {
        return ok("public_url", "not said, so people find the page on this machine only");
    }
    found(
        "public_url",
        Health::Warning,
        format!("not said, so links in hooks and chat lead to {address}, which only this machine reaches"),
        "write the address that people use into server.toml as public_url",
    )
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

    #[test]
    fn the_address_is_the_one_that_links_lead_to() {
        let told = |listen: &str| address(&Settings::local("/d".into(), Some(listen)).unwrap()).detail;
        assert!(told("10.0.0.5:7171").starts_with("nobody can sign in at http://10.0.0.5:7171,"));
        assert!(told("[2001:db8::1]:7171").starts_with("nobody can sign in at http://[2001:db8::1]:7171,"));
        let everywhere = told("0.0.0.0:7171");
        assert!(
            everywhere.contains("lead to http://localhost:7171, which only this machine"),
            "{everywhere}"
        );
    }
}
