//! Adoption: folders as other tools leave them are read without a trace, sealed and taken over, on every kind of machine.

use std::ffi::OsStr;
use std::fs;
use std::future::ready;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use engine::adopt::{Errand, Found, Lock, Takeover, survey};
use engine::error::Failure;
use engine::ports::{Host, HostError};
use engine::remote::status;
use model::{Address, DeployPath, Labels, Server};
use testkit::tools::Tool;

use crate::asks::ask;
use crate::host::{Doors, Open};
use crate::machine::Machine;
use crate::site::{ME, Site};
use crate::tree::Parcel;

/// Releases of Capistrano, the oldest first.
const STAMPS: [&str; 3] = ["20241118080000", "20241119080000", "20241120104512"];

/// Makes a server one that cannot be adopted.
type Spoil<'s> = &'s (dyn Fn(&Site) + Sync);

/// The site, as a server to which anybody may connect.
struct Here<'s>(&'s Site);

impl Open for Here<'_> {
    fn open(&self, _: &Server) -> Result<Box<dyn Host>, HostError> {
        Ok(Box::new(self.0.host.again()))
    }
}

fn server() -> Server {
    Server {
        name: "web-1".parse().unwrap(),
        address: Address::Local,
        labels: Labels::new(),
        variables: model::Variables::new(),
        groups: std::collections::BTreeSet::new(),
    }
}

fn commit(digit: char) -> String {
    digit.to_string().repeat(40)
}

pub(crate) fn names(found: &Found) -> Vec<&str> {
    found.folders.iter().map(|folder| folder.name.as_str()).collect()
}

/// A tree to deploy, with a folder and names that tools stumble over.
pub(crate) fn tree(site: &Site, text: &str) -> PathBuf {
    let tree = site.folder().join(format!("tree-{text}"));
    fs::create_dir_all(tree.join("-folder/a b")).unwrap();
    fs::write(tree.join("index"), text).unwrap();
    fs::write(tree.join("-folder/a b/two\nlines"), text).unwrap();
    fs::write(tree.join("run"), "exit 0").unwrap();
    fs::set_permissions(tree.join("run"), fs::Permissions::from_mode(0o750)).unwrap();
    tree
}

pub(crate) async fn look(site: &Site, link: Option<&DeployPath>) -> Result<Found, Failure> {
    survey(&Doors(&Here(site)), &[server()], &site.root, link).await.remove(0)
}

/// A site to which Capistrano deployed three times, and a fourth time in vain.
fn capistrano(machine: Machine) -> Site {
    let site = Site::new(machine);
    for (stamp, digit) in STAMPS.into_iter().zip(['a', 'b', 'c']) {
        let tree = tree(&site, &digit.to_string());
        Tool::Capistrano.deploy(&site.path(""), stamp, &commit(digit), &tree);
    }
    Tool::Capistrano.fail(&site.path(""), "20241121000000", &commit('d'), &tree(&site, "d"));
    site
}

/// Everything in a folder, by path: kind, mode, time, inode and text of links.
pub(crate) fn listing(folder: &Path) -> String {
    let listed =
        Process::new("find").arg(folder).args(["-printf", "%P %y %m %T@ %i %l\\n"]).output().unwrap();
    let mut lines: Vec<String> =
        String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines.join("\n")
}

pub(crate) fn errand(site: &Site, found: &Found, link: Option<DeployPath>) -> Errand {
    let seal = (0..).zip(&found.folders).map(|(place, folder)| (folder.name.clone(), place - 1_000_000_000));
    Errand {
        server: server(),
        root: site.root.clone(),
        seal: seal.collect(),
        library: found.library.clone(),
        runs: found.runs.name.clone(),
        current: found.current.clone(),
        link: link.map(|link| (link, found.runs.text.clone())),
    }
}

fn lock(number: i64) -> Lock {
    Lock { me: engine::holder::adoption("here", number), installation: "here".into() }
}

pub(crate) async fn begin(site: &Site, errand: Errand, number: i64) -> Result<Takeover, String> {
    let begun = Takeover::begin(&Doors(&Here(site)), vec![errand], &lock(number), |_| ready(Ok(false))).await;
    begun.map_err(|(server, failure)| format!("{server}: {}", failure.message))
}

