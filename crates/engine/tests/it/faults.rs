//! Faults of the machine: a disk that is full or cannot be written, and processes that nobody collects.

use std::fs;
use std::io::Write;
use std::path::Path;

use engine::driver::Driver;
use engine::remote::status;
use testkit::repo::Entry;

use crate::asks::{ask, command, follow, hook, tell};
use crate::contact::unfit;
use crate::machine::Machine;
use crate::namespace::Namespace;
use crate::site::{ME, Site, names, wait_until};
use crate::tree::{Parcel, noise};

/// A site on a disk of its own with room for two MiB.
fn on_a_small_disk(machine: Machine) -> Option<(Site, Namespace)> {
    let mut site = Site::new(machine).at("disk/shop");
    let disk = site.folder().join("disk");
    fs::create_dir(&disk).unwrap();
    let namespace = Namespace::mounts("mount -t tmpfs -o size=2m none \"$1\"", &disk)?;
    enter(&mut site, &namespace);
    Some((site, namespace))
}

fn enter(site: &mut Site, namespace: &Namespace) {
    let login = std::mem::take(&mut site.host.login);
    site.host.login = [namespace.enter(), login].concat();
}

/// Writes until nothing more fits.
fn fill(file: &Path) {
    let mut file = fs::File::create(file).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    while file.write_all(&[1]).is_ok() {}
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_named() {
    for machine in Machine::ALL {
        let mut site = Site::new(machine);
        fs::create_dir_all(site.path(".aweigh")).unwrap();
        let setup = "mount -o bind \"$1\" \"$1\"; mount -o remount,ro,bind \"$1\"";
        let Some(namespace) = Namespace::mounts(setup, &site.path("")) else { return };
        enter(&mut site, &namespace);
        let failure = unfit(&site).await;
        assert!(failure.message.contains("cannot be used"), "{}", failure.message);
        assert!(failure.message.contains("Read-only file system"), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_any_more_is_named() {
    for machine in Machine::ALL {
        let mut site = Site::new(machine);
        assert_eq!(ask(&mut site.locked().await, "unlock", &[]).await.status, 0);
        let setup = "mount -o bind \"$1\" \"$1\"; mount -o remount,ro,bind \"$1\"";
        let Some(namespace) = Namespace::mounts(setup, &site.path("")) else { return };
        enter(&mut site, &namespace);
        let mut driver = Driver::start(&site.host, &site.root, ME).await.unwrap();
        let said = match driver.ask(&command("acquire", &["", "", "", "0"])).await {
            Ok(answer) => {
                assert_eq!(answer.status, status::TOOL, "{answer:?}");
                answer.said
            }
            Err(broken) => broken.into_failure().message,
        };
        assert!(said.contains("Read-only file system"), "{said}");
    }
}

#[tokio::test]
async fn a_disk_without_room_for_one_more_name_is_named() {
    for machine in Machine::ALL {
        let mut site = Site::new(machine).at("disk/shop");
        let disk = site.folder().join("disk");
        fs::create_dir(&disk).unwrap();
        let mount = "mount -t tmpfs -o size=2m,nr_inodes=40 none \"$1\"";
        let Some(namespace) = Namespace::mounts(mount, &disk) else { return };
        enter(&mut site, &namespace);
        let many: Vec<_> = (0..60).map(|n| (format!("file-{n}"), n.to_string())).collect();
        let parcel = Parcel::of(&many.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect::<Vec<_>>());
        let answer = parcel.send(&mut site.locked().await, "one", machine.codecs()[0]).await;
        assert_eq!(answer.status, status::TOOL, "{answer:?}");
        assert!(answer.said.contains("No space left on device"), "{answer:?}");
        assert_eq!(names(&namespace.path(&site.path("releases"))), [""; 0]);
    }
}

#[tokio::test]
async fn a_stream_that_does_not_fit_leaves_nothing_in_releases() {
    let noise = noise(4_000_000);
    let parcel = Parcel::new([("noise".into(), Entry::File(noise))]);
    for machine in Machine::ALL {
        for codec in machine.codecs() {
            let Some((site, namespace)) = on_a_small_disk(machine) else { return };
            let mut driver = site.locked().await;
            let answer = parcel.send(&mut driver, "one", *codec).await;
            assert_eq!(answer.status, status::TOOL, "{answer:?}");
            assert!(answer.said.contains("No space left on device"), "{answer:?}");
            assert_eq!(names(&namespace.path(&site.path("releases"))), [""; 0]);
            // The rest is cleared away when the release is tried again.
            let small = Parcel::of(&[("index", "one")]);
            let answer = small.send(&mut site.locked().await, "one", *codec).await;
            assert_eq!(answer.status, 0, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_seal_that_does_not_fit_is_no_seal() {
    let files: Vec<_> = (0..300).map(|n| (format!("file-{n}"), n.to_string())).collect();
    let parcel = Parcel::of(&files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect::<Vec<_>>());
    for machine in Machine::ALL {
        let Some((site, namespace)) = on_a_small_disk(machine) else { return };
        let mut driver = site.locked().await;
        let inside = |below: &str| namespace.path(&site.path(below));
        assert_eq!(parcel.send(&mut driver, "one", machine.codecs()[0]).await.status, 0);
        fs::remove_file(inside(".aweigh/manifests/one/seal")).unwrap();
        fill(&inside("filler"));
        let answer = ask(&mut driver, "seal", &["one"]).await;
        assert_eq!(answer.status, status::TOOL, "{answer:?}");
        assert_eq!(ask(&mut driver, "activate", &["one", ""]).await.status, status::INCOMPLETE);
        fs::remove_file(inside("filler")).unwrap();
        assert_eq!(ask(&mut driver, "seal", &["one"]).await.status, 0);
        assert_eq!(ask(&mut driver, "activate", &["one", ""]).await.status, 0);
    }
}

#[tokio::test]
async fn a_hook_that_cannot_be_stored_does_not_start() {
    for machine in Machine::ALL {
        let Some((site, namespace)) = on_a_small_disk(machine) else { return };
        let mut driver = site.locked().await;
        let inside = |below: &str| namespace.path(&site.path(below));
        fs::create_dir(inside("releases/one")).unwrap();
        fill(&inside("filler"));
        let command = hook("42/hook-1", "releases/one", &["A=b"], "touch started");
        assert_eq!(tell(&mut driver, &command).await.status, status::TOOL);
        let mut driver = site.locked().await;
        assert_eq!(ask(&mut driver, "state", &["42/hook-1"]).await.status, status::NO_RUN);
        fs::remove_file(inside("filler")).unwrap();
        assert_eq!(tell(&mut driver, &command).await.get("run"), Some("started"));
        assert_eq!(follow(&mut driver, "42/hook-1", 0).await.1.get("exit"), Some("0"));
        assert_eq!(names(&inside("releases/one")), ["started"]);
    }
}

#[tokio::test]
async fn a_run_that_nobody_collects_is_gone_all_the_same() {
    for machine in Machine::ALL {
        let mut site = Site::new(machine);
        let Some(namespace) = Namespace::processes() else { return };
        enter(&mut site, &namespace);
        let mut driver = site.locked().await;
        fs::create_dir(site.path("releases/one")).unwrap();
        tell(&mut driver, &hook("42/hook-1", "releases/one", &[], "echo begun; sleep 1000")).await;
        let log = site.path(".aweigh/runs/42/hook-1/log");
        wait_until("the log", || fs::read(&log).is_ok_and(|log| log == b"begun\n")).await;
        site.host.kill_sessions();
        let mut driver = site.driver(ME).await;
        assert_eq!(ask(&mut driver, "kill", &["42/hook-1", "KILL"]).await.status, 0);
        let (log, answer) = follow(&mut driver, "42/hook-1", 0).await;
        assert_eq!((log.as_slice(), answer.get("lost")), (b"begun\n".as_slice(), Some("yes")));
        assert_eq!(ask(&mut driver, "state", &["42/hook-1"]).await.get("unknown"), Some("yes"));
    }
}
