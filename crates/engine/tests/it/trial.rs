//! Trying a hook on a server: it runs in what is live there, ends when it should, and leaves nothing behind.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::Duration;

use engine::masker::Masker;
use engine::trial::{Trial, Tried, on};
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::machine::{Machine, program};
use crate::site::{Site, wait_for, wait_until};

/// A site on which a release is live, as far as a trial looks.
fn live(site: Site) -> Site {
    fs::create_dir_all(site.path("releases/one")).unwrap();
    fs::create_dir_all(site.path(".aweigh")).unwrap();
    symlink("releases/one", site.path("current")).unwrap();
    site
}

fn trial(site: &Site, run: &str) -> Trial {
    Trial {
        path: site.root.clone(),
        run: run.to_owned(),
        check: false,
        variables: vec![
            "AWEIGH_ACTION=release".into(),
            "AWEIGH_REF=two words".into(),
            "AWEIGH_ACTION=try".into(),
        ],
        longest: Duration::from_secs(20),
    }
}

async fn tried(site: &Site, run: &str) -> Tried {
    tell(site, &trial(site, run)).await
}

async fn tell(site: &Site, trial: &Trial) -> Tried {
    let tried = on(&site.host, trial, &Masker::new(&["hunter2hunter".to_owned().into()])).await.unwrap();
    assert_eq!(site.names(".aweigh"), Vec::<String>::new(), "it leaves nothing behind");
    tried
}

#[tokio::test]
async fn it_runs_in_what_is_live_and_answers_how_it_ended() {
    for machine in Machine::ALL {
        for below in ["shop", "two words", "quote's \"`$(touch PWN)"] {
            let site = live(Site::new(machine).at(below));
            let text = "pwd -P; echo \"$AWEIGH_ACTION, $AWEIGH_REF, $AWEIGH_RELEASE_NAME\"; cat; printf %s ${CI-none} >&2; exit 3";
            let found = tried(&site, text).await;
            let release = fs::canonicalize(site.path("releases/one")).unwrap();
            let said = format!("{}\ntry, two words, one\nnone", release.display());
            assert_eq!((found.exit, found.output, found.left_out), (Some(3), said, 0));
            let paths = tried(
                &site,
                "ls -d \"$AWEIGH_RELEASE_PATH/..\" \"$AWEIGH_CURRENT_PATH\" >/dev/null && echo there",
            )
            .await;
            assert_eq!((paths.exit, paths.output.as_str()), (Some(0), "there\n"));
            // As every hook: the first failure ends it, and a first line names who runs it.
            assert_eq!(tried(&site, "false; echo no").await.output, "");
            let awk = format!("#!{} -f\nBEGIN {{ print \"by awk\" }}", program("awk").display());
            assert_eq!(tried(&site, &awk).await.output, "by awk\n");
            assert_eq!(tried(&site, "echo hunter2hunter").await.output, "[secret]\n");
        }
    }
}

#[tokio::test]
async fn any_login_shell_will_do() {
    let mut site = live(Site::new(Machine::DEBIAN));
    for shell in ["fish", "tcsh"] {
        site.host.login = vec![OsString::from(program(shell)), "-c".into()];
        assert_eq!(tried(&site, "echo \"it's me!\"").await.output, "it's me!\n", "{shell}");
    }
}

#[tokio::test]
async fn what_is_only_checked_is_not_run() {
    for machine in Machine::ALL {
        let site = live(Site::new(machine));
        let check = async |run: &str| tell(&site, &Trial { check: true, ..trial(&site, run) }).await;
        assert_eq!(check("touch ran\nif true; then touch ran; fi").await.exit, Some(0));
        let wrong = check("touch ran\nif true; then").await;
        assert!(wrong.exit != Some(0) && !wrong.output.is_empty(), "{wrong:?}");
        assert_eq!(check("#!/bin/sh\nif").await.exit, Some(0), "only its interpreter is looked for");
        let gone = check("#!/no/such/interpreter -x\n").await;
        assert!(gone.exit == Some(127) && gone.output.contains("/no/such/interpreter"), "{gone:?}");
        assert_eq!(site.names("releases/one"), Vec::<String>::new());
    }
}

/// Whether a process is there; one that has ended and was not asked for is not.
fn runs(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    kill(Pid::from_raw(pid), None).is_ok() && !stat.contains(") Z ")
}

fn pid(site: &Site) -> Option<i32> {
    fs::read_to_string(site.path("releases/one/pid")).ok()?.trim().parse().ok()
}

#[tokio::test]
async fn what_takes_too_long_is_killed() {
    for machine in Machine::ALL {
        let site = live(Site::new(machine));
        let long = "sleep 600 & echo $! >pid; echo begun; sleep 600";
        let ended = tell(&site, &Trial { longest: Duration::from_secs(2), ..trial(&site, long) }).await;
        assert_eq!((ended.exit, ended.output.as_str()), (None, "begun\n"));
        let pid = pid(&site).unwrap();
        wait_until("the end of what it started", || !runs(pid)).await;
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_killed() {
    for machine in Machine::ALL {
        let site = Arc::new(live(Site::new(machine)));
        let its = Arc::clone(&site);
        let waiting = tokio::spawn(async move {
            let long = trial(&its, "echo $$ >pid.new; mv pid.new pid; sleep 600");
            on(&its.host, &long, &Masker::new(&[])).await
        });
        let pid = wait_for("its beginning", || pid(&site)).await;
        assert!(runs(pid));
        waiting.abort();
        wait_until("its end", || !runs(pid)).await;
        wait_until("an empty folder", || site.names(".aweigh").is_empty()).await;
    }
}

#[tokio::test]
async fn a_process_left_behind_holds_nobody() {
    let site = live(Site::new(Machine::DEBIAN));
    let left = tried(&site, "sleep 600 & echo $! >pid; echo done").await;
    assert_eq!((left.exit, left.output.as_str()), (Some(0), "done\n"));
    let pid = Pid::from_raw(pid(&site).unwrap());
    kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn where_nothing_is_live_nothing_is_run() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let trial = trial(&site, "echo no");
        let refused = on(&site.host, &trial, &Masker::new(&[])).await.unwrap_err();
        assert!(
            refused.message.contains("no release is live at") && refused.message.contains("/current"),
            "{refused:?}"
        );
        // A link that leads nowhere.
        fs::create_dir_all(site.path("")).unwrap();
        symlink("releases/gone", site.path("current")).unwrap();
        assert!(on(&site.host, &trial, &Masker::new(&[])).await.is_err());
        assert_eq!(site.names(""), ["current"]);
    }
}
