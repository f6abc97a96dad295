//! Adoption from a library: folders that walle-web and Spug keep elsewhere are brought, and the link to them leads on.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use engine::remote::status;
use model::DeployPath;
use testkit::tools::Tool;

use crate::adopt::{begin, errand, listing, look, names, take_over, tree};
use crate::asks::ask;
use crate::machine::Machine;
use crate::site::Site;

/// Releases of walle-web, the oldest first.
const WALLE: [&str; 2] = ["3_9_20241119_080000", "3_12_20241120_104512"];

/// A new site, and elsewhere two releases of walle-web: where its library stands, and the link to the second.
fn walle(machine: Machine) -> (Site, PathBuf, DeployPath) {
    let site = Site::new(machine).at("new");
    let elsewhere = site.folder().join("data");
    for stamp in WALLE {
        Tool::Walle.deploy(&elsewhere, stamp, "", &tree(&site, stamp));
    }
    let link = elsewhere.join("www").to_str().unwrap().parse().unwrap();
    (site, elsewhere, link)
}

/// Writes a file anew: not into the one that was there, which may have other names.
fn replace(file: &Path, text: &str) {
    fs::remove_file(file).unwrap();
    fs::write(file, text).unwrap();
}

#[tokio::test]
async fn what_stands_in_a_library_is_brought_with_everything_and_its_link_leads_on() {
    let spug = ["7_20241119080000", "7_20241120104512"];
    for (tool, stamps) in [(Tool::Walle, WALLE), (Tool::Spug, spug)] {
        for machine in Machine::ALL {
            let site = Site::new(machine).at("new");
            let elsewhere = site.folder().join("data");
            for stamp in stamps {
                tool.deploy(&elsewhere, stamp, "", &tree(&site, stamp));
            }
            tool.deploy(&elsewhere, "33_1_20241119_080000", "", &tree(&site, "other"));
            fs::create_dir(elsewhere.join("library/html")).unwrap();
            // Somebody went back to the first.
            fs::remove_dir_all(elsewhere.join("library").join(stamps[0])).unwrap();
            tool.deploy(&elsewhere, stamps[0], "", &tree(&site, stamps[0]));
            let link: DeployPath = elsewhere.join("www").to_str().unwrap().parse().unwrap();
            let library = listing(&elsewhere.join("library"));
            let found = look(&site, Some(&link)).await.unwrap();
            assert!(!site.path("").exists(), "{tool:?}: a survey leaves nothing there");
            assert_eq!(names(&found), stamps, "{tool:?}: their names tell their age");
            assert_eq!((found.runs.name.as_str(), found.current.as_str()), (stamps[0], ""));

            take_over(&site, errand(&site, &found, Some(link.clone()))).await.unwrap();
            assert_eq!(site.link("current"), format!("releases/{}", stamps[0]));
            assert_eq!(fs::read_link(link.as_str()).unwrap(), site.path("current"));
            assert_eq!(fs::read_to_string(elsewhere.join("www/index")).unwrap(), stamps[0]);
            assert_eq!(listing(&elsewhere.join("library")), library, "{tool:?}: the library stays as it is");
            let file = |below: &Path| fs::metadata(below.join("run")).unwrap();
            let (there, here) = (
                file(&elsewhere.join("library").join(stamps[1])),
                file(&site.path("releases").join(stamps[1])),
            );
            assert_eq!((here.mode(), here.mtime(), here.uid()), (there.mode(), there.mtime(), there.uid()));
            assert_eq!(here.ino(), there.ino(), "one file system: nothing is copied");
            // Done is done.
            let again = look(&site, Some(&link)).await.unwrap();
            assert_eq!((names(&again), again.runs.name.as_str()), (stamps.to_vec(), stamps[0]));
            assert!(again.library.is_none() && again.folders.iter().all(|folder| folder.is_sealed));
        }
    }
}

/// After a cut the library goes on: what runs there counts, not what was brought then.
#[tokio::test]
async fn what_was_brought_before_is_brought_anew_where_the_library_changed() {
    for machine in Machine::ALL {
        let (site, elsewhere, link) = walle(machine);
        let found = look(&site, Some(&link)).await.unwrap();
        // Everything is sealed and `current` is written, but not the link.
        let mut cut = errand(&site, &found, Some(link.clone()));
        cut.link.as_mut().unwrap().1 = "elsewhere".to_owned();
        let refused = take_over(&site, cut).await.unwrap_err();
        assert!(refused.contains("it leads to"), "{refused}");
        assert_eq!(site.link("current"), format!("releases/{}", WALLE[1]));
        let before = site.path("releases").join(WALLE[0]).metadata().unwrap().ino();
        replace(&elsewhere.join("www/index"), "mended");
        fs::write(elsewhere.join("www/more"), "more").unwrap();

        let found = look(&site, Some(&link)).await.unwrap();
        take_over(&site, errand(&site, &found, Some(link))).await.unwrap();
        assert_eq!(fs::read_link(elsewhere.join("www")).unwrap(), site.path("current"));
        assert_eq!(site.link("current"), format!("releases/{}", WALLE[1]));
        assert_eq!(fs::read_to_string(elsewhere.join("www/index")).unwrap(), "mended");
        assert_eq!(fs::read_to_string(elsewhere.join("www/more")).unwrap(), "more");
        assert_eq!(site.names(".aweigh/trash").len(), 1, "what differed is put away, nothing else");
        assert_eq!(site.path("releases").join(WALLE[0]).metadata().unwrap().ino(), before);
        // The seals are those of what is there now.
        let mut driver = site.locked().await;
        let links = WALLE.map(|stamp| format!("releases/{stamp}"));
        assert_eq!(ask(&mut driver, "activate", &[WALLE[0], &links[1]]).await.status, 0);
        assert_eq!(ask(&mut driver, "activate", &[WALLE[1], &links[0]]).await.status, 0);
    }
}

