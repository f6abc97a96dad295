//! Hooks: what they are started with, and that the same run starts once.

use std::fs;
use std::path::Path;

use engine::driver::Driver;
use engine::ports::Host;
use engine::remote::{self, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::asks::{ask, command, follow, hook, hook_with, outcome, tell};
use crate::machine::Machine;
use crate::site::{ME, Site};

/// A site with the folder of one release, and a driver that holds its lock.
pub(crate) async fn ready(machine: Machine) -> (Site, Driver) {
    let site = Site::new(machine);
    let driver = site.locked().await;
    fs::create_dir(site.path("releases/one")).unwrap();
    (site, driver)
}

/// Runs `text` to its end; answers its log and its exit code.
async fn run(driver: &mut Driver, variables: &[&str], text: &str) -> (String, Option<String>) {
    let answer = tell(driver, &hook("42/hook-1", "releases/one", variables, text)).await;
    assert_eq!((answer.status, answer.get("run")), (0, Some("started")));
    outcome(driver, "42/hook-1").await
}

/// What the hook `text` says and how it ends, on every machine.
async fn check(text: &str, log: &str, exit: &str) {
    for machine in Machine::ALL {
        let (_site, mut driver) = ready(machine).await;
        let (said, code) = run(&mut driver, &[], text).await;
        assert_eq!((said.as_str(), code.as_deref()), (log, Some(exit)));
    }
}

#[tokio::test]
async fn the_exit_code_is_kept() {
    check("echo out; echo err >&2; exit 7", "out\nerr\n", "7").await;
    check("", "", "0").await;
}

#[tokio::test]
async fn the_first_command_that_fails_ends_it() {
    check("echo before\nfalse\necho after", "before\n", "1").await;
}

#[tokio::test]
async fn a_line_with_an_interpreter_is_honoured() {
    check("#!/bin/cat\nit's \"$HOME\"\n", "#!/bin/cat\nit's \"$HOME\"\n", "0").await;
}

#[tokio::test]
async fn its_input_is_empty() {
    check("cat; read -r line || echo nothing", "nothing\n", "0").await;
}

#[tokio::test]
async fn it_runs_in_the_folder_of_the_release() {
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        let (said, _) = run(&mut driver, &[], "pwd").await;
        assert_eq!(Path::new(said.trim_end()), site.path("releases/one"));
    }
}

/// Names that the driver uses itself, and a value of several lines.
#[tokio::test]
async fn variables_may_have_any_name_and_several_lines() {
    let variables = [
        "dir=theirs",
        "line=their line",
        "value=v",
        "mode=m",
        "KEY=one",
        "+  two",
        "+",
        "+three=3",
        "LC_ALL=C.UTF-8",
    ];
    let text = "printf '%s\\n' \"$dir\" \"$line\" \"$value\" \"$mode\" \"$KEY\" \"$LC_ALL\"; env | grep -c ^aweigh_ || :";
    let expected = "theirs\ntheir line\nv\nm\none\n  two\n\nthree=3\nC.UTF-8\n0\n";
    for machine in Machine::ALL {
        let (_site, mut driver) = ready(machine).await;
        let (said, code) = run(&mut driver, &variables, text).await;
        assert_eq!((said.as_str(), code.as_deref()), (expected, Some("0")), "{machine:?}");
    }
}

/// T58: the hook that asked for it has a secret in its environment, and nothing else on the server has it anywhere.
#[tokio::test]
async fn a_secret_is_in_the_environment_of_its_hook_and_in_no_file_by_then() {
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        let runs = site.path(".aweigh");
        let text = format!(
            "printf '%s\\n' \"$KEY\" | tr ' ' _; wanted=$(printf 'correct%s' ' horse')\n\
             grep -rl \"$wanted\" '{0}' /proc/$$/cmdline /proc/$PPID/cmdline || echo nowhere",
            runs.display()
        );
        let secrets = ["KEY=correct horse", "+battery"];
        let asked = hook_with("42/hook-1", "releases/one", (&["A=b"], &secrets), &text);
        assert_eq!(tell(&mut driver, &asked).await.get("run"), Some("started"));
        let (said, code) = outcome(&mut driver, "42/hook-1").await;
        assert_eq!(
            (said.as_str(), code.as_deref()),
            ("correct_horse\nbattery\nnowhere\n", Some("0")),
            "{machine:?}"
        );
        // Asked once more it runs no second time, and leaves nothing either.
        assert_eq!(tell(&mut driver, &asked).await.get("run"), Some("again"));
        let left = fs::read_dir(runs.join("runs/42")).unwrap().count();
        assert_eq!(left, 1);
        assert!(!runs.join("runs/42/hook-1/secrets").exists());
    }
}

#[tokio::test]
async fn secrets_of_a_hook_that_does_not_begin_are_gone() {
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        let runs = site.path(".aweigh/runs/42");
        let asked = hook_with("42/hook-1", "releases/none", (&[], &["KEY=correct horse"]), "true");
        assert_eq!(tell(&mut driver, &asked).await.status, status::INCOMPLETE, "{machine:?}");
        assert_eq!(fs::read_dir(&runs).unwrap().count(), 0, "{machine:?}");
    }
}

