//! The fleet file of the manual, and fleets that are wrong as a whole.

use serde_json::{Value, json};

use super::*;

const EXAMPLE: &str = r#"
[defaults.server]
user = "deploy"
credential = "deploy"

[credentials.deploy]
kind = "ssh-key"
secret = "-----BEGIN OPENSSH PRIVATE KEY-----"

[credentials.shop-git]
kind = "git-key"
secret = "-----BEGIN OPENSSH PRIVATE KEY-----"

[hooks.undrain]
run = "./undrain.sh"
timeout = "1m"

[servers.web-1]
host = "10.0.0.11"
port = 22
host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDiqOi+Oz0uc3cZuxhgX6Vw0PzvO/hedEzypK0HBxfJj"
labels = { env = "production", role = ["web", "db"] }

[servers.here]
host = "local"

[groups]
web = "role=web&env=production"

[projects.shop]
repository = "https://git.example.com/shop.git"
credential = "shop-git"

[projects.shop.build]
run = ["npm ci", "npm run build"]
cache = ["node_modules"]
output = "."
exclude = ["tests/"]

[projects.shop.defaults]
linked_files = [".env"]
linked_dirs = ["storage"]
health = [{ on = "role=web", http = "http://127.0.0.1:8080/up", timeout = "5s", deadline = "2m" }]

[projects.shop.defaults.hooks]
after_upload = ["php artisan config:cache", { name = "migrate", run = "php artisan migrate --force", on = "role=db", once = true, timeout = "2h" }]
after_activate = [{ run = "sudo -n systemctl reload php8.3-fpm", on = "role=web" }]
after_verify = { template = "undrain", on = "role=web" }

[projects.shop.environments.production]
servers = "env=production"
path = "/srv/shop"
keep = 5
max_failures = 0
unreachable = "abort"
on_interrupt = "continue"
"#;

fn example() -> Value {
    toml::from_str(EXAMPLE).unwrap()
}

fn stored(checked: Checked) -> Stored {
    let kept = |(name, credential): (Name, crate::Credential)| (name, (credential.kind, credential.username));
    Stored {
        credentials: checked.credentials.into_iter().map(kept).collect(),
        templates: checked.templates.into_iter().map(|(name, one)| (name, (one, 1))).collect(),
        servers: checked.servers,
        groups: checked.groups,
        projects: checked.projects,
        sites: checked.sites,
        secrets: checked.secrets.into_keys().collect(),
    }
}

/// The errors of the example after `change`, as sentences.
fn told(stored: Option<&Stored>, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut value = example();
    change(&mut value);
    let fleet: Fleet = crate::read(value).unwrap();
    fleet.check(stored).map_or_else(|errors| errors.iter().map(ToString::to_string).collect(), |_| Vec::new())
}

#[test]
fn the_example_of_the_manual_is_right_and_comes_back() {
    let fleet: Fleet = crate::read(example()).unwrap();
    let checked = fleet.check(None).unwrap();
    assert_eq!(checked.sites.len(), 1);
    let stored = stored(checked);
    let exported = Fleet::of(&stored);
    let text = toml::to_string(&exported).unwrap();
    assert!(!text.contains("BEGIN"), "no secret is exported");
    let again: Fleet = crate::read(toml::from_str(&text).unwrap()).unwrap();
    assert_eq!(again, exported);
    let checked = again.check(Some(&stored)).unwrap();
    assert_eq!(
        (&checked.servers, &checked.projects, &checked.sites),
        (&stored.servers, &stored.projects, &stored.sites)
    );
}

#[test]
fn a_fleet_that_is_wrong_as_a_whole_is_refused() {
    let check = |expected: &str, change: fn(&mut Value)| {
        let told = told(None, change);
        assert_eq!(told.len(), 1, "{expected}: {told:#?}");
        assert!(told[0].contains(expected), "{expected}: {told:#?}");
    };
    check("servers is \"env=staging\", which matches no server", |fleet| {
        fleet["projects"]["shop"]["environments"]["production"]["servers"] = json!("env=staging");
    });
    check(
        "servers.web-1.credential names deplo, which is not a credential; did you mean `deploy`?",
        |fleet| {
            fleet["servers"]["web-1"]["credential"] = json!("deplo");
        },
    );
    check("servers.web-1.credential names shop-git, a git-key", |fleet| {
        fleet["servers"]["web-1"]["credential"] = json!("shop-git");
    });
    check("projects.shop.credential names deploy, a ssh-key", |fleet| {
        fleet["projects"]["shop"]["credential"] = json!("deploy");
    });
    check(
        "projects.shop.environments.staging.path is /srv/shop, which shop/production has on web-1",
        |fleet| {
            fleet["projects"]["shop"]["environments"]["staging"] =
                json!({"servers": "web-1", "path": "/srv/shop/"});
        },
    );
    check("servers.web-2.host is the machine of web-1", |fleet| {
        fleet["servers"]["web-2"] = fleet["servers"]["web-1"].clone();
    });
    check(
        "after_verify.template names undrian, which is not a hook template; did you mean `undrain`?",
        |fleet| {
            fleet["projects"]["shop"]["defaults"]["hooks"]["after_verify"]["template"] = json!("undrian");
        },
    );
    check("hooks.after_verify.template names undrain@2; the newest version is 1", |fleet| {
        fleet["projects"]["shop"]["defaults"]["hooks"]["after_verify"]["template"] = json!("undrain@2");
    });
    check("linked_files has storage/x", |fleet| {
        fleet["projects"]["shop"]["environments"]["production"]["linked_files"] = json!(["storage/x"]);
    });
    check("servers.Web \"Web\" is not a name", |fleet| fleet["servers"]["Web"] = json!({"host": "h"}));
    check("projects.shop.environments.production.path must be absolute", |fleet| {
        fleet["projects"]["shop"]["environments"]["production"]["path"] = json!("srv/shop");
    });
}

