//! Logins through the whole product: certificates of users and hosts, old servers, forced commands.

use std::path::Path;

use testkit::repo::file;
use testkit::sshd::{FleetSpec, ServerSpec};

use crate::rig::Rig;

fn keygen(folder: &Path, words: &[&str]) {
    let output = std::process::Command::new("ssh-keygen").arg("-q").args(words).current_dir(folder).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn with(extra_config: String) -> Rig {
    let each = ServerSpec { extra_config, ..ServerSpec::default() };
    Rig::with(FleetSpec { servers: 1, each, ..FleetSpec::default() })
}

/// Applies the fleet file with the project, after `change` had the last word about it.
fn apply(rig: &Rig, change: impl FnOnce(String) -> String) {
    let path = rig.fleet_file(&rig.shop(""));
    std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
}

#[test]
fn certificates_of_users_and_hosts_carry_a_release() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, kind) in [("ca", "ed25519"), ("host", "ecdsa"), ("user", "ed25519")] {
        keygen(at, &["-N", "", "-t", kind, "-f", name]);
    }
    keygen(at, &["-s", "ca", "-I", "web", "-h", "-n", "127.0.0.1", "host"]);
    let place = |name: &str| at.join(name).display().to_string();
    let rig = with(format!(
        "HostKey {0}\nHostCertificate {0}-cert.pub\nTrustedUserCAKeys {1}",
        place("host"),
        place("ca.pub")
    ));
    let commit = rig.repo.commit([("file", file("1\n"))]);
    // The authority stands in a known_hosts file, and no key is pinned.
    let known =
        format!("@cert-authority [127.0.0.1]:* {}", std::fs::read_to_string(at.join("ca.pub")).unwrap());
    std::fs::write(rig.folder.path().join("known_hosts"), known).unwrap();
    let pin = format!("host_key = \"{}\"", rig.server(1).host_key.trim());
    let certified = |text: String| {
        text.replace(&pin, "known_hosts = \"known_hosts\"").replace(
            "file = \"id\"\n",
            &format!("file = \"{}\"\ncertificate = \"{}\"\n", place("user"), place("user-cert.pub")),
        )
    };
    keygen(at, &["-s", "ca", "-I", "deployers", "-n", "somebody-else", "user"]);
    apply(&rig, certified);
    let ran = rig.run(["servers", "check", "web-1"]);
    assert!(ran.code == 1 && ran.out.contains("it is for somebody-else"), "{ran:?}");
    keygen(
        at,
        &["-s", "ca", "-I", "deployers", "-n", &rig.server(1).user, "-V", "20200101:20200102", "user"],
    );
    apply(&rig, certified);
    let ran = rig.run(["servers", "check", "web-1"]);
    assert!(ran.code == 1 && ran.out.contains("the certificate \"deployers\" expired"), "{ran:?}");
    keygen(at, &["-s", "ca", "-I", "deployers", "-n", &rig.server(1).user, "user"]);
    apply(&rig, certified);
    rig.ok(["servers", "check", "web-1"]);
    rig.release("main");
    assert_eq!(rig.revision(1), Some(commit));
    assert!(rig.server(1).log().contains("ID deployers"), "{}", rig.server(1).log());
    let exported = rig.ok(["export"]);
    assert!(exported.contains("@cert-authority") && !exported.contains("cert-v01"), "{exported}");
    // By command, too; the other half of another key is noticed.
    keygen(at, &["-N", "", "-t", "ed25519", "-f", "another"]);
    let words = |key: &str| {
        let (key, certificate) = (place(key), place("user-cert.pub"));
        ["credentials", "add", "mine", "--kind", "ssh-key", "--file", &key, "--certificate", &certificate]
            .map(str::to_owned)
    };
    let refused = rig.run(words("another").iter().map(String::as_str));
    assert!(refused.code == 4 && refused.err.contains("belongs to another key"), "{refused:?}");
    rig.ok(words("user").iter().map(String::as_str));
}

#[test]
fn an_old_server_is_used_where_it_is_switched_on_and_warned_of() {
    let rig =
        with("KexAlgorithms diffie-hellman-group14-sha1\nCiphers aes256-cbc\nMACs hmac-sha1".to_owned());
    let commit = rig.repo.commit([("file", file("1\n"))]);
    apply(&rig, |text| text);
    let ran = rig.run(["servers", "check", "web-1"]);
    assert!(ran.code == 1 && ran.out.contains("legacy_algorithms"), "{ran:?}");
    apply(&rig, |text| text.replace("labels =", "legacy_algorithms = true\nlabels ="));
    let ran = rig.run(["servers", "check", "web-1"]);
    assert!(ran.code == 0 && ran.out.contains("not safe any more"), "{ran:?}");
    assert!(rig.ok(["servers", "list"]).contains("(legacy algorithms)"));
    assert!(rig.ok(["export"]).contains("legacy_algorithms = true"));
    rig.release("main");
    assert_eq!(rig.revision(1), Some(commit));
    // A host key is asked for in the same way.
    let fingerprint = rig.http("POST", "/servers/web-1/trust", Some(serde_json::json!({}))).1;
    assert!(fingerprint["keys"][0]["fingerprint"].as_str().unwrap().starts_with("SHA256:"), "{fingerprint}");
}

#[test]
fn a_login_with_a_forced_command_is_told_as_one() {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    apply(&rig, |text| text);
    let keys = rig.server(1).home.parent().unwrap().join("authorized_keys");
    let forced =
        format!("command=\"echo This account is for backups\" {}", std::fs::read_to_string(&keys).unwrap());
    std::fs::write(&keys, forced).unwrap();
    let checked = rig.run(["servers", "check", "web-1"]);
    let released = rig.run(["release", "shop", "-e", "production", "main"]);
    for ran in [&checked, &released] {
        let told = format!("{}{}", ran.out, ran.err);
        assert!(ran.code == 1 && told.contains("This account is for backups"), "{ran:?}");
        assert!(told.contains("command= in authorized_keys"), "{ran:?}");
    }
}