pub(crate) async fn take_over(site: &Site, errand: Errand) -> Result<(), String> {
    let mut takeover = begin(site, errand, 1).await?;
    let done = takeover.run().await.map_err(|(server, failure)| format!("{server}: {}", failure.message));
    takeover.end().await;
    done
}

fn by_hand(site: &Site, words: &[&str]) -> String {
    let driver = site.names(".aweigh").into_iter().find(|name| name.starts_with("driver-")).unwrap();
    let mut shell = site.host.environment.iter().fold(Process::new("sh"), |mut shell, (name, value)| {
        shell.env(name, value);
        shell
    });
    let said = shell.arg(site.path(".aweigh").join(driver)).arg("rollback").args(words).output().unwrap();
    String::from_utf8(said.stdout).unwrap() + &String::from_utf8(said.stderr).unwrap()
}

#[tokio::test]
async fn a_survey_tells_what_capistrano_left_and_leaves_nothing() {
    for machine in Machine::ALL {
        let site = capistrano(machine);
        let before = listing(&site.path(""));
        let found = look(&site, None).await.unwrap();
        assert_eq!(listing(&site.path("")), before);
        assert_eq!(names(&found), STAMPS);
        let commits: Vec<_> =
            found.folders.iter().map(|one| one.commit.clone().unwrap().to_string()).collect();
        assert_eq!(commits, ['a', 'b', 'c'].map(commit));
        assert_eq!(found.folders[2].at, 1_732_099_512, "its name is its time, in UTC");
        assert_eq!(found.tool.map(engine::adopt::Tool::word), Some("Capistrano"));
        assert_eq!(found.runs.name.as_str(), STAMPS[2]);
        assert_eq!(found.current, site.path("releases").join(STAMPS[2]).to_str().unwrap());
        assert_eq!(found.left_out.len(), 1);
        assert!(found.left_out[0].1.contains("revisions.log"), "{:?}", found.left_out);
    }
}

#[tokio::test]
async fn a_survey_tells_what_deployer_left() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let root = site.path("");
        for (name, digit) in [("9", 'a'), ("10", 'b'), ("11", 'c')] {
            Tool::Deployer.deploy(&root, name, &commit(digit), &tree(&site, name));
        }
        fs::write(site.path("releases/9/BAD_RELEASE"), "").unwrap();
        Tool::Deployer.fail(&root, "12", &commit('d'), &tree(&site, "12"));
        fs::create_dir(site.path("releases/backup")).unwrap();
        let found = look(&site, None).await.unwrap();
        assert_eq!((names(&found), found.runs.name.as_str()), (vec!["10", "11"], "11"));
        assert_eq!(found.tool.map(engine::adopt::Tool::word), Some("Deployer"));
        assert_eq!(found.current, "releases/11");
        let why: Vec<_> = found.left_out.iter().map(|(name, why)| format!("{name}: {why}")).collect();
        assert_eq!(why.len(), 3, "{why:?}");
        for (why, expected) in
            why.iter().zip(["12: its deploy did not end", "9: Deployer marked", "backup: Deployer did"])
        {
            assert!(why.starts_with(expected), "{why}");
        }
        // It says itself when it is at work.
        fs::write(site.path(".dep/deploy.lock"), "ann\n").unwrap();
        let locked = look(&site, None).await.unwrap_err().message;
        assert!(locked.contains(".dep/deploy.lock says that a deploy runs there (ann)"), "{locked}");
    }
}

