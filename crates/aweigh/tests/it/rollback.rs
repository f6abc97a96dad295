//! Back to an earlier release.

use testkit::repo::file;

use crate::rig::Rig;

fn versions(rig: &Rig) -> Vec<String> {
    let commits: Vec<String> = (1..=3)
        .map(|number| {
            let commit = rig.repo.commit([("version", file(&format!("{number}\n")))]);
            rig.repo.tag(&format!("v{number}"));
            commit
        })
        .collect();
    rig.apply("");
    for number in 1..=3 {
        rig.release(&format!("v{number}"));
    }
    commits
}

#[test]
fn twice_back_from_the_third_is_the_first() {
    let rig = Rig::new(2);
    let commits = versions(&rig);
    rig.ok(["rollback", "shop", "-e", "production"]);
    rig.assert_runs(&commits[1]);
    rig.ok(["rollback", "shop", "-e", "production"]);
    rig.assert_runs(&commits[0]);
    let none = rig.run(["rollback", "shop", "-e", "production"]);
    assert_eq!(none.code, 4, "there is nothing older: {none:?}");
    assert_eq!(
        rig.http(
            "POST",
            "/releases",
            Some(
                serde_json::json!({"project": "shop", "environment": "production", "rollback_to": "previous"})
            )
        )
        .0,
        409
    );
    rig.assert_runs(&commits[0]);
}

#[test]
fn a_folder_that_is_gone_or_touched_is_staged_anew() {
    let rig = Rig::new(2);
    let commits = versions(&rig);
    let folder = |number: usize, release: usize| {
        let releases = rig.root(number).join("releases");
        let names = std::fs::read_dir(releases).unwrap().map(|entry| entry.unwrap().path());
        names.into_iter().find(|path| path.to_str().unwrap().ends_with(&format!("-{release}"))).unwrap()
    };
    std::fs::remove_dir_all(folder(1, 1)).unwrap();
    std::fs::write(folder(2, 1).join("version"), "edited by hand, longer\n").unwrap();
    rig.ok(["rollback", "shop", "-e", "production", "--to", "1"]);
    rig.assert_runs(&commits[0]);
}

