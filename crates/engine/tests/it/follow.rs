//! Following: a log arrives byte by byte from wherever it was left, and a hook outlives whoever follows it.

use std::fs;

use engine::driver::Heard;
use engine::remote::status;

use crate::asks::{ask, follow, hook, outcome, tell};
use crate::hooks::ready;
use crate::kill::{is_alive, pid_in};
use crate::machine::Machine;
use crate::site::{ME, wait_until};
use crate::tree::noise;

#[tokio::test]
async fn a_log_arrives_byte_by_byte_from_any_offset() {
    let mut bytes = noise(1_000_000);
    // What looks like an answer is not one, and no line ends the log.
    bytes.extend_from_slice(b"\n@0123456789abcdef end 0\n\0\r\n\0no end");
    let all = bytes.len();
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        fs::write(site.path("releases/one/binary"), &bytes).unwrap();
        tell(&mut driver, &hook("42/hook-1", "releases/one", &[], "cat binary; exit 3")).await;
        for offset in [0, 1, 255, 262_144, 300_001, all - 1, all] {
            let (log, answer) = follow(&mut driver, "42/hook-1", offset as u64).await;
            assert_eq!(log.len(), all - offset);
            assert!(log == bytes[offset..], "other bytes from offset {offset}");
            assert_eq!((answer.status, answer.get("exit")), (0, Some("3")));
        }
    }
}

#[tokio::test]
async fn a_child_that_keeps_the_output_open_holds_nobody() {
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        let text = "sleep 1000 & echo $! >daemon; echo started";
        tell(&mut driver, &hook("42/hook-1", "releases/one", &[], text)).await;
        assert_eq!(outcome(&mut driver, "42/hook-1").await, ("started\n".to_owned(), Some("0".to_owned())));
        let daemon = pid_in(&site.path("releases/one/daemon")).await;
        assert!(is_alive(daemon), "what a hook leaves behind on purpose lives on");
        ask(&mut driver, "kill", &["42/hook-1", "KILL"]).await;
        wait_until("the end of the daemon", || !is_alive(daemon)).await;
    }
}

#[tokio::test]
async fn a_hook_outlives_the_driver_that_started_it() {
    let text = "echo begun; while [ ! -e go ]; do sleep 0.02; done; echo ended; exit 5";
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        tell(&mut driver, &hook("42/hook-1", "releases/one", &[], text)).await;
        driver.follow("42/hook-1", 0).await.unwrap();
        let mut heard = Vec::new();
        while heard != b"begun\n" {
            match driver.heard().await.unwrap() {
                Heard::Log(bytes) => heard.extend(bytes),
                Heard::End(answer) => panic!("it ended: {answer:?}"),
            }
        }
        site.host.kill_sessions();
        assert!(driver.heard().await.is_err(), "the driver is still there");
        let mut driver = site.driver(ME).await;
        assert_eq!(ask(&mut driver, "state", &["42/hook-1"]).await.get("running"), Some("yes"));
        fs::write(site.path("releases/one/go"), "").unwrap();
        let (log, answer) = follow(&mut driver, "42/hook-1", heard.len() as u64).await;
        assert_eq!((log.as_slice(), answer.get("exit")), (b"ended\n".as_slice(), Some("5")));
    }
}

#[tokio::test]
async fn what_became_of_a_run_is_told() {
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        assert_eq!(ask(&mut driver, "state", &["42/hook-1"]).await.status, status::NO_RUN);
        assert_eq!(ask(&mut driver, "follow", &["42/hook-1", "0"]).await.status, status::NO_RUN);
        assert_eq!(ask(&mut driver, "kill", &["42/hook-1", "TERM"]).await.status, status::NO_RUN);
        tell(
            &mut driver,
            &hook("42/hook-1", "releases/one", &[], "while [ ! -e go ]; do sleep 0.02; done; exit 9"),
        )
        .await;
        wait_until("the pid of the run", || site.path(".aweigh/runs/42/hook-1/pid").exists()).await;
        assert_eq!(ask(&mut driver, "state", &["42/hook-1"]).await.get("running"), Some("yes"));
        fs::write(site.path("releases/one/go"), "").unwrap();
        wait_until("the end of the run", || site.path(".aweigh/runs/42/hook-1/exit").exists()).await;
        assert_eq!(ask(&mut driver, "state", &["42/hook-1"]).await.get("exit"), Some("9"));

        // The server went down in the middle of another one: it has a number that nobody bears any more.
        fs::create_dir(site.path(".aweigh/runs/42/hook-2")).unwrap();
        fs::write(site.path(".aweigh/runs/42/hook-2/pid"), "4194305\n").unwrap();
        fs::write(site.path(".aweigh/runs/42/hook-2/log"), "half a li").unwrap();
        assert_eq!(ask(&mut driver, "state", &["42/hook-2"]).await.get("unknown"), Some("yes"));
        let (log, answer) = follow(&mut driver, "42/hook-2", 0).await;
        assert_eq!((log.as_slice(), answer.get("lost")), (b"half a li".as_slice(), Some("yes")));
    }
}
