//! A command of people on many servers: what it writes comes as it is written, it ends when it should, and no server holds
//! another one.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::Duration;

use engine::adhoc::command::TOLD;
use engine::adhoc::{Ended, Order, Told, What, command};
use engine::masker::Masker;
use engine::ports::{Host, HostError, HostTrouble};
use model::{Address, Labels, Server};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinHandle;

use crate::host::{Doors, Open};
use crate::machine::{Machine, program};
use crate::site::{Site, wait_for, wait_until};

/// Servers by number; those that there is no site for are dead.
struct Fleet {
    sites: Vec<Site>,
    login: Vec<OsString>,
}

impl Open for Fleet {
    fn open(&self, server: &Server) -> Result<Box<dyn Host>, HostError> {
        let number: usize = server.name.as_str().trim_start_matches("web-").parse().unwrap();
        let Some(site) = self.sites.get(number) else {
            let message = format!("{} is away", server.name);
            return Err(HostError { kind: HostTrouble::Unreachable, message, hint: Some("start it".into()) });
        };
        let mut host = site.host.again();
        host.set("SHELL", self.login.first().unwrap().to_str().unwrap());
        if self.login.len() > 1 {
            host.login.clone_from(&self.login);
        }
        Ok(Box::new(host))
    }
}

fn fleet(sites: Vec<Site>) -> Arc<Fleet> {
    Arc::new(Fleet { sites, login: vec!["/bin/sh".into()] })
}

fn order(run: &str) -> Order {
    Order {
        command: run.to_owned(),
        input: String::new(),
        root: None,
        at_once: 100,
        longest: Duration::from_secs(30),
    }
}

/// Starts `order` on so many servers.
fn start(fleet: &Arc<Fleet>, count: usize, order: Order) -> (Receiver<Told>, JoinHandle<()>) {
    let server = |number| Server {
        name: format!("web-{number}").parse().unwrap(),
        address: Address::Local,
        labels: Labels::new(),
        groups: std::collections::BTreeSet::new(),
        variables: model::Variables::new(),
    };
    let servers: Vec<Server> = (0..count).map(server).collect();
    let (tell, told) = mpsc::channel(64);
    let fleet = Arc::clone(fleet);
    let running = tokio::spawn(async move {
        let masker = Masker::new(&["hunter2hunter".to_owned().into()]);
        command::run(&Doors(fleet.as_ref()), &servers, &order, &masker, &tell).await;
    });
    (told, running)
}

#[derive(Debug, Default)]
struct Answer {
    stdout: String,
    stderr: String,
    ended: Option<Ended>,
}

/// What each of so many servers answers.
async fn answers(fleet: &Arc<Fleet>, count: usize, order: Order) -> Vec<Answer> {
    let (mut told, running) = start(fleet, count, order);
    let mut answers: Vec<Answer> = (0..count).map(|_| Answer::default()).collect();
    while let Some(Told { server, what }) = told.recv().await {
        let number: usize = server.as_str().trim_start_matches("web-").parse().unwrap();
        match what {
            What::Started => {}
            What::Stdout(text) => answers[number].stdout.push_str(&text),
            What::Stderr(text) => answers[number].stderr.push_str(&text),
            What::Ended(ended) => assert!(answers[number].ended.replace(ended).is_none(), "it ends once"),
        }
    }
    running.await.unwrap();
    answers
}

async fn answer(fleet: &Arc<Fleet>, order: Order) -> (String, String, Ended) {
    let Answer { stdout, stderr, ended } = answers(fleet, 1, order).await.remove(0);
    (stdout, stderr, ended.unwrap())
}

