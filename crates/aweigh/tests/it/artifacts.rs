//! What was built once is released again, the same bytes.

use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use testkit::repo::file;

use crate::rig::{PATIENCE, Rig};

#[test]
fn what_is_live_in_one_environment_comes_to_another_as_it_is() {
    let rig = Rig::new(2);
    // Where builds may write, and what they write stays.
    let count = rig.data().join("homes/shop/builds");
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
    // Behind a release old ones go, each first from the disk: until it goes from the list, too, that says so.
    let hashes = |rig: &Rig| -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let listed: Value =
                serde_json::from_str(&rig.ok(["artifacts", "list", "shop", "--json"])).unwrap();
            let items = listed["items"].as_array().unwrap();
            if items.iter().all(|item| item["kept"] == true) {
                return items.iter().map(|item| item["hash"].as_str().unwrap().to_owned()).collect();
            }
            assert!(Instant::now() < until, "one that is gone stays in the list: {listed}");
        }
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

/// Packs a folder of these files as `tar` does; answers the file.
fn packed(rig: &Rig, name: &str, files: &[(&str, &str)]) -> String {
    let (folder, archive) = (rig.folder.path().join(name), rig.folder.path().join(format!("{name}.tar.gz")));
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let tar =
        Command::new("tar").args(["-czf"]).arg(&archive).arg("-C").arg(&folder).arg(".").status().unwrap();
    assert!(tar.success());
    archive.to_str().unwrap().to_owned()
}

#[test]
fn what_a_ci_job_built_is_pushed_and_brought_as_it_is() {
    let rig = Rig::new(2);
    let first = rig.repo.commit([("source", file("1\n"))]);
    // Here it cannot be built at all.
    rig.apply("[projects.shop.build]\nrun = \"false\"");
    let archive = packed(&rig, "one", &[("dist/app.js", "built\n"), ("dist/style.css", "css\n")]);
    let hash = rig.ok(["artifacts", "push", "shop", &archive, "--ref", &first]).trim().to_owned();
    assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
    rig.ok(["release", "shop", "-e", "production", "--artifact", &hash[..6]]);
    for number in [1, 2] {
        let read = |path: &str| std::fs::read_to_string(rig.root(number).join("current").join(path));
        assert_eq!(read("dist/app.js").unwrap(), "built\n");
        assert_eq!(read("REVISION").unwrap().trim(), first);
        assert!(read("source").is_err(), "what stands in the repository is not what was built");
    }
    assert_eq!(rig.node(1, "build")["status"], "skipped");

    // Aweigh's own build of the commit is never taken from it.
    let built = rig.run(["release", "shop", "-e", "production", "main"]);
    assert_eq!(built.code, 1, "{built:?}");

    // The next one shares what did not change, and comes by standard input, too.
    let second = rig.repo.commit([("source", file("2\n"))]);
    let archive = packed(&rig, "two", &[("dist/app.js", "built again\n"), ("dist/style.css", "css\n")]);
    let mut command = rig.command();
    command.args(["artifacts", "push", "shop", "-", "--ref", "main", "--json"]);
    let output = command.stdin(std::fs::File::open(&archive).unwrap()).output().unwrap();
    let pushed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&pushed["commit"], &pushed["kept"]), (&json!(second), &json!(true)), "{pushed}");
    rig.ok(["release", "shop", "-e", "production", "--artifact", pushed["hash"].as_str().unwrap()]);
    let inode = |release: i64| {
        let releases = rig.root(1).join("releases");
        let name = rig.snapshot(release)["release"]["name"].as_str().unwrap().to_owned();
        std::fs::metadata(releases.join(name).join("dist/style.css")).unwrap().ino()
    };
    assert_eq!(inode(1), inode(3), "a file that did not change is shared");
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(rig.revision(1), Some(first));
}

#[test]
fn what_cannot_be_an_artifact_is_refused_by_name() {
    let rig = Rig::new(1);
    rig.repo.commit([("source", file("1\n"))]);
    rig.apply("");
    let good = packed(&rig, "good", &[("file", "text\n")]);
    let folder = rig.folder.path().join("evil");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.join("passwd")).unwrap();
    let evil = packed(&rig, "evil", &[("file", "text\n")]);
    let garbage = rig.folder.path().join("garbage");
    std::fs::write(&garbage, vec![b'x'; 40 << 20]).unwrap();
    let garbage = garbage.to_str().unwrap();
    for (file, git_ref, says) in [
        (evil.as_str(), "main", "archive has a link that leads out of it"),
        (garbage, "main", "archive is no tar file"),
        (good.as_str(), "nowhere", "nowhere"),
        (garbage, "nowhere", "nowhere"),
        (good.as_str(), "--upload-pack=x", "upload-pack"),
    ] {
        let refused = rig.run(["artifacts", "push", "shop", file, &format!("--ref={git_ref}")]);
        assert!(refused.code == 4 && refused.err.contains(says), "{file} {git_ref}: {refused:?}");
    }
    let missing = rig.run(["artifacts", "push", "shop", "/nowhere.tar", "--ref", "main"]);
    assert!(missing.code == 4 && missing.err.contains("/nowhere.tar"), "{missing:?}");
    let nobody = rig.run(["artifacts", "push", "nobody", &good, "--ref", "main"]);
    assert!(nobody.code == 4 && nobody.err.contains("there is no project nobody"), "{nobody:?}");
    assert_eq!(rig.get("/projects/shop/artifacts")["items"], json!([]));
    let left = std::fs::read_dir(rig.data().join("artifacts")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing stays of what was refused");

    for (hash, says) in [
        ("abc", "artifact must be a hash"),
        ("../../etc", "must be a hash"),
        ("0123456", "there is no artifact 0123456"),
    ] {
        let refused = rig.run(["release", "shop", "-e", "production", "--artifact", hash]);
        assert!(refused.code == 4 && refused.err.contains(says), "{hash}: {refused:?}");
    }
    let both = rig.run(["release", "shop", "-e", "production", "main", "--artifact", "0123456"]);
    assert_eq!(both.code, 2, "{both:?}");
    let (status, said) = rig.http("POST", "/projects/shop/artifacts", None);
    assert_eq!((status, &said["errors"][0]["field"]), (422, &json!("ref")), "{said}");
}
