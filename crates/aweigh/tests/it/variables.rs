//! Variables and secrets: who says them, who is given them, and who is not.

use serde_json::json;
use testkit::repo::file;

use crate::rig::Rig;

const SECRET: &str = "pa$$ 'word' \"of\" shop";

/// A rig whose hooks write what they are given into `shared/`.
fn shop(more: &str) -> Rig {
    let rig = Rig::new(2);
    rig.repo.commit([("file", file("1\n"))]);
    let text = format!(
        r#"
[projects.shop.variables]
LEVEL = "project"
COLOUR = "project"
SIZE = "project"
[projects.shop.environments.production.variables]
COLOUR = "environment"
SIZE = "environment"
[projects.shop.environments.production.hooks]
after_upload = [
  {{ name = "plain", run = "env | grep -e LEVEL -e COLOUR -e SIZE -e TOKEN | sort > \"$AWEIGH_SHARED_PATH/plain\"" }},
  {{ name = "asks", run = "printf '%s' \"$TOKEN\" > \"$AWEIGH_SHARED_PATH/asked\"; set -x; : \"$TOKEN\"; env", secrets = ["TOKEN"] }},
]
after_release = {{ run = "echo \"$LEVEL $COLOUR $SIZE\"; printf '%s' \"$TOKEN\" | base64", secrets = "TOKEN" }}
{more}
"#
    );
    rig.apply(&text);
    rig
}

fn shared(rig: &Rig, number: usize, name: &str) -> String {
    std::fs::read_to_string(rig.root(number).join("shared").join(name)).unwrap()
}

