//! Questions to a server that does not answer, or does not stop.

use std::time::Duration;

use engine::ports::{HostError, HostTrouble};
use engine::question::Question;

use crate::host::LocalHost;

fn ask(command: &'static str, wait: Duration) -> Result<String, HostError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let host = LocalHost::new(std::env::var_os("PATH").unwrap(), std::env::temp_dir());
    let answer = runtime.block_on(Question { command, input: "a line\n", longest: 16, wait }.ask(&host));
    host.kill_sessions();
    answer
}

#[test]
fn a_server_that_never_answers_is_waited_for_no_longer_than_it_may_take() {
    let error = ask("sh -c 'exec sleep 600'", Duration::from_millis(50)).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (HostTrouble::Unreachable, "no answer within 50ms"));
}

#[test]
fn an_answer_without_end_is_read_up_to_its_longest() {
    let answer = ask("sh -c 'while echo and so on; do :; done'", Duration::from_mins(1)).unwrap();
    assert_eq!(answer, "and so on\nand so");
}

#[test]
fn a_command_reads_what_it_is_asked() {
    assert_eq!(ask("cat", Duration::from_mins(1)).unwrap(), "a line\n");
}
