//! Asking the driver in tests: commands as plain words, hooks, and logs that are followed to their end.

use std::time::Duration;

use engine::driver::{Driver, Heard};
use engine::remote::{Answer, Command};

/// No answer takes this long.
const DEADLINE: Duration = Duration::from_secs(30);

/// A command whose values are `values`; lists are their length and then their values.
pub(crate) fn command(verb: &'static str, values: &[&str]) -> Command {
    values.iter().fold(Command::new(verb), |command, value| command.value("value", value).unwrap())
}

/// Asks and waits for the answer.
pub(crate) async fn ask(driver: &mut Driver, verb: &'static str, values: &[&str]) -> Answer {
    tell(driver, &command(verb, values)).await
}

/// Sends a command and waits for its answer.
pub(crate) async fn tell(driver: &mut Driver, command: &Command) -> Answer {
    tokio::time::timeout(DEADLINE, driver.ask(command)).await.expect("an answer in time").unwrap()
}

/// The command that starts `text` as the run `run` in `folder`.
pub(crate) fn hook(run: &str, folder: &str, variables: &[&str], text: &str) -> Command {
    hook_with(run, folder, (variables, &[]), text)
}

/// The same with secrets beside the variables.
pub(crate) fn hook_with(
    run: &str,
    folder: &str,
    (variables, secrets): (&[&str], &[&str]),
    text: &str,
) -> Command {
    let command = command("hook", &[run, folder]);
    let command = command.list("variable", variables.iter().copied()).unwrap();
    let command = command.list("secret", secrets.iter().copied()).unwrap();
    command.value("program", "").unwrap().value("walls", "").unwrap().text(text)
}

/// Follows a run from `offset` to its end.
pub(crate) async fn follow(driver: &mut Driver, run: &str, offset: u64) -> (Vec<u8>, Answer) {
    driver.follow(run, offset).await.unwrap();
    let mut log = Vec::new();
    let answer = tokio::time::timeout(DEADLINE, async {
        loop {
            match driver.heard().await.unwrap() {
                Heard::Log(bytes) => log.extend(bytes),
                Heard::End(answer) => return answer,
            }
        }
    });
    let answer = answer.await.expect("the end of a run in time");
    (log, answer)
}

/// Follows a run from its beginning to its end; answers its log as text and its exit code.
pub(crate) async fn outcome(driver: &mut Driver, run: &str) -> (String, Option<String>) {
    let (log, answer) = follow(driver, run, 0).await;
    (String::from_utf8(log).unwrap(), answer.get("exit").map(str::to_owned))
}