#[tokio::test]
async fn what_was_adopted_is_sealed_activated_and_goes_back_by_hand() {
    for machine in Machine::ALL {
        let site = capistrano(machine);
        let before = listing(&site.path("releases"));
        let found = look(&site, None).await.unwrap();
        take_over(&site, errand(&site, &found, None)).await.unwrap();
        assert_eq!(listing(&site.path("releases")), before, "nothing inside a release is changed");
        assert_eq!(site.link("current"), format!("releases/{}", STAMPS[2]));
        assert_eq!(site.names(".aweigh/manifests"), STAMPS);
        // Once more, all of it: the same.
        let found = look(&site, None).await.unwrap();
        assert!(found.folders.iter().all(|folder| folder.is_sealed));
        take_over(&site, errand(&site, &found, None)).await.unwrap();
        assert_eq!(site.link(".aweigh/lock"), "", "the lock was given back");

        let said = by_hand(&site, &[]);
        assert_eq!(site.link("current"), format!("releases/{}", STAMPS[1]), "{said}");
        assert!(said.contains("nothing that is kept here"), "{said}");
        let mut driver = site.locked().await;
        let links = [STAMPS[1], STAMPS[0]].map(|stamp| format!("releases/{stamp}"));
        assert_eq!(ask(&mut driver, "activate", &[STAMPS[0], &links[0]]).await.status, 0);
        // The oldest has nothing before it, however large the number in its name is beside one of ours.
        let parcel = Parcel::of(&[("index", "ours")]);
        assert_eq!(parcel.send(&mut driver, "t-3", machine.codecs()[0]).await.status, 0);
        let said = by_hand(&site, &[]);
        assert!(said.contains("no earlier release"), "{said}");
        // Ours is newer than all that were adopted.
        assert_eq!(ask(&mut driver, "activate", &["t-3", &links[1]]).await.status, 0);
        let said = by_hand(&site, &[]);
        assert_eq!(site.link("current"), format!("releases/{}", STAMPS[2]), "{said}");
        // What was touched since is noticed.
        fs::write(site.path("releases").join(STAMPS[0]).join("index"), "longer than it was").unwrap();
        let live = site.link("current");
        assert_eq!(ask(&mut driver, "activate", &[STAMPS[0], &live]).await.status, status::TOUCHED);
        assert_eq!(ask(&mut driver, "unlock", &[]).await.status, 0);
    }
}

/// A folder of another tool may bear the number of one of our releases.
#[tokio::test]
async fn removing_what_was_adopted_leaves_the_hooks_of_ours() {
    let site = Site::new(Machine::DEBIAN);
    for name in ["shop-7", "shop-8"] {
        Tool::Deployer.deploy(&site.path(""), name, "", &tree(&site, name));
    }
    let found = look(&site, None).await.unwrap();
    assert_eq!(names(&found).len(), 2);
    take_over(&site, errand(&site, &found, None)).await.unwrap();
    let mut driver = site.locked().await;
    fs::create_dir_all(site.path(".aweigh/runs/7/web-1-1")).unwrap();
    fs::create_dir(site.path("releases/20260101T000000Z-7")).unwrap();
    let answer = ask(&mut driver, "prune", &["", "", "2", "shop-7", "shop-8"]).await;
    assert_eq!(answer.all("removed").collect::<Vec<_>>(), ["shop-7"], "what is live stays");
    assert_eq!(site.names(".aweigh/runs"), ["7"]);
}

#[tokio::test]
async fn a_release_of_somebody_else_and_a_link_that_moved_are_left_alone() {
    for machine in Machine::ALL {
        let site = capistrano(machine);
        let found = look(&site, None).await.unwrap();
        // A release of ours that has not ended.
        let mut driver = site.locked().await;
        let refused = begin(&site, errand(&site, &found, None), 1).await.err().unwrap();
        assert!(refused.contains("is locked by release 42, which has not ended"), "{refused}");
        assert_eq!(ask(&mut driver, "unlock", &[]).await.status, 0);
        // An adoption that was cut leaves its lock, which stops nobody.
        drop(begin(&site, errand(&site, &found, None), 1).await.unwrap());
        let taken = ask(&mut site.driver(ME).await, "acquire", &["0", "", "", "0"]).await;
        assert_eq!((taken.status, taken.get("lock")), (0, Some("here:0:1")));
        assert_eq!(ask(&mut site.driver(ME).await, "unlock", &[]).await.status, 0);
        let mut first = begin(&site, errand(&site, &found, None), 2).await.unwrap();
        let second = begin(&site, errand(&site, &found, None), 3).await.unwrap();
        let overtaken = first.run().await.unwrap_err().1.message;
        assert!(overtaken.contains("somebody else took the lock"), "{overtaken}");
        second.end().await;
        assert_eq!(site.link("current"), found.current, "nobody did anything");
        // Somebody deployed since the survey.
        let tree = tree(&site, "e");
        Tool::Capistrano.deploy(&site.path(""), "20241122000000", &commit('e'), &tree);
        let moved = begin(&site, errand(&site, &found, None), 4).await.err().unwrap();
        assert!(moved.contains("20241122000000 now"), "{moved}");
        assert_eq!(site.link(".aweigh/lock"), "");
    }
}

