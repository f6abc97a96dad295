//! Seal, activate and undo: `current` moves in one step, from what was expected, to what was staged, or not at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use engine::driver::Driver;
use engine::remote::status;

use crate::asks::ask;
use crate::machine::Machine;
use crate::site::Site;
use crate::tree::Parcel;

/// How often `current` is switched under the eyes of a reader.
const SWITCHES: usize = 200;

/// A site with two sealed releases, `one` and `two`, none of them live.
async fn staged(machine: Machine) -> (Site, Driver) {
    let site = Site::new(machine);
    let mut driver = site.locked().await;
    for name in ["one", "two"] {
        let parcel = Parcel::of(&[("index", name), ("script", "exit 0"), ("-folder/a b", "")]);
        assert_eq!(parcel.send(&mut driver, name, machine.codecs()[0]).await.status, 0);
    }
    (site, driver)
}

async fn activate(driver: &mut Driver, name: &str, before: &str) -> u32 {
    ask(driver, "activate", &[name, before]).await.status
}

async fn undo(driver: &mut Driver, name: &str, before: &str) -> u32 {
    ask(driver, "undo", &[name, before, ""]).await.status
}

/// Whether a release that was changed by `change` after it was sealed is activated.
async fn check_change(change: impl Fn(&Path), expected: u32) {
    for machine in Machine::ALL {
        let (site, mut driver) = staged(machine).await;
        change(&site.path("releases/one"));
        assert_eq!(activate(&mut driver, "one", "").await, expected);
        assert_eq!(site.link("current"), if expected == 0 { "releases/one" } else { "" });
        if expected != 0 {
            // What a hook of the release changed on purpose is sealed anew.
            assert_eq!(ask(&mut driver, "seal", &["one"]).await.status, 0);
            assert_eq!(activate(&mut driver, "one", "").await, 0);
        }
    }
}

#[tokio::test]
async fn a_file_that_was_written_is_noticed() {
    let rewrite = |release: &Path| {
        let file = fs::File::options().write(true).truncate(true).open(release.join("index")).unwrap();
        std::io::Write::write_all(&mut &file, b"eno").unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_hours(1)).unwrap();
    };
    check_change(rewrite, status::TOUCHED).await;
}

