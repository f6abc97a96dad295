//! How many instructions a piece of work takes, by valgrind's callgrind: the same on a busy machine as on a quiet one,
//! where seconds are noise. It guards what a release and its viewers cost; how fast they are, `bench/` tells.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a rig that cannot be set up fails the test that asked for it"
)]

use std::env;
use std::process::Command;

/// Says to a test that runs under callgrind what to do: its work, or all but its work.
const PART: &str = "AWEIGH_COUNTED_PART";

/// What a count may differ from what was noted, in per cent: memory moves, and hash maps are seeded by chance.
const MARGIN: u64 = 10;

/// Asserts that `work` takes the instructions that were `noted`, and not a tenth more. A tenth less is told, too: what was
/// won is noted, so that it is not lost again.
///
/// The test `name` in the module `module` (`module_path!()`) runs itself again, under callgrind, once with the work and once
/// without; the difference counts. So whatever stands before the call may take what it likes.
///
/// # Panics
/// When the count is another one. Without valgrind, or on a processor for which nothing was noted, it says so and
/// asserts nothing; on a CI machine (`CI=true`) valgrind has to be there.
pub fn assert_instructions(module: &str, name: &str, noted: u64, work: impl FnOnce()) {
    match env::var(PART).as_deref() {
        Ok("work") => return work(),
        Ok(_) => return,
        Err(_) => {}
    }
    if cfg!(not(target_arch = "x86_64")) {
        return say("skipped: instructions were noted for x86_64");
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        assert!(env::var("CI").as_deref() != Ok("true"), "valgrind is missing on this CI machine");
        return say("skipped: valgrind is missing");
    }
    let test = module.split_once("::").map_or(name.to_owned(), |(_, inner)| format!("{inner}::{name}"));
    let counted = count(&test, "work").saturating_sub(count(&test, "rest"));
    let (least, most) = (noted - noted * MARGIN / 100, noted + noted * MARGIN / 100);
    assert!(
        (least..=most).contains(&counted),
        "{counted} instructions; {noted} were noted. When that is on purpose, note the new number"
    );
}

/// What the test takes with this part of it.
fn count(test: &str, part: &str) -> u64 {
    let said = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().expect("a test knows its program"))
        .args([test, "--exact", "--test-threads=1"])
        .env(PART, part)
        .output()
        .expect("valgrind runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(
        said.status.success() && stdout.contains("1 passed"),
        "{test} under callgrind: {stdout}\n{stderr}"
    );
    let counted = stderr.lines().find_map(|line| line.split_once("Collected : "));
    let counted = counted.and_then(|(_, number)| number.trim().parse().ok());
    counted.unwrap_or_else(|| panic!("callgrind counted nothing: {stderr}"))
}

#[expect(clippy::print_stderr, reason = "whoever reads the test's output should know")]
fn say(line: &str) {
    eprintln!("{line}");
}