/// Each server that is not as it has to be is told as what it is, and nothing there is changed.
#[tokio::test]
async fn what_cannot_be_adopted_is_told() {
    let relink = |site: &Site, to: &str| {
        let _ = fs::remove_file(site.path("current"));
        symlink(to, site.path("current")).unwrap();
    };
    let table: [(Spoil<'_>, &str); 9] = [
        (&|site| fs::remove_dir_all(site.path("")).unwrap(), "there is no folder"),
        (&|site| fs::remove_dir_all(site.path("releases")).unwrap(), "there is no release in"),
        (&|site| fs::remove_file(site.path("current")).unwrap(), "nothing runs there"),
        (
            &|site| {
                fs::remove_file(site.path("current")).unwrap();
                fs::create_dir(site.path("current")).unwrap();
            },
            "is a real file or folder",
        ),
        (&|site| relink(site, "releases/gone"), "leads to releases/gone, where nothing is"),
        (&|site| relink(site, "/"), "which is not a folder in"),
        (&|site| relink(site, "shared/../shared"), "which is not a folder in"),
        (&|site| relink(site, "releases/../releases/x\n/../y"), "a name of more than one line"),
        (
            &|site| {
                fs::rename(site.path("releases").join(STAMPS[2]), site.path("releases/a b")).unwrap();
                relink(site, "releases/a b");
            },
            "what runs there is called a b",
        ),
    ];
    for machine in [Machine::DEBIAN, Machine::ALPINE] {
        for (spoil, expected) in table {
            let site = capistrano(machine);
            spoil(&site);
            let before = listing(site.folder());
            let failure = look(&site, None).await.unwrap_err();
            assert!(failure.message.contains(expected), "{expected}: {failure:?}");
            assert_eq!(listing(site.folder()), before, "{expected}");
        }
    }
}

#[tokio::test]
async fn odd_folders_are_left_out_with_a_word() {
    for machine in [Machine::DEBIAN, Machine::ALPINE] {
        let site = capistrano(machine);
        let long = "1".repeat(250);
        for odd in ["two\nlines", "-rf", ".hidden", "a b", "caf\u{e9}", &long, "$(touch PWN)"] {
            fs::create_dir(site.path("releases").join(odd)).unwrap();
        }
        let bytes = OsStr::from_bytes(b"\xff\xfe");
        fs::create_dir(site.path("releases").join(bytes)).unwrap();
        symlink(STAMPS[0], site.path("releases/latest")).unwrap();
        fs::write(site.path("releases/a-file"), "").unwrap();
        let found = look(&site, None).await.unwrap();
        assert_eq!(names(&found), STAMPS);
        // Eight odd ones, the link, and the deploy that failed.
        assert_eq!(found.left_out.len(), 10, "{:?}", found.left_out);
        assert!(found.left_out.iter().any(|(name, why)| name == "latest" && why.contains("a link")));
        take_over(&site, errand(&site, &found, None)).await.unwrap();
        assert_eq!(site.names(".aweigh/manifests"), STAMPS);
        assert!(!site.path("PWN").exists());
    }
}

#[tokio::test]
async fn no_link_is_written_before_everything_has_its_seal() {
    let site = capistrano(Machine::DEBIAN);
    let found = look(&site, None).await.unwrap();
    let mut errand = errand(&site, &found, None);
    errand.seal.push(("20249999999999".parse().unwrap(), -1));
    let refused = take_over(&site, errand).await.unwrap_err();
    assert!(refused.contains("could not seal 20249999999999: its folder is gone"), "{refused}");
    assert_eq!(site.link("current"), found.current);
    assert_eq!(site.link(".aweigh/lock"), "");
}
