//! What was built once is released again, the same bytes.

use serde_json::{Value, json};
use testkit::repo::file;

use crate::rig::Rig;

#[test]
fn what_is_live_in_one_environment_comes_to_another_as_it_is() {
    let rig = Rig::new(2);
    let count = rig.folder.path().join("builds");
    let first = rig.repo.commit([("version", file("1\n"))]);
    let shop = |build: &str| {
        format!(
            "[projects.shop]\nrepository = \"{}\"\n[projects.shop.build]\nrun = \"{build}\"\n\
             [projects.shop.environments.staging]\nservers = \"web-1\"\npath = \"~/shop\"\n\
             [projects.shop.environments.production]\nservers = \"web-2\"\npath = \"~/shop\"\n",
            rig.repo.url()
        )
    };
    let apply = |build: &str| {
        let path = rig.fleet_file(&shop(build));
        rig.ok(["apply", "-f", path.to_str().unwrap()]);
    };
    apply(&format!("echo built >> {}; date +%N > when", count.display()));
    let none = rig.run(["release", "shop", "-e", "production", "--from", "staging"]);
    assert_eq!(none.code, 4, "nothing is live there: {none:?}");
    rig.ok(["release", "shop", "-e", "staging", "main"]);
    // Neither the branch nor the build of today matters any more.
    rig.repo.commit([("version", file("2\n"))]);
    apply("false");
    rig.ok(["release", "shop", "-e", "production", "--from", "staging"]);
    let when = |number: usize| std::fs::read_to_string(rig.root(number).join("current/when")).unwrap();
    assert_eq!(when(1), when(2), "the same bytes");
    assert_eq!((rig.revision(1).as_ref(), rig.revision(2).as_ref()), (Some(&first), Some(&first)));
    assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), 1, "it was built once");
    assert_eq!(rig.node(2, "build")["status"], "skipped");

    let listed: Value = serde_json::from_str(&rig.ok(["artifacts", "list", "shop", "--json"])).unwrap();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(
        (items.len(), &items[0]["commit"], &items[0]["kept"]),
        (1, &json!(first), &json!(true)),
        "{listed}"
    );

    // One that is gone is named.
    std::fs::remove_dir_all(rig.data().join("artifacts")).unwrap();
    let listed: Value = serde_json::from_str(&rig.ok(["artifacts", "list", "shop", "--json"])).unwrap();
    assert_eq!(listed["items"][0]["kept"], false);
    let gone = rig.run(["release", "shop", "-e", "production", "--from", "staging"]);
    assert!(gone.code == 1 && gone.out.contains("is not kept any more"), "{gone:?}");
    assert_eq!(rig.revision(2), Some(first));
    for words in [["--from", "production"], ["--from", "nowhere"]] {
        let refused = rig.run(["release", "shop", "-e", "production"].into_iter().chain(words));
        assert_eq!(refused.code, 4, "{words:?}: {refused:?}");
    }
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main", "--from", "staging"]).code, 2);
    let both = json!({"project": "shop", "environment": "production", "ref": "main", "from": "staging"});
    assert_eq!(rig.http("POST", "/releases", Some(both)).0, 422);
}

#[test]
fn old_artifacts_go_and_what_is_live_or_a_way_back_stays() {
    let mut rig = Rig::new(1);
    rig.kill();
    let settings = rig.folder.path().join("server.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{text}[artifacts]\nkeep = 1\n")).unwrap();
    rig.start();
    let hashes = |rig: &Rig| -> Vec<String> {
        let listed: Value = serde_json::from_str(&rig.ok(["artifacts", "list", "shop", "--json"])).unwrap();
        let items = listed["items"].as_array().unwrap();
        assert!(items.iter().all(|item| item["kept"] == true), "{listed}");
        items.iter().map(|item| item["hash"].as_str().unwrap().to_owned()).collect()
    };
    rig.repo.commit([("version", file("1\n"))]);
    rig.apply("keep = 2\nlock_after_rollback = false");
    // After sixteen that are packed one upon the other, one is packed whole again; until then none may go.
    let mut made = Vec::new();
    for number in 1..=20 {
        rig.repo.commit([("version", file(&format!("{number}\n")))]);
        rig.release("main");
        made.push(hashes(&rig)[0].clone());
    }
    let kept = hashes(&rig);
    assert!(kept.contains(&made[19]) && kept.contains(&made[18]), "live and the way back: {kept:?}");
    assert!(kept.len() <= 5 && !kept.contains(&made[0]), "{} of 20 stay", kept.len());
    let folders = std::fs::read_dir(rig.data().join("artifacts")).unwrap().flatten();
    let mut folders: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    folders.sort();
    let mut listed = kept.clone();
    listed.sort();
    assert_eq!(folders, listed, "what is listed is there, and nothing else");
    rig.ok(["rollback", "shop", "-e", "production"]);
    rig.release("main");
}