#[tokio::test]
async fn a_command_runs_as_it_was_given_and_both_outputs_stay_apart() {
    for machine in Machine::ALL {
        let fleet = fleet(vec![Site::new(machine)]);
        for (run, input, stdout, stderr, exit) in [
            ("echo out; echo err >&2; exit 3", "", "out\n", "err\n", 3),
            ("printf 'no end'", "", "no end", "", 0),
            ("cat", "", "", "", 0),
            ("cat; echo", "a\n\n  b'\"$x`\\ é\n\n", "a\n\n  b'\"$x`\\ é\n\n\n", "", 0),
            ("cat", "no line end", "no line end", "", 0),
            ("true", "nobody reads it", "", "", 0),
            (
                "a='it''s \"$(echo me)\"'\n\necho \"$a\"\necho '  \\ *!'",
                "",
                "its \"$(echo me)\"\n  \\ *!\n",
                "",
                0,
            ),
            ("echo hunter2hunter; echo hunter2hunter >&2", "", "[secret]\n", "[secret]\n", 0),
            ("kill -9 $$", "", "", "", 137),
            ("no-such-program-here 2>/dev/null", "", "", "", 127),
        ] {
            let (out, err, ended) = answer(&fleet, Order { input: input.into(), ..order(run) }).await;
            assert_eq!((out.as_str(), err.as_str(), ended.exit), (stdout, stderr, Some(exit)), "{run}");
        }
        // A mebibyte is read by whoever reads, and holds nobody who does not.
        let much = "line é\n".repeat(130_000);
        let (out, _, _) = answer(&fleet, Order { input: much.clone(), ..order("cat") }).await;
        assert!(out == much, "{} of {} bytes", out.len(), much.len());
        let (_, _, ended) = answer(&fleet, Order { input: much, ..order("exec true") }).await;
        assert_eq!(ended.exit, Some(0));
    }
}

#[tokio::test]
async fn any_login_shell_runs_it_in_its_own_words() {
    for (shell, run) in [
        ("fish", "set who \"it's me\"; echo $who; and echo (math 6 x 7)"),
        ("tcsh", "set who = \"it's me\"; echo $who; @ n = 6 * 7; echo $n"),
    ] {
        let login = vec![program(shell).into(), "-c".into()];
        let fleet = Arc::new(Fleet { sites: vec![Site::new(Machine::DEBIAN)], login });
        let (out, _, ended) = answer(&fleet, order(run)).await;
        assert_eq!((out.as_str(), ended.exit), ("it's me\n42\n", Some(0)), "{shell}");
    }
}

#[tokio::test]
async fn a_server_that_is_dead_or_slow_holds_no_other() {
    let fleet = fleet(vec![Site::new(Machine::DEBIAN), Site::new(Machine::DEBIAN)]);
    // One waits for what another one does, so they must run at the same time.
    let meet = fleet.sites[0].folder().join("meet").display().to_string();
    let run = format!(
        "if mkdir {meet}; then until test -e {meet}/there; do sleep 0.01; done; else : >{meet}/there; fi 2>/dev/null"
    );
    let all = answers(&fleet, 3, order(&run)).await;
    let exits: Vec<Option<i32>> = all.iter().map(|answer| answer.ended.as_ref().unwrap().exit).collect();
    assert_eq!(exits, [Some(0), Some(0), None]);
    let dead = all[2].ended.as_ref().unwrap().error.as_ref().unwrap();
    assert_eq!((dead.message.as_str(), dead.hint.as_deref()), ("web-2 is away", Some("start it")));
    // One at a time they come one behind the other.
    let line = fleet.sites[0].folder().join("line").display().to_string();
    let run = format!("mkdir {line} && sleep 0.1 && rmdir {line}");
    let all = answers(&fleet, 2, Order { at_once: 1, ..order(&run) }).await;
    assert!(all.iter().all(|answer| answer.ended.as_ref().unwrap().exit == Some(0)), "{all:?}");
}

#[tokio::test]
async fn what_is_written_is_told_before_the_end() {
    let fleet = fleet(vec![Site::new(Machine::DEBIAN)]);
    let gate = fleet.sites[0].folder().join("gate");
    let run = format!("echo first; until test -e {}; do sleep 0.01; done; echo last", gate.display());
    let (mut told, _running) = start(&fleet, 1, order(&run));
    let mut heard = String::new();
    while heard != "first\n" {
        if let What::Stdout(text) = told.recv().await.unwrap().what {
            heard.push_str(&text);
        }
    }
    fs::write(&gate, "").unwrap();
    while let Some(Told { what, .. }) = told.recv().await {
        if let What::Stdout(text) = what {
            heard.push_str(&text);
        }
    }
    assert_eq!(heard, "first\nlast\n");
}

