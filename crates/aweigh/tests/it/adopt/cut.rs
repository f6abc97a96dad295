//! Adoptions that are cut off wherever something is done.

use testkit::tools::Tool;

use super::{LINKED, STAMPS, adopt, adopted, deployed, releases, version, version_on};
use crate::rig::Rig;

/// Killed wherever something is done, and asked again: the same as without.
#[test]
fn an_adoption_that_is_cut_is_done_again() {
    for point in [
        "web-1/acquire:after",
        "web-1/adopt:before",
        "web-2/adopt:after",
        "web-1/relink:before",
        "web-2/relink:after",
        "web-1/unlock:before",
    ] {
        let (mut rig, commits) = deployed(2, Tool::Capistrano, &STAMPS, LINKED);
        rig.kill();
        rig.start_with(&[("AWEIGH_FAULT", point)]);
        assert_eq!(adopt(&rig, &[]).code, 3, "{point}");
        rig.wait_for_death();
        assert_eq!((version_on(&rig, 1), version_on(&rig, 2)), ("3".into(), "3".into()), "{point}");
        rig.start();
        adopted(&rig, &[]);
        let listed = releases(&rig);
        let names: Vec<_> = listed.iter().rev().map(|one| one["name"].clone()).collect();
        assert_eq!(names, STAMPS, "{point}");
        rig.ok(["rollback", "shop", "-e", "production"]);
        assert_eq!(rig.revision(2), Some(commits[1].clone()), "{point}");
        rig.ok(["drift", "shop", "-e", "production"]);
    }
    // Where one server was done and the other was not, they still agree.
    let names = ["3_9_20241119_080000", "3_12_20241120_104512"];
    for point in ["web-1/bring:after", "web-1/relink:after", "web-2/relink:after"] {
        let mut rig = Rig::new(2);
        for (number, name) in (1..).zip(names) {
            let (commit, tree) = version(&rig, number);
            for server in 1..=2 {
                Tool::Walle.deploy(&rig.server(server).home.join("data"), name, &commit, &tree);
            }
        }
        rig.apply("");
        rig.kill();
        rig.start_with(&[("AWEIGH_FAULT", point)]);
        assert_eq!(adopt(&rig, &["--link", "~/data/www"]).code, 3, "{point}");
        rig.wait_for_death();
        rig.start();
        let report = adopted(&rig, &["--link", "~/data/www"]);
        assert_eq!(report["releases"].as_array().unwrap().len(), 2, "{point}: {report:#}");
        rig.ok(["rollback", "shop", "-e", "production"]);
        assert_eq!((version_on(&rig, 1), version_on(&rig, 2)), ("1".into(), "1".into()), "{point}");
    }
    // A lock that stayed behind stops no release.
    let (mut rig, _) = deployed(1, Tool::Capistrano, &STAMPS, LINKED);
    rig.kill();
    rig.start_with(&[("AWEIGH_FAULT", "web-1/acquire:after")]);
    assert_eq!(adopt(&rig, &[]).code, 3);
    rig.wait_for_death();
    rig.start();
    rig.release("main");
    let told = rig.events(1).iter().any(|event| event.to_string().contains("an adoption that did not end"));
    assert!(told, "it says from whom it took the lock");
    // Whatever is asked twice is done once.
    let (mut rig, _) = deployed(1, Tool::Capistrano, &STAMPS, LINKED);
    rig.kill();
    rig.start_with(&[("AWEIGH_FAULT_TWICE", "1")]);
    adopted(&rig, &[]);
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(version_on(&rig, 1), "2");
}
