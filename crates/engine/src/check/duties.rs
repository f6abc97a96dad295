//! What the hooks of a server expect of its user: commands as root without a password, services that outlive the login.

use std::time::Duration;

use super::{Finding, Tell};
use crate::ports::{Host, HostError};
use crate::question::{Question, shown};

/// Whether there is anything that needs no password. Constant: no user text is part of it.
const SUDO: &str = "sh -c 'if command -v sudo >/dev/null; then \
    if why=`sudo -n -l 2>&1 </dev/null`; then echo @yes; else echo \"@no $why\"; fi; else echo @missing; fi'";

/// Whether services of the user run on when nobody is logged in. Constant: no user text is part of it.
const LINGER: &str = "sh -c 'if command -v loginctl >/dev/null; then \
    if test -e \"/var/lib/systemd/linger/`id -un`\"; then echo @Linger=yes; \
    else why=`loginctl show-user \"$(id -un)\" -p Linger 2>&1`; echo \"@$why\"; fi; else echo @missing; fi'";

/// What hooks expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duties {
    /// A hook calls `sudo`.
    pub sudo: bool,
    /// A hook speaks to the service manager of the user.
    pub linger: bool,
}

impl Duties {
    /// What commands with these texts expect; comments expect nothing.
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut duties = Self::default();
        for line in texts.into_iter().flat_map(str::lines).filter(|line| !line.trim_start().starts_with('#'))
        {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
            let words: Vec<&str> = line.split(|c| !is_part(c)).collect();
            let calls = |name: &str| words.iter().any(|word| word.rsplit('/').next() == Some(name));
            duties.sudo |= calls("sudo");
            duties.linger |= calls("systemctl") && words.contains(&"--user");
        }
        duties
    }

    /// Asks the server for what is expected.
    pub(super) async fn look(self, host: &dyn Host, tell: &mut Tell<'_>) -> Result<(), HostError> {
        for (is_expected, command, judge) in [
            (self.sudo, SUDO, sudo as fn(&str) -> Finding),
            (self.linger, LINGER, linger as fn(&str) -> Finding),
        ] {
            if is_expected {
                let question =
                    Question { command, input: "", longest: 64 * 1024, wait: Duration::from_secs(30) };
                let answer = question.ask(host).await?;
                let said = answer.lines().find_map(|line| line.strip_prefix('@'));
                tell(judge(said.unwrap_or_default().trim()));
            }
        }
        Ok(())
    }
}

fn sudo(said: &str) -> Finding {
    if said == "yes" {
        return Finding::good("sudo", "hooks use it, and it answers without a password");
    }
    let (why, hint) = match said.strip_prefix("no ") {
        Some(why) => {
            (format!("hooks use it, and it does not answer without a password: {}", shown(why)), RULE)
        }
        None => (
            "hooks use it, and it is not there".to_owned(),
            "install sudo on the server, or take it out of the hooks",
        ),
    };
    Finding::bad("sudo", why).hint(hint)
}

const RULE: &str = "give the user a rule with NOPASSWD for exactly the commands that hooks call, with visudo";

fn linger(said: &str) -> Finding {
    match said {
        "Linger=yes" => Finding::good("linger", "services of the user run on when nobody is logged in"),
        "missing" => Finding::bad("linger", "hooks use systemctl --user, and there is no loginctl")
            .hint("use another way to restart services there"),
        // Somebody who neither lingers nor is known to be logged in.
        _ if said == "Linger=no" || said.contains("not logged in or lingering") => {
            Finding::bad("linger", "hooks use systemctl --user, and services of the user end with the login")
                .hint("as root: loginctl enable-linger, with the name of the user")
        }
        _ => Finding::worth(
            "linger",
            format!("whether services of the user run on cannot be found out: {}", shown(said)),
        )
        .hint("ask on the server: loginctl show-user, with the name of the user"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    #[test]
    fn the_command_lines_are_plain() {
        crate::question::assert_plain(SUDO);
        crate::question::assert_plain(LINGER);
    }

    #[test]
    fn what_hooks_expect_is_read_from_their_words() {
        let of = |text: &str| {
            let duties = Duties::of([text]);
            (duties.sudo, duties.linger)
        };
        assert_eq!(of("sudo -n systemctl reload nginx"), (true, false));
        assert_eq!(of("set -e\n/usr/bin/sudo true"), (true, false));
        assert_eq!(of("systemctl --user restart shop"), (false, true));
        assert_eq!(of("env X=1 sh -c 'systemctl --user restart shop'"), (false, true));
        assert_eq!(of("systemctl restart shop\nadduser --user x"), (false, false));
        assert_eq!(of("# sudo make me a sandwich\npseudo sudoku visudo sudo.d"), (false, false));
        assert_eq!(Duties::of([]), Duties::default());
    }

    #[test]
    fn what_the_user_may_is_judged() {
        let check = |found: Finding, verdict| assert_eq!(found.verdict, verdict, "{found:?}");
        check(sudo("yes"), Verdict::Ok);
        check(sudo("no sudo: a password is required"), Verdict::Failed);
        check(sudo("missing"), Verdict::Failed);
        check(sudo(""), Verdict::Failed);
        check(linger("Linger=yes"), Verdict::Ok);
        check(linger("Linger=no"), Verdict::Failed);
        check(linger("Failed to get user: User ID 1001 is not logged in or lingering"), Verdict::Failed);
        check(linger("missing"), Verdict::Failed);
        check(linger("Failed to connect to bus"), Verdict::Warning);
        assert!(sudo("no \u{1b}[2J").detail.contains("\\u{1b}"));
    }
}
