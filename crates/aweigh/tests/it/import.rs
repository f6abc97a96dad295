//! `servers import`: files of other tools become servers in one transaction, and a bad line takes nothing.

use std::fs;

use serde_json::{Value, json};
use testkit::repo::file;

use crate::rig::Rig;

#[test]
fn servers_of_an_ssh_config_and_keys_of_known_hosts_make_a_release() {
    let rig = Rig::new(2);
    let commit = rig.repo.commit([("file", file("1\n"))]);
    rig.ok([
        "credentials",
        "add",
        "deploy",
        "--kind",
        "ssh-key",
        "--file",
        rig.folder.path().join("id").to_str().unwrap(),
    ]);
    let ssh = rig.folder.path().join(".ssh");
    fs::create_dir(&ssh).unwrap();
    let host = |number: usize| {
        format!("Host web-{number}\n  HostName 127.0.0.1\n  Port {}\n", rig.server(number).port)
    };
    let config = format!("Include more\n{}  ForwardAgent yes\nHost *\n  User nobody\n", host(1));
    fs::write(ssh.join("config"), config).unwrap();
    fs::write(ssh.join("more"), format!("{}  ProxyJump web-1\n", host(2))).unwrap();
    let user = rig.server(1).user.clone();
    let import = [
        "servers",
        "import",
        "--from",
        "ssh-config",
        "--user",
        &user,
        "--credential",
        "deploy",
        "--label",
        "env=production",
    ];
    let plan = rig.run(import.into_iter().chain(["--plan"]));
    assert_eq!((plan.code, plan.out.as_str()), (0, "+ server web-1\n+ server web-2\n"), "{plan:?}");
    for told in ["ForwardAgent is not taken (line 5)", "Host * is not taken (line 6)"] {
        assert!(plan.err.contains(told), "{plan:?}");
    }
    assert_eq!(rig.get("/servers")["items"], json!([]), "a plan stores nothing");
    rig.ok(import);
    assert_eq!(rig.get("/servers/web-2")["jump"], "web-1");
    assert_eq!(rig.ok(import).trim(), "no changes");

    let known =
        |number: usize| format!("[127.0.0.1]:{} {}\n", rig.server(number).port, rig.server(number).host_key);
    fs::write(ssh.join("known_hosts"), known(1) + &known(2)).unwrap();
    let pinned = rig.ok(["servers", "import", "--from", "known_hosts"]);
    assert_eq!(pinned, "~ server web-1: host_key\n~ server web-2: host_key\n");
    assert_eq!(rig.ok(["servers", "import", "--from", "known_hosts"]).trim(), "no changes");
    let path = rig.folder.path().join("shop.toml");
    fs::write(&path, rig.shop("")).unwrap();
    rig.ok(["apply", "-f", path.to_str().unwrap(), "--prune"]);
    assert_eq!(
        rig.get("/servers")["items"].as_array().unwrap().len(),
        2,
        "what was imported was made by hand"
    );
    rig.ok(["release", "shop", "-e", "production", "main"]);
    assert_eq!([1, 2].map(|number| rig.revision(number)), [Some(commit.clone()), Some(commit)]);
}

#[test]
fn a_port_and_a_pinned_key_stay_where_the_file_says_nothing_of_them() {
    let rig = Rig::new(0);
    rig.fleet_file("");
    rig.ok(["apply", "-f", rig.folder.path().join("fleet.toml").to_str().unwrap()]);
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDiqOi+Oz0uc3cZuxhgX6Vw0PzvO/hedEzypK0HBxfJj";
    let words = "servers add web-1 --host 10.0.0.1 --user me --credential deploy --port 2222 --host-key";
    rig.ok(words.split(' ').chain([key]));
    let import = |from: &str, text: &str| {
        let path = rig.folder.path().join("import");
        fs::write(&path, text).unwrap();
        rig.ok(["servers", "import", "--from", from, path.to_str().unwrap()]).trim().to_owned()
    };
    let is_at = |host: &str, port: Value, key: Value| {
        let web = rig.get("/servers/web-1");
        assert_eq!((&web["host"], &web["port"], &web["host_key"]), (&json!(host), &port, &key));
    };
    assert_eq!(import("csv", "name,host,role\nweb-1,10.0.0.1,web\n"), "~ server web-1: labels");
    is_at("10.0.0.1", json!(2222), json!(key));
    assert_eq!(import("ansible", "web-1 ansible_host=10.0.0.1\n"), "no changes");
    is_at("10.0.0.1", json!(2222), json!(key));
    // Another port is another place, and so is another host, of which nobody said a port.
    assert_eq!(import("csv", "name,host,port\nweb-1,10.0.0.1,22\n"), "~ server web-1: host_key, port");
    is_at("10.0.0.1", Value::Null, Value::Null);
    import("csv", &format!("name,host,port,host_key\nweb-1,10.0.0.1,2222,{key}\n"));
    is_at("10.0.0.1", json!(2222), json!(key));
    import("csv", "name,host\nweb-1,10.0.0.2\n");
    is_at("10.0.0.2", Value::Null, Value::Null);
}

