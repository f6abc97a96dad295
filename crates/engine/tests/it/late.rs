//! A line that was cut, and a server that has not noticed: what was said over it changes nothing any more.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use engine::remote::status;

use crate::asks::{ask, hook, tell};
use crate::machine::Machine;
use crate::site::{ME, Site, wait_until};
use crate::tree::Parcel;

/// As whom the driver over the second line speaks.
const LATER: &str = "here:42:1 1";

#[tokio::test]
async fn who_was_followed_over_a_later_line_changes_nothing() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let codec = machine.codecs()[0];
        let parcel = Parcel::of(&[("index", "one")]);
        let mut first = site.locked().await;
        assert_eq!(parcel.send(&mut first, "one", codec).await.status, 0);
        let mut second = site.driver(LATER).await;
        for (verb, values) in [
            ("acquire", &["", "one", "", "0"][..]),
            ("seal", &["one"]),
            ("activate", &["one", ""]),
            ("undo", &["one", "", ""]),
            ("prune", &["one", "live", "0"]),
        ] {
            let answer = ask(&mut first, verb, values).await;
            assert_eq!(answer.status, status::LOCKED, "{verb}: {answer:?}");
            assert!(answer.get("holder").unwrap().contains(ME), "{answer:?}");
        }
        let folder = site.path("releases/one").to_str().unwrap().to_owned();
        let started = tell(&mut first, &hook("42/late", &folder, &[], "echo late")).await;
        assert_eq!(started.status, status::LOCKED, "{started:?}");
        assert_eq!(ask(&mut first, "unlock", &[]).await.status, 0, "it gives back what it does not hold");
        assert_eq!(parcel.send(&mut first, "two", codec).await.status, status::LOCKED);
        assert_eq!((site.link("current"), site.names("releases")), (String::new(), vec!["one".to_owned()]));
        assert!(!site.path("revisions.log").exists() && !site.path(".aweigh/runs/42/late").exists());

        assert_eq!(ask(&mut second, "activate", &["one", ""]).await.status, 0);
        assert_eq!(ask(&mut second, "prune", &["one", "live", "0"]).await.status, 0);
        let mut third = site.driver("here:42:1 2").await;
        assert_eq!(ask(&mut second, "undo", &["one", "", ""]).await.status, status::LOCKED);
        assert_eq!(ask(&mut third, "undo", &["one", "", ""]).await.status, 0);
        assert_eq!(ask(&mut third, "unlock", &[]).await.status, 0);
        let left = site.names(".aweigh").into_iter().filter(|name| name.contains(':'));
        assert_eq!(left.collect::<Vec<_>>(), [""; 0]);
    }
}

/// Whether the server is where it was is asked over a new line while the old one is still about to switch it.
#[tokio::test]
async fn what_is_under_way_over_a_cut_line_ends_before_the_switch() {
    let site = Site::new(Machine::DEBIAN);
    let (begun, held) = (site.folder().join("begun"), site.folder().join("held"));
    let cmp = site.folder().join("bin/cmp");
    let slow = "#!/bin/sh\n: >\"${0%/bin/cmp}/begun\"\nwhile [ -e \"${0%/bin/cmp}/held\" ]; do sleep 0.02; done\nexec /usr/bin/cmp \"$@\"\n";
    fs::write(&cmp, slow).unwrap();
    fs::set_permissions(&cmp, fs::Permissions::from_mode(0o755)).unwrap();
    let mut first = site.locked().await;
    let parcel = Parcel::of(&[("index", "one")]);
    assert_eq!(parcel.send(&mut first, "one", Machine::DEBIAN.codecs()[0]).await.status, 0);
    fs::remove_file(&begun).unwrap();
    fs::write(&held, "").unwrap();
    let values = ["one", ""];
    let (late, ()) = tokio::join!(ask(&mut first, "activate", &values), async {
        wait_until("the look before the switch", || begun.exists()).await;
        let mut second = site.driver(LATER).await;
        assert_eq!(ask(&mut second, "undo", &["one", "", ""]).await.status, 0);
        fs::remove_file(&held).unwrap();
    });
    assert_eq!(late.status, status::LOCKED, "{late:?}");
    assert_eq!(site.link("current"), "");
}

#[tokio::test]
async fn a_tree_without_its_manifest_is_not_staged() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        let parcel = Parcel::of(&[("index", "one")]);
        let codec = machine.codecs()[0];
        assert_eq!(parcel.send(&mut driver, "one", codec).await.status, 0);
        let whole = ask(&mut driver, "probe", &["one", ""]).await;
        assert_eq!(whole.get("staged"), Some("yes"));
        fs::remove_dir_all(site.path(".aweigh/manifests/one")).unwrap();
        let part = ask(&mut driver, "probe", &["one", ""]).await;
        assert_eq!(part.get("staged"), None);
        assert_eq!(parcel.send(&mut driver, "one", codec).await.status, 0);
        assert_eq!(ask(&mut driver, "activate", &["one", ""]).await.status, 0);
    }
}

#[tokio::test]
async fn what_a_driver_left_that_was_killed_while_it_removed_a_release_goes_with_the_next() {
    let site = Site::new(Machine::DEBIAN);
    let mut driver = site.locked().await;
    let parcel = Parcel::of(&[("index", "one")]);
    assert_eq!(parcel.send(&mut driver, "one", Machine::DEBIAN.codecs()[0]).await.status, 0);
    fs::create_dir_all(site.path(".aweigh/manifests/gone")).unwrap();
    assert_eq!(ask(&mut driver, "activate", &["one", ""]).await.status, 0);
    assert_eq!(ask(&mut driver, "prune", &["one", "live", "0"]).await.status, 0);
    assert_eq!(site.names(".aweigh/manifests"), ["one"]);
}