#[test]
fn a_way_through_other_servers_leads_somewhere_and_not_in_a_circle() {
    let server = |jump: &str| json!({"host": "h", "user": "x", "credential": "deploy", "jump": jump});
    let check = |servers: &[(&str, &str)], expected: &[&str]| {
        let told = told(None, |fleet| {
            for (name, jump) in servers {
                fleet["servers"][name] = server(jump);
            }
        });
        assert_eq!(told, expected, "{servers:?}");
    };
    check(&[("a", ""), ("b", "a"), ("c", "b"), ("d", "c"), ("e", "d")], &[]);
    check(
        &[("a", ""), ("b", "a"), ("c", "b"), ("d", "c"), ("e", "d"), ("f", "e")],
        &["servers.f.jump leads through 5 servers; 4 is the most"],
    );
    check(&[("a", "a")], &["servers.a.jump is the server itself"]);
    check(
        &[("a", "b"), ("b", "a"), ("c", "a")],
        &["servers.a.jump leads back to the server itself", "servers.b.jump leads back to the server itself"],
    );
    check(
        &[("a", "web-l"), ("b", "a")],
        &["servers.a.jump names web-l, which is not a server; did you mean `web-1`?"],
    );
}

#[test]
fn a_stored_way_is_not_spoilt() {
    let fleet: Fleet = crate::read(example()).unwrap();
    let mut stored = stored(fleet.check(None).unwrap());
    let address = |jump: Option<&str>| {
        model::Address::Ssh(model::SshAddress {
            host: "h".into(),
            port: 22,
            user: "x".into(),
            credential: "deploy".parse().unwrap(),
            host_keys: vec!["ssh-ed25519 AAAA".into()],
            jump: jump.map(|name| name.parse().unwrap()),
            legacy_algorithms: false,
        })
    };
    let way = [None, Some("a"), Some("b"), Some("c"), Some("d")];
    for (name, jump) in ["a", "b", "c", "d", "e"].into_iter().zip(way) {
        let name: Name = name.parse().unwrap();
        let server = model::Server {
            name: name.clone(),
            address: address(jump),
            labels: model::Labels::new(),
            variables: model::Variables::new(),
            groups: std::collections::BTreeSet::new(),
        };
        stored.servers.insert(name, server);
    }
    let bare =
        |servers: Value| crate::read::<Fleet>(json!({"servers": servers})).unwrap().check(Some(&stored));
    let told = |servers: Value| -> Vec<String> {
        bare(servers).unwrap_err().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        told(json!({"a": {"host": "local"}})),
        [
            "servers.a would spoil the way to b, whose jump names a, the machine of Aweigh, where every way begins; leave it out"
        ]
    );
    assert_eq!(
        told(json!({"a": {"host": "h", "user": "x", "credential": "deploy", "jump": "web-1"}})),
        ["servers.a would spoil the way to e, whose jump leads through 5 servers; 4 is the most"]
    );
    let pins = |jump: &str| {
        let server = json!({"e": {"host": "h", "user": "x", "credential": "deploy", "jump": jump}});
        let checked = bare(server).unwrap();
        let model::Address::Ssh(ssh) = &checked.servers.values().next().unwrap().address else { panic!() };
        ssh.host_keys.len()
    };
    assert_eq!((pins("d"), pins("a")), (1, 0), "a pin belongs to an address and the way to it");
}