#[test]
fn a_table_and_an_inventory_add_to_what_is_there_and_a_bad_line_takes_nothing() {
    let rig = Rig::new(0);
    rig.fleet_file("");
    rig.ok(["apply", "-f", rig.folder.path().join("fleet.toml").to_str().unwrap()]);
    let words = [
        "--host",
        "10.0.0.1",
        "--user",
        "me",
        "--credential",
        "deploy",
        "--label",
        "env=production",
        "--label",
        "role=web",
    ];
    rig.ok(["servers", "add", "web-1"].into_iter().chain(words));
    let import = |from: &str, text: &str, more: &[&str]| {
        let path = rig.folder.path().join("import");
        fs::write(&path, text).unwrap();
        let words = ["servers", "import", "--from", from, path.to_str().unwrap()];
        rig.run(words.into_iter().chain(more.iter().copied()))
    };
    let ran = import(
        "csv",
        "name,host,role\nweb-1,10.0.0.2,db\nweb-2,10.0.0.3,\n",
        &["--user", "u", "--credential", "deploy"],
    );
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "~ server web-1: host, labels\n+ server web-2\n"),
        "{ran:?}"
    );
    let web = rig.get("/servers/web-1");
    assert_eq!((&web["user"], &web["labels"]), (&json!("me"), &json!({"env": "production", "role": "db"})));

    for (from, text, more, told) in [
        ("csv", "name,host\nweb-3,h\nweb 4,h\n", &["--user", "u"][..], "line 3: \"web 4\" is not a name"),
        (
            "csv",
            "name,host\nweb-3,h;id\n",
            &["--user", "u", "--credential", "deploy"],
            "line 2: servers.web-3.host must be a host name",
        ),
        ("csv", "name,host\nweb-3,h\n", &["--user", "u"], "line 2: servers.web-3.credential is missing"),
        (
            "csv",
            "name,host\nweb-3,h\n",
            &["--user", "u", "--credential", "gone"],
            "line 2: servers.web-3.credential names gone",
        ),
        (
            "csv",
            "name,host,role\nweb-3,h,a&b\n",
            &["--user", "u", "--credential", "deploy"],
            "line 2: servers.web-3.labels.role",
        ),
        ("ssh-config", "Host web-3\n  Port x\n", &["--user", "u"], "line 2: \"x\" is not a port"),
        ("ansible", "[web]\nweb-[1:\n", &["--user", "u"], "line 2: \"web-[1:\" is not a range"),
        (
            "ansible",
            "[web]\nall ansible_host=h\n",
            &["--user", "u", "--credential", "deploy"],
            "line 2: servers.all \"all\" is no name for a server: it means every server",
        ),
        ("known_hosts", "nonsense\n", &[], "line 1: it is no line of known_hosts"),
        ("known_hosts", "\u{0}\u{1b}[2J\n", &[], "line 1: it is no line of known_hosts"),
    ] {
        let ran = import(from, text, more);
        assert!(ran.code == 4 && ran.err.contains(told), "{text:?}: {ran:?}");
        assert!(!ran.err.contains('\u{1b}'), "{ran:?}");
        assert_eq!(rig.get("/servers")["items"].as_array().unwrap().len(), 2, "{text:?} took something");
    }
    let ran = import(
        "ansible",
        "[web]\nweb-[3:4] ansible_user=www colour=red\n[all-web:children]\nweb\n",
        &["--credential", "deploy", "--label", "group=more"],
    );
    assert!(ran.code == 0 && ran.err.contains("the variable colour is not taken (line 2)"), "{ran:?}");
    let web = rig.get("/servers/web-4");
    assert_eq!(
        (&web["user"], &web["labels"]),
        (&json!("www"), &json!({"group": ["all-web", "more", "web"]}))
    );
    assert_eq!(rig.ok(["servers", "list", "group=all-web"]).lines().count(), 3);
    let ran = rig.run(["servers", "import", "--from", "csv"]);
    assert!(ran.code == 4 && ran.err.contains("no file is named"), "{ran:?}");
    let ran = rig.run(["servers", "import", "--from", "csv", "/no/such/file"]);
    assert!(ran.code == 4 && ran.err.contains("does not exist"), "{ran:?}");
}
