//! What servers really run: read from them, without a lock and without leaving anything there.

use model::{DeployPath, Server};

use crate::ports::{HostError, Hosts};
use crate::question::{Question, no_answer};

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
    let input = format!("{path}\n");
    let wait = std::time::Duration::from_secs(30);
    let question = Question { command: ASK, input: &input, longest: 16 * 1024, wait };
    let answers = question.ask_all(hosts, servers).await;
    answers
        .into_iter()
        .map(|answer| runs(answer).unwrap_or_else(|error| Runs::Unreachable(error.message)))
        .collect()
}

fn runs(answer: Result<String, HostError>) -> Result<Runs, HostError> {
    let answer = answer?;
    understood(&answer).ok_or_else(|| no_answer(&answer))
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
    fn the_command_line_is_plain() {
        crate::question::assert_plain(ASK);
    }

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