/// Goes back on the first server as somebody does who is logged in there, in this shell; exit code, and what was said.
pub(crate) fn by_hand(rig: &Rig, shell: &[&str], words: &[&str]) -> (i32, String) {
    let driver = std::fs::read_dir(rig.root(1).join(".aweigh")).unwrap().flatten();
    let driver = driver.map(|entry| entry.path()).find(|path| path.to_str().unwrap().contains("/driver-"));
    let (program, before) = shell.split_first().unwrap();
    let mut command = std::process::Command::new(program);
    command.args(before).arg(driver.unwrap()).arg("rollback").args(words).current_dir("/");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

/// Where a bad release was never good, by hand one goes back behind it.
#[test]
fn by_hand_in_the_middle_of_a_bad_release() {
    for shell in [["sh"].as_slice(), &["busybox", "sh"]] {
        let mut rig = Rig::new(1);
        rig.apply("[projects.shop.environments.production.hooks]\nafter_activate = \"test ! -e bad || exit 1; test ! -e slow || sleep 600\"");
        let good = rig.repo.commit([("version", file("1\n"))]);
        rig.release("main");
        rig.repo.commit([("bad", file(""))]);
        assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
        assert_eq!(std::fs::read_dir(rig.root(1).join("releases")).unwrap().count(), 2, "it is still there");
        rig.repo.commit([("bad", testkit::repo::Entry::Gone), ("slow", file(""))]);
        rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
        rig.wait_for_node(3, "web-1/after_activate", "running");
        rig.kill();
        let (code, said) = by_hand(&rig, shell, &[]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(rig.revision(1), Some(good), "{said}");
        // Where none is known to have been good, the newest complete one is taken, and that is said.
        std::fs::remove_file(rig.root(1).join("current")).unwrap();
        let releases = std::fs::read_dir(rig.root(1).join("releases")).unwrap().flatten();
        let third =
            releases.map(|entry| entry.file_name().into_string().unwrap()).find(|name| name.ends_with("-3"));
        std::os::unix::fs::symlink(format!("releases/{}", third.unwrap()), rig.root(1).join("current"))
            .unwrap();
        for manifest in std::fs::read_dir(rig.root(1).join(".aweigh/manifests")).unwrap().flatten() {
            let _ = std::fs::remove_file(manifest.path().join("good"));
        }
        let (code, said) = by_hand(&rig, shell, &[]);
        assert!(code == 0 && said.contains("known to have been good"), "{said}");
        assert!(rig.current(1).unwrap().ends_with("-2"), "{said}");
    }
}

/// It was called good, and then went back because of what comes last.
#[test]
fn what_goes_back_behind_its_last_hook_is_not_good() {
    let rig = Rig::new(1);
    let flag = rig.folder.path().join("flag");
    rig.apply(&format!(
        "[projects.shop.environments.production.hooks]\nafter_release = \"test ! -e {}\"",
        flag.display()
    ));
    rig.repo.commit([("version", file("1\n"))]);
    rig.release("main");
    std::fs::write(&flag, "").unwrap();
    rig.repo.commit([("version", file("2\n"))]);
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    assert_eq!(rig.status(2), "rolled_back");
    let good = |release: i64| {
        let name = rig.snapshot(release)["release"]["name"].as_str().unwrap().to_owned();
        rig.root(1).join(".aweigh/manifests").join(name).join("good").exists()
    };
    assert_eq!((good(1), good(2)), (true, false));
    // A rollback that goes back leaves what it brought as good as it was.
    std::fs::remove_file(&flag).unwrap();
    rig.release("main");
    std::fs::write(&flag, "").unwrap();
    assert_ne!(rig.run(["rollback", "shop", "-e", "production"]).code, 0);
    assert!(good(1));
}

/// With Aweigh gone: whoever is logged in on the server goes back by hand, and Aweigh knows it afterwards.
#[test]
fn by_hand_with_aweigh_gone() {
    let mut rig = Rig::new(2);
    let commits = versions(&rig);
    rig.kill();
    let by_hand = |shell: &[&str], words: &[&str]| by_hand(&rig, shell, words);
    let (code, said) = by_hand(&["sh"], &[]);
    assert!(code == 0 && said.contains("Nothing was restarted"), "{said}");
    assert_eq!((rig.revision(1).as_ref(), rig.revision(2).as_ref()), (Some(&commits[1]), Some(&commits[2])));
    let (code, said) = by_hand(&["busybox", "sh"], &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(rig.revision(1).as_ref(), Some(&commits[0]));
    let (code, said) = by_hand(&["bash"], &[]);
    assert!(code == 76 && said.contains("no earlier release"), "{said}");
    for bad in ["../../etc", "nowhere", ".", "-x"] {
        let (code, said) = by_hand(&["sh"], &[bad]);
        assert!(code == 76 && said.contains("there is no release"), "{bad}: {said}");
    }
    assert_eq!(rig.revision(1).as_ref(), Some(&commits[0]));
    let log = std::fs::read_to_string(rig.root(1).join("revisions.log")).unwrap();
    assert!(log.lines().last().unwrap().contains("by hand, by "), "{log}");

    rig.start();
    let drift = rig.run(["drift", "shop", "-e", "production"]);
    assert!(drift.code == 1 && drift.out.contains("behind"), "{drift:?}");
    let fourth = rig.repo.commit([("version", file("4\n"))]);
    rig.release("main");
    rig.assert_runs(&fourth);
    let told = rig.node(4, "web-1/upload");
    assert_eq!(told["status"], "warning");
    assert!(told["reason"].as_str().unwrap().contains("by hand, by "), "{told}");
    let fifth = rig.repo.commit([("version", file("5\n"))]);
    rig.release("main");
    rig.assert_runs(&fifth);
    assert_eq!(rig.node(5, "web-1/upload")["status"], "ok", "it is told once");
}

#[test]
fn a_server_that_was_away_for_long_goes_back_to_what_it_ran() {
    let mut rig = Rig::new(2);
    let marker = rig.folder.path().join("breaks");
    let first = rig.repo.commit([("version", file("1"))]);
    rig.apply(&format!(
        "keep = 2\nunreachable = \"skip\"\n[projects.shop.environments.production.hooks]\nafter_release = \"test ! -e {}\"",
        marker.display()
    ));
    rig.release("main");
    rig.fleet.servers[1].power_off();
    let mut live = first.clone();
    for text in ["2", "3", "4"] {
        live = rig.repo.commit([("version", file(text))]);
        rig.ok(["release", "shop", "-e", "production", "main"]);
    }
    rig.fleet.servers[1].start();
    std::fs::write(&marker, "").unwrap();
    rig.repo.commit([("version", file("5"))]);
    let failed = rig.run(["release", "shop", "-e", "production", "main"]);
    assert_ne!(failed.code, 0, "{failed:?}");
    // By then what is not kept was removed, and this is not among the last two.
    assert_eq!((rig.revision(1), rig.revision(2)), (Some(live), Some(first)));
}
