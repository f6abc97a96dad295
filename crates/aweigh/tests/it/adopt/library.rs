//! Tools that keep their releases beside the folder that is served: they are brought from there.

use serde_json::json;
use testkit::repo::file;
use testkit::tools::Tool;

use super::{adopt, adopted, releases, version, version_on};
use crate::rig::Rig;

#[test]
fn walle_web_and_spug_are_brought_from_their_library() {
    for (tool, names) in [
        (Tool::Walle, ["3_9_20241119_080000", "3_12_20241120_104512"]),
        (Tool::Spug, ["7_20241119080000", "7_20241120104512"]),
    ] {
        let rig = Rig::new(2);
        for (number, name) in (1..).zip(names) {
            let (commit, tree) = version(&rig, number);
            for server in 1..=2 {
                tool.deploy(&rig.server(server).home.join("data"), name, &commit, &tree);
            }
        }
        rig.apply("");
        let www = |server: usize| rig.server(server).home.join("data/www");
        let served = |server: usize| std::fs::read_to_string(www(server).join("version")).unwrap();
        let without = adopt(&rig, &[]);
        assert!(without.code == 4 && without.err.contains("web-1: there is no folder"), "{without:?}");
        let plan = adopt(&rig, &["--link", "~/data/www", "--plan"]);
        assert!(plan.code == 0 && plan.out.contains("unknown") && !rig.root(1).exists(), "{plan:?}");
        let report = adopted(&rig, &["--link", "~/data/www"]);
        assert_eq!(
            report["servers"][0]["link"],
            json!(www(1).parent().unwrap().join("library").join(names[1]))
        );
        for server in 1..=2 {
            assert_eq!(std::fs::read_link(www(server)).unwrap(), rig.root(server).join("current"));
            assert_eq!(served(server), "2\n");
        }
        let again = adopt(&rig, &["--link", "~/data/www"]);
        assert!(again.code == 0 && again.err.contains("nothing to adopt"), "{again:?}");
        // The other tool may go on for some days.
        let third = names[1].replace("20241120", "20241121");
        let (commit, tree) = version(&rig, 3);
        for server in 1..=2 {
            tool.deploy(&rig.server(server).home.join("data"), &third, &commit, &tree);
        }
        assert_eq!(adopted(&rig, &["--link", "~/data/www"])["releases"][0]["id"], 3);
        assert_eq!(
            (served(1), std::fs::read_link(www(1)).unwrap()),
            ("3\n".into(), rig.root(1).join("current"))
        );
        rig.ok(["rollback", "shop", "-e", "production"]);
        assert_eq!(served(2), "2\n");
        let back = rig.snapshot(4)["release"].clone();
        assert_eq!(back["commit"], "0".repeat(40), "nobody knows");
        rig.ok(["unlock", "shop", "-e", "production"]);
        rig.repo.commit([("version", file("4\n"))]);
        rig.release("main");
        assert_eq!(served(1), "4\n", "the web server finds it where it always looked");
        rig.ok(["rollback", "shop", "-e", "production"]);
        assert_eq!(served(1), "3\n");
    }
}

#[test]
fn what_only_one_server_has_goes_on_running_there() {
    let rig = Rig::new(2);
    let names = ["3_9_20241119_080000", "3_12_20241120_104512", "3_13_20241120_110000"];
    let data = |server: usize| rig.server(server).home.join("data");
    for (number, name) in (1..).zip(names) {
        let (commit, tree) = version(&rig, number);
        // The last one comes to one server only.
        for server in (1..=2).filter(|server| number < 3 || *server == 2) {
            Tool::Walle.deploy(&data(server), name, &commit, &tree);
        }
    }
    rig.apply("");
    // Brought elsewhere, a link that leads out of it would lead elsewhere.
    let out = data(2).join("www/uploads");
    std::os::unix::fs::symlink("../../up", &out).unwrap();
    for plan in [&["--link", "~/data/www", "--plan"][..], &["--link", "~/data/www"]] {
        let refused = adopt(&rig, plan);
        assert!(refused.code == 4 && refused.err.contains("web-2: "), "{refused:?}");
        let told = format!("library/{} has a link that leads out of it: uploads -> ../../up", names[2]);
        assert!(refused.err.contains(&told) && !rig.root(1).exists(), "{refused:?}");
    }
    std::fs::remove_file(&out).unwrap();
    let report = adopted(&rig, &["--link", "~/data/www"]);
    assert_eq!((releases(&rig).len(), &report["behind"]), (2, &json!(["web-2"])), "{report:#}");
    assert_eq!(report["left_out"][0]["folder"], names[2], "{report:#}");
    assert_eq!(std::fs::read_link(data(2).join("www")).unwrap(), rig.root(2).join("current"));
    assert_eq!((version_on(&rig, 1), version_on(&rig, 2)), ("2".into(), "3".into()));
    rig.ok(["catch-up", "shop", "-e", "production"]);
    assert_eq!(version_on(&rig, 2), "2");
}
