//! The constant script that runs a command of people, and what it reads.

use rand::random;

use super::command::Order;

/// Reads a line and does what it says: every login shell takes this one alike. Constant: no user text is part of it.
pub(super) const COMMAND: &str = "sh -c 'IFS= read -r first; eval \"$first\"'";

/// That line. Reads what is to be run, says on both outputs that it begins, runs it by the login shell in a session of its own, and
/// says on both outputs that it has ended. The end of the input ends what runs.
///
/// values, one per line on standard input: NONCE, the folder of an environment or nothing, how many lines the command
/// has, how many bytes of input it gets; then both. Answers `@NONCE begin`, then `@NONCE end STATUS`, or
/// `@NONCE bad WHY` on standard error.
const SCRIPT: &str = concat!(
    "IFS= read -r nonce; IFS= read -r root; IFS= read -r lines; IFS= read -r size; IFS= read -r run; ",
    // By the shell alone, which reads byte by byte: a program more for every server is felt.
    "if test $lines -gt 1; then nl=$(echo; echo x); nl=${nl%x}; fi; ",
    "while test $lines -gt 1; do IFS= read -r line; run=$run$nl$line; lines=$((lines - 1)); done; ",
    // What stands behind it keeps the line ends of the text.
    "input=; if test $size -gt 0; then input=$(head -c $size; echo x); input=${input%x}; fi; ",
    "bad() { echo \"@$nonce bad $1\" >&2; echo \"@$nonce end 0\"; exit; }; ",
    // On this machine it would begin where Aweigh was started.
    "cd 2>/dev/null; case $root in \"~/\"*) root=$HOME/${root#??};; esac; ",
    "test -z \"$root\" || cd -P \"$root/current/.\" 2>/dev/null || bad \"no release is live at $root/current\"; ",
    "shell=${SHELL:-/bin/sh}; own=; if command -v setsid >/dev/null; then own=setsid; fi; ",
    "echo \"@$nonce begin\"; echo \"@$nonce begin\" >&2; ",
    "exec 3<&0; ",
    "go() { exec 3<&-; exec $own \"$shell\" -c \"$run\"; }; ",
    "if test $size -gt 0; then printf %s \"$input\" | go & else go </dev/null & fi; child=$!; ",
    // Whoever asked has gone, or has waited long enough. What does not end by itself is killed, and is not spared when
    // the one who waits for it says that it has ended: others of its session may be left.
    "end() { kill -$1 -$child || kill -$1 $child; }; ",
    "{ while IFS= read -r line <&3; do :; done; trap \"\" TERM; end TERM; sleep 2; end KILL; } >/dev/null 2>&1 & ",
    "watcher=$!; exec 3<&- </dev/null; ",
    "wait $child 2>/dev/null; status=$?; kill $watcher 2>/dev/null; ",
    "echo \"@$nonce end $status\"; echo \"@$nonce end $status\" >&2",
);

/// A word that nobody guesses, for the marks.
pub(super) fn nonce() -> String {
    hex::encode(random::<[u8; 8]>())
}

/// All that is read there.
pub(super) fn said(order: &Order, nonce: &str) -> Vec<u8> {
    let root = order.root.as_ref().map(model::DeployPath::as_str).unwrap_or_default();
    let lines = order.command.split('\n').count();
    let mut said = format!("{SCRIPT}\n{nonce}\n{root}\n{lines}\n{}\n", order.input.len()).into_bytes();
    for part in [&order.command, "\n", &order.input] {
        said.extend_from_slice(part.as_bytes());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_plain() {
        crate::question::assert_plain(COMMAND);
        assert!(!SCRIPT.contains('\n'), "it is one line");
    }
}