#[test]
fn what_is_stored_counts() {
    let fleet: Fleet = crate::read(example()).unwrap();
    let stored = stored(fleet.check(None).unwrap());
    let bare = |fleet: Value| -> Result<Checked, Vec<FieldError>> {
        crate::read::<Fleet>(fleet).unwrap().check(Some(&stored))
    };
    let pinned =
        bare(json!({"servers": {"web-1": {"host": "10.0.0.11", "user": "x", "credential": "deploy"}}}));
    assert!(
        matches!(&pinned.unwrap().servers.values().next().unwrap().address,
        model::Address::Ssh(ssh) if ssh.host_keys.len() == 1),
        "pins stay"
    );
    let moved =
        bare(json!({"servers": {"web-1": {"host": "10.0.0.12", "user": "x", "credential": "deploy"}}}));
    assert!(
        matches!(&moved.unwrap().servers.values().next().unwrap().address,
        model::Address::Ssh(ssh) if ssh.host_keys.is_empty()),
        "pins belong to an address"
    );
    let wrong = |fleet: Value, expected: &str| {
        let errors = bare(fleet).unwrap_err();
        assert!(errors.len() == 1 && errors[0].to_string().contains(expected), "{expected}: {errors:#?}");
    };
    wrong(
        json!({"credentials": {"deploy": {"kind": "git-key", "secret": "-----BEGIN OPENSSH PRIVATE KEY-----"}}}),
        "credentials.deploy.kind does not fit servers.web-1",
    );
    wrong(json!({"credentials": {"new": {"kind": "ssh-key"}}}), "credentials.new.secret is missing");
    wrong(
        json!({"projects": {"blog": {"repository": "https://h/x", "environments": {"live": {"servers": "all", "path": "/srv/shop"}}}}}),
        "has on web-1 already",
    );
    let picking = |template: &str, run: &str| {
        json!({"hooks": {"undrain": {"run": run, "timeout": "1m"}}, "projects": {"blog": {"repository": "https://h/x",
            "defaults": {"hooks": {"after_verify": {"template": template}}}}}})
    };
    assert!(bare(picking("undrain@1", "./undrain.sh")).is_ok(), "nothing new");
    assert!(bare(picking("undrain@2", "./other.sh")).is_ok(), "what this makes is there");
    wrong(picking("undrain@2", "./undrain.sh"), "names undrain@2; the newest version is 1");
    assert!(bare(json!({"credentials": {"deploy": {"kind": "ssh-key"}}})).is_ok(), "the stored secret stays");
    let twin =
        json!({"host": "10.0.0.11", "user": "x", "credential": "deploy", "labels": {"env": "production"}});
    wrong(json!({"servers": {"web-0": twin}}), "servers.web-1.host is the machine of web-0");
}

#[test]
fn groups_are_meant_by_selectors_and_never_made_of_themselves() {
    let check = |expected: &[&str], change: fn(&mut Value)| assert_eq!(told(None, change), expected);
    check(&[], |fleet| {
        fleet["groups"]["all-web"] = json!("@web,@spare");
        fleet["groups"]["spare"] = json!("web-9");
        fleet["projects"]["shop"]["environments"]["production"]["servers"] = json!("@all-web");
        fleet["projects"]["shop"]["environments"]["production"]["batches"] = json!([{"select": "@web"}]);
    });
    check(
        &[
            "projects.shop.environments.production.servers names @wep, which is not a group; did you mean `web`?",
        ],
        |fleet| {
            fleet["projects"]["shop"]["environments"]["production"]["servers"] = json!("@wep");
        },
    );
    check(
        &["projects.shop.environments.production names @wep, which is not a group; did you mean `web`?"],
        |fleet| {
            fleet["projects"]["shop"]["environments"]["production"]["hooks"] =
                json!({"after_upload": {"run": "x", "on": "@wep"}});
        },
    );
    check(&["projects.shop.defaults names @wep, which is not a group; did you mean `web`?"], |fleet| {
        fleet["projects"]["shop"]["defaults"]["health"][0]["on"] = json!("@wep");
    });
    check(
        &["groups.a is made of itself: @a → @b → @a", "groups.b is made of itself: @b → @a → @b"],
        |fleet| {
            fleet["groups"]["a"] = json!("@b");
            fleet["groups"]["b"] = json!("@a,web-1");
        },
    );
    check(&["groups.web names @gone, which is not a group"], |fleet| fleet["groups"]["web"] = json!("@gone"));
    check(&["groups.web is missing: write all, a name or label=value"], |fleet| {
        fleet["groups"]["web"] = json!("");
    });
    check(
        &["projects.shop.environments.production.servers is \"@none\", which matches no server"],
        |fleet| {
            fleet["groups"]["none"] = json!("role=none");
            fleet["projects"]["shop"]["environments"]["production"]["servers"] = json!("@none");
        },
    );
    let many = told(None, |fleet| {
        for number in 0..500 {
            fleet["groups"][format!("g{number}")] = json!("all");
        }
    });
    assert_eq!(many, ["groups are 501; 500 is the most"]);
}

#[test]
fn a_group_brings_no_two_environments_into_one_folder() {
    let mut value = example();
    value["groups"]["other"] = json!("here");
    value["projects"]["shop"]["environments"]["staging"] = json!({"servers": "@other", "path": "/srv/shop"});
    let fleet: Fleet = crate::read(value).unwrap();
    let stored = stored(fleet.check(None).unwrap());
    let wider: Fleet = crate::read(json!({"groups": {"other": "here,web-1"}})).unwrap();
    let told: Vec<String> = wider.check(Some(&stored)).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["groups.other would get shop/production and shop/staging in one folder, /srv/shop"]);
}