#[test]
fn the_most_specific_is_heard_and_secrets_are_given_to_who_asks_and_masked() {
    let rig = shop("");
    rig.ok(["variables", "set", "--server", "web-2", "SIZE=server"]);
    let put = |path: &str, value: &str| {
        let (status, body) =
            rig.http("PUT", &format!("{path}/secrets/TOKEN"), Some(json!({ "value": value })));
        assert_eq!(status, 200, "{body}");
        assert!(!body.to_string().contains(value) && body["masked"] == true, "{body}");
    };
    put("/projects/shop", "the secret of the project");
    put("/projects/shop/environments/production", SECRET);
    put("/servers/web-2", "the secret of web-2");
    rig.release("main");
    let plain = |size: &str| format!("COLOUR=environment\nLEVEL=project\nSIZE={size}\n");
    assert_eq!((shared(&rig, 1, "plain"), shared(&rig, 2, "plain")), (plain("environment"), plain("server")));
    assert_eq!(
        (shared(&rig, 1, "asked").as_str(), shared(&rig, 2, "asked").as_str()),
        (SECRET, "the secret of web-2")
    );
    for node in ["web-1/after_upload/asks", "web-2/after_upload/asks"] {
        let log = rig.log(1, node);
        assert!(log.contains("TOKEN=[secret]\n"), "{log}");
        assert!(!log.contains("word") && !log.contains("of web-2"), "{log}");
    }
    let log = rig.log(1, "after_release");
    assert_eq!(log.lines().next(), Some("project environment environment"), "{log}");
    assert!(log.lines().nth(1).is_some_and(|line| line.starts_with("[secret]")), "{log}");

    let listed = rig.ok(["variables", "list", "shop", "-e", "production"]);
    assert!(!listed.contains("word"), "{listed}");
    let rows = rig.get("/projects/shop/environments/production/variables");
    let rows: Vec<String> = rows["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let word = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            [word("name"), word("from"), word("server"), word("value"), row["hidden"].to_string()].join(" ")
        })
        .collect();
    let expected = [
        "COLOUR project  project true",
        "COLOUR environment  environment false",
        "LEVEL project  project false",
        "SIZE project  project true",
        "SIZE environment  environment false",
        "SIZE server web-2 server false",
        "TOKEN project   true",
        "TOKEN environment   false",
        "TOKEN server web-2  false",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_release_whose_hooks_ask_for_what_is_not_stored_is_not_made() {
    let rig = shop("");
    let refused = rig.run(["release", "shop", "-e", "production", "main"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(
        refused.err.contains("TOKEN") && refused.err.contains("aweigh secrets set shop -e production"),
        "{refused:?}"
    );
    assert_eq!(rig.get("/releases?project=shop")["items"], json!([]));
    // On one of its servers alone is not enough for the others.
    rig.http("PUT", "/servers/web-1/secrets/TOKEN", Some(json!({ "value": SECRET })));
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 4);
}

#[test]
fn what_cannot_be_is_refused_alike_by_file_command_line_and_api() {
    let rig = shop("");
    for name in ["LD_PRELOAD", "PATH", "BASH_ENV", "IFS", "GIT_SSH_COMMAND", "AWEIGH_ACTION", "1A", "A-B"] {
        let file = rig.fleet_file(&rig.shop(&format!("[projects.shop.variables]\n{name} = \"x\"")));
        let refused = rig.run(["apply", "-f", file.to_str().unwrap()]);
        assert_eq!(refused.code, 4, "{name}: {refused:?}");
        assert!(refused.err.contains(&format!("projects.shop.variables.{name}")), "{refused:?}");
        assert_eq!(rig.run(["variables", "set", "shop", &format!("{name}=x")]).code, 2, "{name}");
        let patch = json!({ "variables": { name: "x" } });
        for path in ["/projects/shop", "/projects/shop/environments/production", "/servers/web-1"] {
            let (status, body) = rig.http("PATCH", path, Some(patch.clone()));
            assert_eq!(
                (status, body["errors"][0]["field"].as_str()),
                (422, Some(format!("variables.{name}").as_str())),
                "{body}"
            );
            let (status, body) =
                rig.http("PUT", &format!("{path}/secrets/{name}"), Some(json!({"value": "x"})));
            assert_eq!((status, body["errors"][0]["field"].as_str()), (422, Some("name")), "{body}");
        }
    }
    for (path, body, status) in [
        ("/projects/shop/secrets/A", json!({}), 422),
        ("/projects/shop/secrets/A", json!({"value": ""}), 422),
        ("/projects/shop/secrets/A", json!({"value": "a\u{0}"}), 422),
        ("/projects/shop/secrets/A", json!({"value": 1}), 422),
        ("/projects/shop/secrets/A", json!({"env": "A"}), 422),
        ("/projects/shop/secrets/A", json!({"value": "x", "more": 1}), 422),
        ("/projects/shop/secrets/LEVEL", json!({"value": "it is a variable"}), 422),
        ("/projects/nothing/secrets/A", json!({"value": "x"}), 404),
        ("/projects/shop/environments/nothing/secrets/A", json!({"value": "x"}), 404),
        ("/servers/nothing/secrets/A", json!({"value": "x"}), 404),
    ] {
        let (found, answer) = rig.http("PUT", path, Some(body.clone()));
        assert_eq!(found, status, "{path} {body}: {answer}");
    }
    assert_eq!(rig.http("DELETE", "/projects/shop/secrets/A", None).0, 404);
    assert_eq!(rig.http("DELETE", "/projects/shop/secrets/PATH", None).0, 404);
}

#[test]
fn a_fleet_file_brings_secrets_and_takes_none_away() {
    let rig = shop("");
    std::fs::write(rig.folder.path().join("license"), "12345\n").unwrap();
    let text =
        rig.shop("secrets.LICENSE = { file = \"license\" }\nsecrets.OTHER = { env = \"NOT_SET_ANYWHERE\" }");
    let file = rig.fleet_file(&text);
    let apply = || rig.run(["apply", "-f", file.to_str().unwrap()]);
    let refused = apply();
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.err.contains("secrets.OTHER is missing, and none is stored"), "{refused:?}");
    rig.http(
        "PUT",
        "/projects/shop/environments/production/secrets/OTHER",
        Some(json!({"value": "stays as it is"})),
    );
    let applied = apply();
    assert!(applied.out.contains("+ secret LICENSE of environment shop/production"), "{applied:?}");
    assert!(applied.err.contains("too short to be masked"), "{applied:?}");
    assert!(apply().out.contains("no changes"));
    std::fs::write(rig.folder.path().join("license"), "a longer one\n").unwrap();
    let applied = apply();
    assert!(applied.out.contains("~ secret LICENSE of environment shop/production: value"), "{applied:?}");
    rig.apply("");
    let exported = rig.ok(["export"]);
    assert!(exported.contains("LICENSE") && !exported.contains("a longer one"), "{exported}");
    rig.ok(["secrets", "unset", "shop", "-e", "production", "LICENSE"]);
    let listed = rig.ok(["secrets", "list", "shop", "-e", "production"]);
    assert!(listed.contains("OTHER") && !listed.contains("LICENSE"), "{listed}");
}
