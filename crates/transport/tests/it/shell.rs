//! A program on a terminal looks the same on every kind of machine.

use std::time::Duration;

use testkit::sshd::{Fleet, FleetSpec, ServerSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use transport::server::Server;
use transport::{Error, Exit, Session, Shell, Size, Terminal};

use crate::rig::{PASSWORD, demo_session, one_sshd, password, run, sshd_session, target, text, until};

/// Long enough for a loaded machine, short enough to notice a wait for ever.
const PATIENCE: Duration = Duration::from_secs(20);

fn terminal() -> Terminal {
    Terminal { kind: "xterm-256color".to_owned(), size: Size { columns: 91, rows: 33 } }
}

async fn start(session: &Session, command: &str) -> Shell {
    session.shell(&terminal(), Some(command)).await.unwrap()
}

/// Reads until the screen shows `wanted`; all that it showed so far.
async fn shows(shell: &mut Shell, wanted: &str) -> String {
    let mut shown = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&shown).contains(wanted) {
            let count = shell.output.read_buf(&mut shown).await.unwrap();
            assert!(count > 0, "the end came before {wanted:?}: {:?}", String::from_utf8_lossy(&shown));
        }
    };
    let is_there = timeout(PATIENCE, reading).await.is_ok();
    assert!(is_there, "{wanted:?} does not appear: {:?}", String::from_utf8_lossy(&shown));
    String::from_utf8_lossy(&shown).into_owned()
}

/// The rest of what the screen shows, and how the program ended.
async fn end(mut shell: Shell) -> (String, Exit) {
    let mut rest = Vec::new();
    let ending = async {
        shell.output.read_to_end(&mut rest).await.unwrap();
        shell.wait().await.unwrap()
    };
    let exit = timeout(PATIENCE, ending).await.expect("the terminal never ends");
    (String::from_utf8_lossy(&rest).into_owned(), exit)
}

/// The whole suite on one session.
async fn behaves(session: Session) {
    the_program_finds_its_terminal(&session).await;
    another_size_is_told(&session).await;
    ctrl_c_interrupts(&session).await;
    errors_are_on_the_same_screen(&session).await;
    ctrl_d_is_the_end_of_the_input(&session).await;
    a_login_shell_runs_what_is_typed(&session).await;
    dropping_it_hangs_up(&session).await;
}

#[tokio::test]
async fn on_this_machine() {
    behaves(Session::local()).await;
}

#[tokio::test]
async fn on_openssh() {
    let (_fleet, session) = sshd_session().await;
    behaves(session).await;
}

#[tokio::test]
async fn on_the_in_process_server() {
    let (_server, session) = demo_session().await;
    behaves(session).await;
}

#[tokio::test]
async fn through_a_jump_host() {
    let fleet = Fleet::start(FleetSpec { servers: 2, ..FleetSpec::default() });
    let mut target = fleet.target(1);
    target.jump = Some(Box::new(fleet.target(0)));
    behaves(Session::connect(&target).await.unwrap()).await;
}

async fn the_program_finds_its_terminal(session: &Session) {
    let shell = start(session, "stty size; echo $TERM; tty >/dev/null && echo terminal; exit 7").await;
    let (shown, exit) = end(shell).await;
    assert_eq!(shown, "33 91\r\nxterm-256color\r\nterminal\r\n");
    assert_eq!(exit, Exit { code: Some(7), signal: None });
}

async fn another_size_is_told(session: &Session) {
    // The trap proves the signal, the answer the size.
    let loops = "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.02; done";
    let mut shell = start(session, loops).await;
    shows(&mut shell, "ready").await;
    shell.resize(Size { columns: 120, rows: 50 }).await.unwrap();
    let shown = shows(&mut shell, "50 120").await;
    assert!(!shown.contains("33 91"), "{shown}");
    let (_, exit) = end(shell).await;
    assert!(exit.is_success());
}

async fn ctrl_c_interrupts(session: &Session) {
    let mut shell =
        start(session, "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.02; done").await;
    shows(&mut shell, "ready").await;
    shell.input.write_all(&[3]).await.unwrap();
    let (shown, exit) = end(shell).await;
    assert!(shown.contains("caught"), "{shown}");
    assert_eq!(exit.code, Some(3));
}

async fn errors_are_on_the_same_screen(session: &Session) {
    let (shown, _) = end(start(session, "echo one; echo two >&2; printf 'ä€'").await).await;
    assert_eq!(shown, "one\r\ntwo\r\nä€");
}

async fn ctrl_d_is_the_end_of_the_input(session: &Session) {
    let mut shell = start(session, "stty -echo; echo ready; tr a-z A-Z").await;
    shows(&mut shell, "ready").await;
    shell.input.write_all(b"hello\n\x04").await.unwrap();
    let (shown, exit) = end(shell).await;
    assert!(shown.contains("HELLO"), "{shown}");
    assert!(exit.is_success());
}

async fn a_login_shell_runs_what_is_typed(session: &Session) {
    let mut shell = session.shell(&terminal(), None).await.unwrap();
    shell.input.write_all(b"echo $((20 + 22))-answer; exit 5\n").await.unwrap();
    let (shown, exit) = end(shell).await;
    assert!(shown.contains("42-answer"), "{shown}");
    assert_eq!(exit.code, Some(5));
}

async fn dropping_it_hangs_up(session: &Session) {
    let mut shell = start(session, "echo pid=$$.; exec sleep 1000").await;
    let shown = shows(&mut shell, ".").await;
    let pid: String = shown.chars().filter(char::is_ascii_digit).collect();
    drop(shell);
    let process = format!("/proc/{pid}/cmdline");
    until("the program is gone", || std::fs::read(&process).map_or(true, |line| line.is_empty())).await;
}

#[tokio::test]
async fn the_end_of_the_connection_ends_the_terminal() {
    let (mut fleet, session) = sshd_session().await;
    let mut shell = start(&session, "echo ready; sleep 1000").await;
    shows(&mut shell, "ready").await;
    fleet.servers[0].stop();
    let error = timeout(PATIENCE, shell.wait()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_gives_no_terminals_runs_nothing_instead() {
    let extra_config = "PermitTTY no".to_owned();
    let fleet = one_sshd(ServerSpec { extra_config, ..ServerSpec::default() });
    let openssh = Session::connect(&fleet.target(0)).await.unwrap();
    let mark = fleet.servers[0].root.join("mark");
    let server = Server::builder().password(PASSWORD).refuse_terminals().start().await.unwrap();
    let demo = Session::connect(&target(&server, vec![password(PASSWORD)])).await.unwrap();
    for session in [openssh, demo] {
        let error = session.shell(&terminal(), Some(&format!("touch {}", mark.display()))).await.unwrap_err();
        assert!(matches!(error, Error::TerminalRefused { .. }), "{error}");
        assert_eq!(text(&run(&session, "echo goes on").await.stdout), "goes on\n");
    }
    assert!(!mark.exists());
}

#[tokio::test]
async fn a_terminal_on_this_machine_finds_nothing_that_this_process_was_given() {
    // nextest gives every test such variables.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let (shown, _) = end(start(&Session::local(), "env").await).await;
    assert!(!shown.contains("CARGO_"), "{shown}");
    assert!(shown.contains("HOME=") && shown.contains("PATH="), "{shown}");
}