#[tokio::test]
async fn a_mode_that_was_changed_is_noticed() {
    let chmod = |release: &Path| {
        fs::set_permissions(release.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    };
    check_change(chmod, status::TOUCHED).await;
}

#[tokio::test]
async fn a_file_that_was_removed_is_noticed() {
    check_change(|release| fs::remove_file(release.join("-folder/a b")).unwrap(), status::TOUCHED).await;
}

#[tokio::test]
async fn a_file_that_became_a_link_is_noticed() {
    let relink = |release: &Path| {
        fs::rename(release.join("script"), release.join("elsewhere")).unwrap();
        symlink("elsewhere", release.join("script")).unwrap();
    };
    check_change(relink, status::TOUCHED).await;
}

#[tokio::test]
async fn a_file_that_came_on_top_is_left_alone() {
    check_change(|release| fs::write(release.join("cache"), "warm").unwrap(), 0).await;
}

#[tokio::test]
async fn only_what_is_staged_and_sealed_is_activated() {
    for machine in Machine::ALL {
        let (site, mut driver) = staged(machine).await;
        fs::create_dir(site.path("releases/by-hand")).unwrap();
        symlink("one", site.path("releases/linked")).unwrap();
        for name in ["by-hand", "linked", "never"] {
            assert_eq!(activate(&mut driver, name, "").await, status::INCOMPLETE, "{name}");
        }
        for name in ["", "../one", ".", "-T"] {
            assert_eq!(activate(&mut driver, name, "").await, 64, "{name}");
        }
        assert!(!site.path("current").exists());
    }
}

#[tokio::test]
async fn a_link_that_somebody_else_moved_is_drift() {
    for machine in Machine::ALL {
        let (site, mut driver) = staged(machine).await;
        assert_eq!(activate(&mut driver, "one", "").await, 0);
        let answer = ask(&mut driver, "activate", &["two", ""]).await;
        assert_eq!((answer.status, answer.get("now")), (status::DRIFT, Some("releases/one")));
        let answer = ask(&mut driver, "undo", &["two", "releases/zero", ""]).await;
        assert_eq!((answer.status, answer.get("now")), (status::DRIFT, Some("releases/one")));
        assert_eq!(site.link("current"), "releases/one");
    }
}

#[tokio::test]
async fn a_real_folder_in_the_place_of_the_link_is_left_alone() {
    for machine in Machine::ALL {
        let (site, mut driver) = staged(machine).await;
        fs::create_dir(site.path("current")).unwrap();
        fs::write(site.path("current/precious"), "").unwrap();
        assert_eq!(ask(&mut driver, "probe", &["one", ""]).await.get("kind"), Some("other"));
        assert_eq!(activate(&mut driver, "one", "").await, status::NOT_A_LINK);
        assert_eq!(undo(&mut driver, "one", "").await, status::NOT_A_LINK);
        assert_eq!(site.names("current"), ["precious"]);
    }
}

#[tokio::test]
async fn a_link_that_leads_outside_is_put_back() {
    for machine in Machine::ALL {
        let (site, mut driver) = staged(machine).await;
        for before in ["/nowhere/with  space", "../shop/releases/two", "-f", "*", "~/$HOME"] {
            let _ = fs::remove_file(site.path("current"));
            symlink(before, site.path("current")).unwrap();
            assert_eq!(ask(&mut driver, "probe", &["one", ""]).await.get("current"), Some(before));
            assert_eq!(activate(&mut driver, "one", before).await, 0, "{before}");
            assert_eq!(site.link("current"), "releases/one");
            assert_eq!(undo(&mut driver, "one", before).await, 0, "{before}");
            assert_eq!(site.link("current"), before);
        }
    }
}

#[tokio::test]
async fn the_way_back_to_a_release_that_is_gone_is_not_taken() {
    for machine in Machine::ALL {
        let (site, mut driver) = staged(machine).await;
        assert_eq!(activate(&mut driver, "one", "").await, 0);
        assert_eq!(activate(&mut driver, "two", "releases/one").await, 0);
        fs::remove_dir_all(site.path("releases/one")).unwrap();
        let answer = ask(&mut driver, "undo", &["two", "releases/one", ""]).await;
        assert_eq!((answer.status, answer.first_said()), (status::INCOMPLETE, "releases/one is gone"));
        assert_eq!(site.link("current"), "releases/two");
    }
}

#[tokio::test]
async fn twice_is_once() {
    for machine in Machine::ALL {
        let (site, mut driver) = staged(machine).await;
        for (name, before) in [("one", ""), ("two", "releases/one")] {
            for _ in 0..2 {
                assert_eq!(activate(&mut driver, name, before).await, 0);
                assert_eq!(site.link("current"), format!("releases/{name}"));
            }
        }
        for (name, before) in [("two", "releases/one"), ("one", "")] {
            for _ in 0..2 {
                assert_eq!(undo(&mut driver, name, before).await, 0);
                assert_eq!(site.link("current"), before);
            }
        }
        assert!(site.path("current").symlink_metadata().is_err(), "without a previous release the link goes");
    }
}

#[tokio::test]
async fn whoever_reads_sees_one_release_or_the_other() {
    for machine in [Machine::DEBIAN, Machine::ALPINE] {
        let (site, mut driver) = staged(machine).await;
        assert_eq!(activate(&mut driver, "one", "").await, 0);
        let (path, over) = (site.path("current/index"), Arc::new(AtomicBool::new(false)));
        let reader = std::thread::spawn({
            let over = over.clone();
            move || {
                let mut seen = [0_u32; 2];
                while !over.load(Ordering::Relaxed) {
                    match fs::read_to_string(&path).expect("there is always a release").as_str() {
                        "one" => seen[0] += 1,
                        "two" => seen[1] += 1,
                        other => panic!("read {other:?}"),
                    }
                }
                seen
            }
        });
        let mut live = "one";
        for _ in 0..SWITCHES {
            let next = if live == "one" { "two" } else { "one" };
            assert_eq!(activate(&mut driver, next, &format!("releases/{live}")).await, 0);
            live = next;
        }
        over.store(true, Ordering::Relaxed);
        let seen = reader.join().unwrap();
        assert!(seen[0] > 0 && seen[1] > 0, "the reader looked too rarely: {seen:?}");
    }
}
