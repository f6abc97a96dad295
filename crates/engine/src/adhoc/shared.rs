//! The files and folders that the releases of an environment share: what lies on each server, and a place for what is
//! brought there.

use std::time::Duration;

use jiff::Timestamp;
use model::{DeployPath, RemotePath, Server, TreePath};

use crate::ports::{Host, HostError, Hosts};
use crate::question::{Question, Said, no_answer, shown};

/// Reads the names up to an empty line, then the script. Constant: no user text is part of it.
const LOOK: &str = "sh -c 'IFS= read -r root; set --; \
                    while IFS= read -r name && test -n \"$name\"; do set -- \"$@\" \"$name\"; done; eval \"$(cat)\"'";

const SCRIPT: &str = include_str!("../scripts/shared.sh");

/// Makes the folder in which something is to be put.
const MAKE: &str = "sh -c 'IFS= read -r at; case \"$at\" in \"~/\"*) at=$HOME/${at#??};; esac; \
                    why=$(mkdir -p -- \"$at\" 2>&1) && echo @whole || echo \"@bad $why\"'";

/// Files are read for their sums.
const WAIT: Duration = Duration::from_mins(1);

/// What a server has under a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lying {
    /// What it is.
    pub kind: Kind,
    /// The bits of its mode.
    pub mode: Option<u32>,
    /// How large a file is, in bytes.
    pub size: Option<u64>,
    /// When it was changed last, by the clock of the server.
    pub modified: Option<Timestamp>,
    /// The SHA-256 of a file that may be read, in hex.
    pub sum: Option<String>,
}

/// What something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing lies there.
    #[default]
    Missing,
    /// A file, or a link to one.
    File,
    /// A folder, or a link to one.
    Folder,
    /// Neither, or a link that leads nowhere.
    Other,
}

/// Where `name` is shared below the folder of an environment.
///
/// # Errors
/// The path is none that files can be brought to.
pub fn place(root: &DeployPath, name: &TreePath) -> Result<RemotePath, model::InvalidRemotePath> {
    format!("{}/shared/{name}", root.as_str()).parse()
}

/// Asks all of `servers` at once what lies under each of `names`; in the order of both.
pub async fn look(
    hosts: &dyn Hosts,
    servers: &[Server],
    root: &DeployPath,
    names: &[TreePath],
) -> Vec<Result<Vec<Lying>, HostError>> {
    let mut lines = vec![root.as_str()];
    lines.extend(names.iter().map(TreePath::as_str));
    let input = format!("{}\n\n{SCRIPT}", lines.join("\n"));
    let question = Question { command: LOOK, input: &input, longest: 1024 * 1024, wait: WAIT };
    let answers = question.ask_all(hosts, servers).await;
    let understood = |answer: String| lying(&answer, names.len()).ok_or_else(|| no_answer(&answer));
    answers.into_iter().map(|answer| answer.and_then(understood)).collect()
}

/// Makes the folder that `to` is to be in, where it is missing.
///
/// # Errors
/// The connection is lost, there is no answer within a minute, or the folder cannot be made.
pub(super) async fn make_way(host: &dyn Host, to: &RemotePath) -> Result<(), HostError> {
    let Some((folder, _)) = to.as_str().rsplit_once('/') else { return Ok(()) };
    let input = format!("{folder}\n");
    let question = Question { command: MAKE, input: &input, longest: 64 * 1024, wait: WAIT };
    let answer = question.ask(host).await?;
    if Said::read(&answer).is_some() {
        return Ok(());
    }
    let why = answer.lines().find_map(|line| line.strip_prefix("@bad "));
    Err(why.map_or_else(|| no_answer(&answer), |why| not_made(folder, why)))
}

fn not_made(folder: &str, why: &str) -> HostError {
    let hint = "make it by hand, or give the folder above it to the user who logs in";
    HostError::other(format!("{folder} cannot be made: {}", shown(why))).hint(hint)
}

/// What an answer says of so many names; `None` when it is not whole.
fn lying(answer: &str, names: usize) -> Option<Vec<Lying>> {
    let said = Said::read(answer)?;
    let mut all = vec![Lying::default(); names];
    for (key, value) in said.pairs() {
        let mut words = value.trim_end().split(' ');
        let number = words.next().and_then(|number| number.parse::<usize>().ok());
        let Some(one) = number.and_then(|number| all.get_mut(number)) else { continue };
        one.kind = match key {
            "file" => Kind::File,
            "folder" => Kind::Folder,
            "other" => Kind::Other,
            _ => continue,
        };
        one.mode = words.next().and_then(|mode| u32::from_str_radix(mode, 8).ok());
        let size = words.next().and_then(|size| size.parse().ok());
        one.size = size.filter(|_| one.kind == Kind::File);
        let seconds = words.next().and_then(|seconds| seconds.parse().ok());
        one.modified = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let is_sum = |sum: &&str| sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
        one.sum = words.next().filter(is_sum).map(str::to_owned);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_lines_are_plain() {
        crate::question::assert_plain(LOOK);
        crate::question::assert_plain(MAKE);
    }

    /// T27: a server tells of nothing that was not asked for, and no text of its own is taken.
    #[test]
    fn what_a_hostile_server_says_is_not_believed() {
        let sum = "a".repeat(64);
        let answer = format!(
            "@file 0 640 12 1700000000 {sum}\n@file 7 644 1 1\n@folder 1 755 4096 x\n@file -1\n@file\n\
             @file 2 99 -5 99999999999999999 ../../etc\n@other 3\nnoise\n@whole \n"
        );
        let all = lying(&answer, 5).unwrap();
        let modified = Timestamp::from_second(1_700_000_000).ok();
        assert_eq!(
            all[0],
            Lying { kind: Kind::File, mode: Some(0o640), size: Some(12), modified, sum: Some(sum) }
        );
        assert_eq!(all[1], Lying { kind: Kind::Folder, mode: Some(0o755), ..Lying::default() });
        assert_eq!(all[2], Lying { kind: Kind::File, ..Lying::default() });
        assert_eq!((all[3].kind, all[4].kind), (Kind::Other, Kind::Missing));
        assert_eq!(lying("@file 0 640 12 1 x\n", 1), None, "half an answer is none");
    }
}
