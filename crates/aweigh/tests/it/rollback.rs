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

/// With Aweigh gone: whoever is logged in on the server goes back by hand, and Aweigh knows it afterwards.
#[test]
fn by_hand_with_aweigh_gone() {
    let mut rig = Rig::new(2);
    let commits = versions(&rig);
    rig.kill();
    let driver = std::fs::read_dir(rig.root(1).join(".aweigh")).unwrap().flatten();
    let driver =
        driver.map(|entry| entry.path()).find(|path| path.to_str().unwrap().contains("/driver-")).unwrap();
    let by_hand = |shell: &[&str], words: &[&str]| {
        let (program, before) = shell.split_first().unwrap();
        let output = std::process::Command::new(program)
            .args(before)
            .arg(&driver)
            .arg("rollback")
            .args(words)
            .current_dir("/")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    };
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
