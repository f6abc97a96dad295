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
