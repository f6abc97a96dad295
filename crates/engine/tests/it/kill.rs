//! Killing: a signal reaches everything that a hook started, and nothing of it is forgotten.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::asks::{ask, follow, hook, tell};
use crate::hooks::ready;
use crate::machine::Machine;
use crate::site::{ME, wait_for, wait_until};

/// Long enough for a driver to look a few times, in which it must not say that a run is over.
const A_FEW_LOOKS: Duration = Duration::from_millis(600);

/// Whether a process runs; one that only waits to be collected does not.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// The process whose number a hook writes into a file.
pub(crate) async fn pid_in(file: &Path) -> u32 {
    let read = || fs::read_to_string(file).ok()?.trim().parse().ok();
    wait_for("the number of a process", read).await
}

#[tokio::test]
async fn a_signal_reaches_grandchildren() {
    let text = "sh -c 'sleep 1000 & echo $! >grandchild; wait' & echo $! >child; wait";
    for machine in Machine::ALL {
        for signal in ["TERM", "KILL"] {
            let (site, mut driver) = ready(machine).await;
            tell(&mut driver, &hook("42/hook-1", "releases/one", &[], text)).await;
            let child = pid_in(&site.path("releases/one/child")).await;
            let grandchild = pid_in(&site.path("releases/one/grandchild")).await;
            assert!(is_alive(child) && is_alive(grandchild));
            assert_eq!(ask(&mut driver, "kill", &["42/hook-1", signal]).await.status, 0);
            wait_until("the end of all", || !is_alive(child) && !is_alive(grandchild)).await;
            let (_, answer) = follow(&mut driver, "42/hook-1", 0).await;
            assert_eq!(answer.status, 0);
            assert_ne!(answer.get("exit"), Some("0"), "{signal}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_stranger_that_has_the_number_of_a_run_is_left_alone() {
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        // The server was started again since, and counts its processes anew.
        let mut stranger = std::process::Command::new("setsid").args(["sleep", "1000"]).spawn().unwrap();
        let pid = stranger.id();
        let run = site.path(".aweigh/runs/41/hook-1");
        fs::create_dir_all(&run).unwrap();
        for (name, text) in [("pid", format!("{pid}\n")), ("born", "1\n".to_owned()), ("log", String::new())]
        {
            fs::write(run.join(name), text).unwrap();
        }
        let answer = ask(&mut driver, "halt", &["42"]).await;
        assert_eq!((answer.status, answer.get("ended")), (0, None));
        assert_eq!(ask(&mut driver, "state", &["41/hook-1"]).await.get("unknown"), Some("yes"));
        assert_eq!(ask(&mut driver, "kill", &["41/hook-1", "KILL"]).await.get("left"), None);
        let (_, answer) = follow(&mut driver, "41/hook-1", 0).await;
        assert_eq!(answer.get("lost"), Some("yes"));
        assert!(stranger.try_wait().unwrap().is_none(), "it was killed");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}

#[tokio::test]
async fn a_run_that_was_asked_to_end_is_over_when_all_of_it_is() {
    // The hook itself ends at once; what it started does not listen.
    let text = "sh -c 'trap \"\" TERM; echo $$ >deaf; while :; do sleep 0.05; done' & wait";
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        tell(&mut driver, &hook("42/hook-1", "releases/one", &[], text)).await;
        let deaf = pid_in(&site.path("releases/one/deaf")).await;
        let mut second = site.driver(ME).await;
        let answer = ask(&mut second, "kill", &["42/hook-1", "TERM"]).await;
        assert_eq!(answer.get("left"), Some("yes"));
        let mut end = Box::pin(follow(&mut driver, "42/hook-1", 0));
        let early = tokio::time::timeout(A_FEW_LOOKS, &mut end).await;
        assert!(early.is_err(), "it is said to be over while {deaf} runs: {}", is_alive(deaf));
        assert!(is_alive(deaf));
        ask(&mut second, "kill", &["42/hook-1", "KILL"]).await;
        let (_, answer) = end.await;
        assert_eq!(answer.status, 0);
        wait_until("the end of the deaf one", || !is_alive(deaf)).await;
    }
}