#[tokio::test]
async fn what_is_too_much_is_counted_and_the_command_goes_on() {
    let fleet = fleet(vec![Site::new(Machine::DEBIAN)]);
    let (out, err, ended) =
        answer(&fleet, order("head -c 9000000 /dev/zero | tr '\\0' x; echo the end >&2; exit 4")).await;
    assert_eq!(ended.exit, Some(4));
    assert_eq!(out.len() as u64, TOLD);
    assert_eq!(out.len() as u64 + err.len() as u64 + ended.left_out, 9_000_008);
}

/// Whether a process is there; one that has ended and was not asked for is not.
fn runs(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    kill(Pid::from_raw(pid), None).is_ok() && !stat.contains(") Z ")
}

fn pid(site: &Site) -> Option<i32> {
    fs::read_to_string(site.home().join("pid")).ok()?.trim().parse().ok()
}

const LONG: &str = "sleep 600 & echo $! >pid.new; mv pid.new pid; echo begun; sleep 600";

#[tokio::test]
async fn what_takes_too_long_is_ended_with_all_it_started() {
    for machine in Machine::ALL {
        // What does not listen is killed.
        for run in [LONG.to_owned(), format!("trap '' TERM; {LONG}")] {
            let fleet = fleet(vec![Site::new(machine)]);
            let input = "nobody reads it\n".repeat(40_000);
            let (out, _, ended) =
                answer(&fleet, Order { longest: Duration::from_secs(1), input, ..order(&run) }).await;
            let error = ended.error.unwrap();
            assert_eq!((out.as_str(), ended.exit), ("begun\n", None), "{error:?}");
            assert!(error.message.contains("more than 1s, and was ended"), "{error:?}");
            let pid = pid(&fleet.sites[0]).unwrap();
            wait_until("the end of what it started", || !runs(pid)).await;
        }
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_and_does_not_end_is_waited_for_no_longer() {
    // Something else than it was asked, which closes both outputs and stays.
    let login = ["sh", "-c", "exec >&- 2>&-; cat >/dev/null"].map(OsString::from).to_vec();
    let fleet = Arc::new(Fleet { sites: vec![Site::new(Machine::ALL[0])], login });
    let (_, _, ended) = answer(&fleet, Order { longest: Duration::from_secs(1), ..order("true") }).await;
    let error = ended.error.unwrap();
    assert!(error.message.contains("more than 1s, and may still run"), "{error:?}");
}

#[tokio::test]
async fn what_nobody_listens_to_any_more_is_ended() {
    for machine in Machine::ALL {
        let fleet = fleet(vec![Site::new(machine)]);
        let (told, running) = start(&fleet, 1, order(LONG));
        let pid = wait_for("its beginning", || pid(&fleet.sites[0])).await;
        assert!(runs(pid));
        drop(told);
        wait_until("its end", || !runs(pid)).await;
        running.await.unwrap();
    }
}

#[tokio::test]
async fn a_process_left_behind_holds_nobody() {
    let fleet = fleet(vec![Site::new(Machine::DEBIAN)]);
    let (out, _, ended) = answer(&fleet, order("sleep 600 & echo $! >pid; echo done")).await;
    assert_eq!((out.as_str(), ended.exit), ("done\n", Some(0)));
    let pid = pid(&fleet.sites[0]).unwrap();
    assert!(runs(pid), "what is left behind on purpose goes on");
    kill(Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn in_an_environment_it_runs_in_what_is_live() {
    for machine in Machine::ALL {
        for below in ["shop", "two words", "quote's \"`$(touch PWN)"] {
            let site = Site::new(machine).at(below);
            let (root, release) = (site.root.clone(), site.path("releases/one"));
            let current = site.path("current");
            let fleet = fleet(vec![site]);
            let there = || Order { root: Some(root.clone()), ..order("pwd -P") };
            let (_, _, ended) = answer(&fleet, there()).await;
            let error = ended.error.unwrap();
            assert!(error.message.contains("no release is live at"), "{error:?}");
            fs::create_dir_all(&release).unwrap();
            symlink("releases/one", current).unwrap();
            let (out, _, ended) = answer(&fleet, there()).await;
            let expected = format!("{}\n", fs::canonicalize(&release).unwrap().display());
            assert_eq!((out, ended.exit), (expected, Some(0)));
        }
    }
}