#[tokio::test]
async fn variables_are_taken_literally() {
    let variables = [
        "AWEIGH_SPACES=  two  spaces  ",
        "AWEIGH_QUOTES='\"`\\",
        "AWEIGH_COMMAND=$(touch PWN) $HOME ~ * ; exit 3",
        "AWEIGH_EQUALS=a=b",
        "AWEIGH_EMPTY=",
    ];
    let text = "printf '%s\\n' \"$AWEIGH_SPACES\" \"$AWEIGH_QUOTES\" \"$AWEIGH_COMMAND\" \"$AWEIGH_EQUALS\" \
        \"empty:${AWEIGH_EMPTY-unset}\"";
    let expected = "  two  spaces  \n'\"`\\\n$(touch PWN) $HOME ~ * ; exit 3\na=b\nempty:\n";
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        let (said, code) = run(&mut driver, &variables, text).await;
        assert_eq!((said.as_str(), code.as_deref()), (expected, Some("0")));
        assert_eq!(site.names("releases/one"), [""; 0]);
    }
}

#[tokio::test]
async fn the_language_of_the_session_is_kept() {
    for machine in Machine::ALL {
        let mut site = Site::new(machine);
        site.host.set("LANG", "C.UTF-8");
        let mut driver = site.locked().await;
        fs::create_dir(site.path("releases/one")).unwrap();
        let (said, _) = run(&mut driver, &[], "echo \"$LANG ${LC_ALL-free}\"").await;
        assert_eq!(said, "C.UTF-8 free\n", "what hooks write is UTF-8 where the session is");
    }
}

#[tokio::test]
async fn a_run_starts_once_however_often_it_is_asked_for() {
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        let mut drivers = Vec::new();
        for _ in 0..20 {
            drivers.push(site.driver(ME).await);
        }
        let command = hook("42/hook-1", "releases/one", &[], "echo started | tee -a ../../starts");
        let answers =
            futures::future::join_all(drivers.iter_mut().map(|driver| tell(driver, &command))).await;
        assert!(answers.iter().all(|answer| answer.status == 0), "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| answer.get("run") == Some("started")).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.get("run") == Some("again")).count(), 19);
        assert_eq!(outcome(&mut driver, "42/hook-1").await, ("started\n".to_owned(), Some("0".to_owned())));
        // Asked again when it is long over, too.
        assert_eq!(tell(&mut driver, &command).await.get("run"), Some("again"));
        assert_eq!(fs::read_to_string(site.path("starts")).unwrap(), "started\n");
        assert_eq!(site.names(".aweigh/runs/42"), ["hook-1"]);
    }
}

#[tokio::test]
async fn a_refused_start_leaves_nothing_and_understands_what_follows() {
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        let text = "unlock\nprune\nx\nx\n0\n";
        let answer = tell(&mut driver, &hook("42/hook-1", "releases/none", &["A=b"], text)).await;
        assert_eq!((answer.status, answer.get("gone")), (status::INCOMPLETE, Some("releases/none")));
        assert_eq!(ask(&mut driver, "state", &["42/hook-1"]).await.status, status::NO_RUN);
        // Text of a user that was not read must not become commands.
        for run in ["../../evil", "/evil", "", ".", "42/.."] {
            let mut driver = site.driver(ME).await;
            assert_eq!(tell(&mut driver, &hook(run, "releases/one", &[], text)).await.status, 64, "{run:?}");
            let probe = command("probe", &["", ""]);
            let after = driver.ask(&probe).await;
            assert!(after.is_err() || after.is_ok_and(|answer| answer.status == 0), "{run:?}");
        }
        fs::write(site.path(".aweigh/runs/43"), "in the way").unwrap();
        let mut driver = site.driver(ME).await;
        assert_eq!(
            tell(&mut driver, &hook("43/hook-1", "releases/one", &[], text)).await.status,
            status::TOOL
        );
        assert_eq!(site.link(".aweigh/lock"), ME, "the hook's text was taken for a command");
        assert!(!site.path("revisions.log").exists(), "the hook's text was taken for a command");
    }
}

#[tokio::test]
async fn a_command_that_was_cut_off_starts_nothing() {
    let whole = hook("42/hook-1", "releases/one", &["A=b", "C=d"], "touch started\ntouch started\n");
    for machine in Machine::ALL {
        let (site, mut driver) = ready(machine).await;
        for cut in [1, 6, 20, 36, whole.as_bytes().len() - 14, whole.as_bytes().len() - 1] {
            let mut channel = site.host.exec(&remote::command_line("00112233aabbccdd")).await.unwrap();
            channel.stdin.write_all(&[site.root.as_str().as_bytes(), b"\n"].concat()).await.unwrap();
            let mut greeting = [0; 64];
            let n = channel.stdout.read(&mut greeting).await.unwrap();
            assert!(String::from_utf8_lossy(&greeting[..n]).contains("hello"));
            let said = [ME.as_bytes(), b"\n", &whole.as_bytes()[..cut]].concat();
            channel.stdin.write_all(&said).await.unwrap();
            channel.stdin.shutdown().await.unwrap();
            drop(channel.stdin);
            let mut rest = String::new();
            channel.stdout.read_to_string(&mut rest).await.unwrap();
            assert!(!rest.contains("started"), "cut at {cut}: {rest}");
        }
        assert_eq!(ask(&mut driver, "state", &["42/hook-1"]).await.status, status::NO_RUN);
        assert_eq!(site.names("releases/one"), [""; 0]);
        // And what was cut off is not in the way of the whole.
        assert_eq!(tell(&mut driver, &whole).await.get("run"), Some("started"));
        let (_, answer) = follow(&mut driver, "42/hook-1", 0).await;
        assert_eq!(answer.get("exit"), Some("0"));
        assert_eq!(site.names("releases/one"), ["started"]);
    }
}
