//! First contact: the driver is stored once, whatever the login shell says and however the folder is called.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use engine::driver::{Broken, Driver};
use engine::error::Failure;
use engine::remote::{Command, DRIVER, DRIVER_HASH};

use crate::asks::ask;
use crate::machine::{Machine, program};
use crate::site::{ME, Site};
use crate::tree::Parcel;

/// No driver takes this long to start.
const DEADLINE: Duration = Duration::from_secs(20);

/// Why a driver cannot be started.
pub(crate) async fn unfit(site: &Site) -> Failure {
    let asked = async { Driver::start(&site.host, &site.root, ME).await?.ask(&Command::new("unlock")).await };
    match asked.await {
        Ok(_) => panic!("a driver started in {}", site.root),
        Err(Broken::Away(error) | Broken::Lost(error)) => panic!("asking again does not help: {error}"),
        Err(Broken::Unfit(failure)) => failure,
    }
}

#[tokio::test]
async fn the_driver_is_stored_once() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let stored = site.path(&format!(".aweigh/driver-{}", *DRIVER_HASH));
        drop(site.driver(ME).await);
        assert_eq!(fs::read_to_string(&stored).unwrap(), DRIVER);
        assert_eq!(fs::metadata(site.path(".aweigh")).unwrap().mode() & 0o777, 0o700);
        let first = fs::metadata(&stored).unwrap().ino();
        drop(site.driver(ME).await);
        assert_eq!(fs::metadata(&stored).unwrap().ino(), first, "it was stored again");
        let drivers: Vec<_> =
            site.names(".aweigh").into_iter().filter(|name| name.starts_with("driver")).collect();
        assert_eq!(drivers, [format!("driver-{}", *DRIVER_HASH)]);
    }
}

#[tokio::test]
async fn a_folder_may_be_called_anything() {
    let parcel = Parcel::of(&[("index", "one")]);
    let odd =
        ["with  two spaces ", "quote's \"`", "$HOME/$(touch PWN)", "*", "-rf/--", "\\n;exit 1", "ünïcödé"];
    for machine in Machine::ALL {
        let mut site = Site::new(machine);
        for below in odd {
            site = site.at(below);
            let mut driver = site.driver(ME).await;
            let answer = ask(&mut driver, "acquire", &["", "", "", "0"]).await;
            assert_eq!(answer.get("root"), site.path("").to_str().map(|root| root.trim_end_matches('/')));
            assert_eq!(parcel.send(&mut driver, "one", machine.codecs()[0]).await.status, 0);
            assert_eq!(ask(&mut driver, "activate", &["one", ""]).await.status, 0);
            assert_eq!(fs::read_to_string(site.path("current/index")).unwrap(), "one", "in {below:?}");
        }
    }
}

#[tokio::test]
async fn a_tilde_is_the_home_folder_of_the_session() {
    for machine in Machine::ALL {
        let site = Site::new(machine).at_home("my shop/$x/~");
        let answer = ask(&mut site.driver(ME).await, "acquire", &["", "", "", "0"]).await;
        assert_eq!(answer.get("root"), site.home().join("my shop/$x/~").to_str());
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named_with_the_reason() {
    for machine in Machine::ALL {
        let site = Site::new(machine).at("file/shop");
        fs::write(site.folder().join("file"), "in the way").unwrap();
        let failure = unfit(&site).await;
        assert!(failure.message.contains("file/shop cannot be used: mkdir: "), "{}", failure.message);
        assert!(failure.message.contains("Not a directory"), "{}", failure.message);
        assert!(failure.hint.unwrap().contains("chown"));

        let site = Site::new(machine);
        fs::create_dir(site.path("")).unwrap();
        fs::write(site.path("releases"), "in the way").unwrap();
        let failure = unfit(&site).await;
        assert!(failure.message.contains("File exists"), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_login_shell_may_be_noisy() {
    // Many lines, a line without an end, as a careless `echo -n` leaves it, and lines that do not stop.
    let begins = "echo Welcome; echo '@ need'; echo to stderr >&2; exec sh -c \"$1\"";
    let half = "printf 'no end '; exec sh -c \"$1\"";
    let ticks = "while echo tick; do sleep 0.01; done & exec sh -c \"$1\"";
    for machine in Machine::ALL {
        for noise in [begins, half, ticks] {
            let mut site = Site::new(machine);
            site.host.login = ["sh", "-c", noise, "login"].map(Into::into).into();
            for _ in 0..2 {
                let start = tokio::time::timeout(DEADLINE, site.driver(ME));
                let mut driver = start.await.expect("a driver that is not drowned in noise");
                let answer = ask(&mut driver, "acquire", &["", "", "", "0"]).await;
                assert_eq!((answer.status, answer.get("root")), (0, Some(site.root.as_str())));
                assert_eq!(ask(&mut driver, "unlock", &[]).await.status, 0);
            }
        }
    }
}

#[tokio::test]
async fn fish_and_tcsh_are_login_shells_too() {
    for shell in ["fish", "tcsh"] {
        let mut site = Site::new(Machine::DEBIAN).at("a shell's $HOME!");
        site.host.login = vec![program(shell).into(), "-c".into()];
        for _ in 0..2 {
            let answer = ask(&mut site.driver(ME).await, "acquire", &["", "", "", "0"]).await;
            assert_eq!((answer.status, answer.get("root")), (0, Some(site.root.as_str())), "{shell}");
        }
    }
}

#[tokio::test]
async fn a_refused_login_is_told_in_its_own_words() {
    let mut site = Site::new(Machine::DEBIAN);
    site.host.ends_at_once = true;
    // As `nologin` does it: one sentence, then the end, before anything could be written.
    for line in ["echo 'This account is closed.'; exit 1", "printf 'This account is closed.'; exit 1"] {
        site.host.login = ["sh", "-c", line].map(Into::into).into();
        let failure = unfit(&site).await;
        assert!(failure.message.contains("This account is closed."), "{}", failure.message);
    }
}

#[tokio::test]
async fn an_unknown_verb_ends_the_driver() {
    for machine in Machine::ALL {
        let mut driver = Site::new(machine).driver(ME).await;
        assert_eq!(ask(&mut driver, "format", &[]).await.status, 64);
        assert!(driver.ask(&Command::new("unlock")).await.is_err(), "it goes on after nonsense");
    }
}