#[tokio::test]
async fn what_changed_while_it_was_brought_is_not_switched_to() {
    for machine in Machine::ALL {
        let (site, elsewhere, link) = walle(machine);
        let library = elsewhere.join("library");
        let (there, library) = (library.join(WALLE[1]), library.to_str().unwrap());
        let text = fs::read_link(link.as_str()).unwrap();
        symlink("/one", there.join("aside")).unwrap();
        let mut driver = site.locked().await;
        let changes: [&(dyn Fn() + Sync); 3] = [
            &|| replace(&there.join("index"), "mended"),
            &|| fs::write(there.join("more"), "more").unwrap(),
            &|| {
                fs::remove_file(there.join("aside")).unwrap();
                symlink("/two", there.join("aside")).unwrap();
            },
        ];
        let relink = [WALLE[1], "", link.as_str(), text.to_str().unwrap(), library];
        for change in changes {
            assert_eq!(ask(&mut driver, "bring", &[WALLE[1], library]).await.status, 0);
            change();
            assert_eq!(ask(&mut driver, "relink", &relink).await.status, status::TOUCHED);
            assert_eq!(fs::read_link(link.as_str()).unwrap(), text, "the link stays");
            assert_eq!(site.link("current"), "");
        }
        assert_eq!(ask(&mut driver, "bring", &[WALLE[1], library]).await.status, 0);
        // Whoever switches the link without a word to its text is noticed, too.
        let other = [WALLE[0], relink[1], relink[2], relink[3], library];
        assert_eq!(ask(&mut driver, "bring", &[WALLE[0], library]).await.status, 0);
        assert_eq!(ask(&mut driver, "relink", &other).await.status, status::DRIFT);
        assert_eq!(ask(&mut driver, "relink", &relink).await.status, 0);
        assert_eq!(fs::read_to_string(elsewhere.join("www/index")).unwrap(), "mended");
        assert_eq!(fs::read_link(elsewhere.join("www/aside")).unwrap(), Path::new("/two"));
    }
}

/// What runs becomes no release where other servers do not have it; still the link leads to it afterwards.
#[tokio::test]
async fn what_runs_is_brought_even_where_it_becomes_no_release() {
    let (site, elsewhere, link) = walle(Machine::DEBIAN);
    let found = look(&site, Some(&link)).await.unwrap();
    let mut errand = errand(&site, &found, Some(link));
    errand.seal.truncate(1);
    take_over(&site, errand).await.unwrap();
    assert_eq!(site.names(".aweigh/manifests"), [WALLE[0]]);
    assert_eq!(site.link("current"), format!("releases/{}", WALLE[1]));
    assert_eq!(fs::read_link(elsewhere.join("www")).unwrap(), site.path("current"));
}

#[tokio::test]
async fn a_link_that_cannot_be_written_is_told_as_that() {
    let (site, elsewhere, link) = walle(Machine::DEBIAN);
    let found = look(&site, Some(&link)).await.unwrap();
    // Where the new link would be made, something is in the way.
    fs::write(elsewhere.join("www.aweigh"), "").unwrap();
    let mut takeover = begin(&site, errand(&site, &found, Some(link)), 1).await.unwrap();
    let (_, failure) = takeover.run().await.unwrap_err();
    takeover.end().await;
    let hint = failure.hint.unwrap();
    assert!(hint.contains("write in") && hint.contains("data/www stands"), "{hint}");
}

/// A release of a library is brought to another place, where such a link would lead elsewhere.
#[tokio::test]
async fn a_link_that_leads_out_of_a_release_of_a_library_is_told() {
    for machine in Machine::ALL {
        let (site, elsewhere, link) = walle(machine);
        let [older, runs] = WALLE.map(|stamp| elsewhere.join("library").join(stamp));
        for (at, text) in [
            ("-folder/inside", "../index"),
            ("-folder/a b/up", "../../run"),
            ("-folder/round", "./../-folder//../index"),
            ("absolute", "/etc"),
            ("dots", "..index"),
            ("it's", "-folder/.."),
        ] {
            symlink(text, runs.join(at)).unwrap();
        }
        let found = look(&site, Some(&link)).await.unwrap();
        assert_eq!((names(&found), found.left_out.len()), (WALLE.to_vec(), 0), "{:?}", found.left_out);
        symlink("../../shared_up", older.join("uploads")).unwrap();
        let found = look(&site, Some(&link)).await.unwrap();
        assert_eq!((names(&found), found.left_out.len()), (vec![WALLE[1]], 1), "{:?}", found.left_out);
        let (name, why) = &found.left_out[0];
        assert!(name == WALLE[0] && why.ends_with("out of it: uploads -> ../../shared_up"), "{name}: {why}");
        symlink("a b/../../../up", runs.join("-folder/out")).unwrap();
        let refused = look(&site, Some(&link)).await.unwrap_err().message;
        let told =
            format!("{} has a link that leads out of it: -folder/out -> a b/../../../up", runs.display());
        assert_eq!(refused, told);
        assert!(!site.path("").exists());
    }
}
