//! Being let in, and every way of not being let in.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use testkit::sshd::{Fleet, ServerSpec, can_set_passwords};
use transport::server::Server;
use transport::{Auth, Error, HostKey, Session};

use crate::rig::{PASSWORD, key, one_sshd, password, refusal, run, target, text, tool, until};

#[tokio::test]
async fn openssh_takes_the_right_password_only() {
    if !can_set_passwords() {
        eprintln!("skipped: /etc/shadow cannot be replaced here (no mount namespaces)");
        return;
    }
    let fleet = one_sshd(ServerSpec { password: Some(PASSWORD.to_owned()), ..ServerSpec::default() });
    let server = &fleet.servers[0];
    let session = Session::connect(&server.target(vec![password(PASSWORD)])).await.unwrap();
    assert_eq!(text(&run(&session, "echo in").await.stdout), "in\n");

    let error = refusal(&server.target(vec![password("wrong")])).await;
    assert!(
        matches!(&error, Error::PasswordRefused { remaining, .. } if remaining.contains(&"password".to_owned()))
    );
    assert!(!error.is_temporary() && !error.to_string().contains("wrong"), "{error}");
    until("the refusal is logged", || server.log().contains("Failed password")).await;
    // One try, not a second one by another method: fail2ban counts.
    assert_eq!(server.log().matches("Failed password").count(), 1, "{}", server.log());
}

#[tokio::test]
async fn the_in_process_server_takes_the_right_password_only() {
    let server = Server::builder().user("demo").password(PASSWORD).start().await.unwrap();
    Session::connect(&target(&server, vec![password(PASSWORD)])).await.unwrap();
    assert!(matches!(
        refusal(&target(&server, vec![password("wrong")])).await,
        Error::PasswordRefused { .. }
    ));
    let mut stranger = target(&server, vec![password(PASSWORD)]);
    stranger.user = "root".to_owned();
    assert!(matches!(refusal(&stranger).await, Error::PasswordRefused { .. }));
}

/// Every text that a key of this kind can have, with the passphrase it needs.
fn forms(kind: &str, folder: &Path) -> Vec<(String, String, Option<&'static str>)> {
    let generate = |name: &str, passphrase: &str, format: &[&str]| {
        let fixed = ["-q", "-t", kind, "-N", passphrase, "-C", "", "-f", name];
        tool("ssh-keygen", &[&fixed[..], format].concat(), folder);
        let public = std::fs::read_to_string(folder.join(format!("{name}.pub"))).unwrap();
        (std::fs::read_to_string(folder.join(name)).unwrap(), public)
    };
    let mut forms = Vec::new();
    let mut add = |name: &str, format: &[&str], passphrase: &'static str| {
        let (private, public) = generate(&format!("{kind}-{name}"), passphrase, format);
        forms.push((private, public, (!passphrase.is_empty()).then_some(passphrase)));
    };
    add("plain", &[], "");
    add("locked", &[], "open sesame");
    if kind != "ed25519" {
        add("pem", &["-m", "PEM"], "");
        add("pkcs8", &["-m", "PKCS8"], "");
        add("pkcs8-locked", &["-m", "PKCS8"], "open sesame");
    }
    if kind == "rsa" {
        add("pem-locked", &["-m", "PEM"], "open sesame");
    }
    forms
}

#[tokio::test]
async fn openssh_takes_keys_of_every_kind_and_form() {
    let fleet = one_sshd(ServerSpec::default());
    let server = &fleet.servers[0];
    let folder = server.root.as_path();
    let mut all: Vec<_> = ["ed25519", "ecdsa", "rsa"].iter().flat_map(|kind| forms(kind, folder)).collect();
    tool("openssl", &["genpkey", "-algorithm", "ed25519", "-out", "ed.pem"], folder);
    let authorized: String = all.iter().map(|(_, public, _)| public.as_str()).collect();
    std::fs::write(server.home.parent().unwrap().join("authorized_keys"), authorized).unwrap();
    assert_eq!(all.len(), 13);
    // What mail programs and web forms do to a text.
    let (private, public, _) = all[0].clone();
    all.push((format!("\r\n  {}\r\n\r\n", private.trim().replace('\n', "  \r\n  ")), public, None));
    for (private, public, passphrase) in all {
        let target = server.target(vec![key(&private, passphrase)]);
        let label =
            format!("{} {}", public.split(' ').next().unwrap(), private.trim().lines().next().unwrap());
        let printed = transport::fingerprint(&private.as_str().into(), passphrase.map(Into::into).as_ref());
        assert_eq!(printed.unwrap(), HostKey::parse(&public).unwrap().fingerprint(), "{label}");
        let session = Session::connect(&target).await.unwrap_or_else(|error| panic!("{label}: {error}"));
        assert_eq!(text(&run(&session, "echo in").await.stdout), "in\n");
        if passphrase.is_some() {
            let locked = refusal(&server.target(vec![key(&private, None)])).await;
            assert!(matches!(locked, Error::KeyNeedsPassphrase), "{label}: {locked}");
            let wrong = refusal(&server.target(vec![key(&private, Some("open barley"))])).await;
            assert!(matches!(wrong, Error::WrongPassphrase), "{label}: {wrong}");
        } else {
            // A passphrase that is not needed does no harm.
            Session::connect(&server.target(vec![key(&private, Some("unused"))])).await.unwrap();
        }
    }
    // PKCS#8 of ed25519, as openssl writes it, is read too; it is only not authorized.
    let foreign = std::fs::read_to_string(folder.join("ed.pem")).unwrap();
    assert!(matches!(refusal(&server.target(vec![key(&foreign, None)])).await, Error::KeyRefused { .. }));
}

#[tokio::test]
async fn rsa_never_signs_with_sha_1() {
    let extra_config = "PubkeyAcceptedAlgorithms ssh-rsa".to_owned();
    let fleet = one_sshd(ServerSpec { extra_config, ..ServerSpec::default() });
    let server = &fleet.servers[0];
    tool("ssh-keygen", &["-q", "-t", "rsa", "-N", "", "-f", "old"], &server.root);
    let (private, public) = (server.root.join("old"), server.root.join("old.pub"));
    std::fs::copy(public, server.home.parent().unwrap().join("authorized_keys")).unwrap();
    let private = std::fs::read_to_string(private).unwrap();
    let error = refusal(&server.target(vec![key(&private, None)])).await;
    // Which of the two depends on whether the server announces what it takes.
    assert!(matches!(error, Error::RsaSha1 { .. } | Error::KeyRefused { .. }), "{error}");
}

#[tokio::test]
async fn a_key_that_is_not_authorized_is_refused_with_the_methods_that_remain() {
    let fleet = one_sshd(ServerSpec::default());
    let other = one_sshd(ServerSpec::default());
    match refusal(&fleet.servers[0].target(vec![key(&other.client_key, None)])).await {
        Error::KeyRefused { fingerprint, remaining, .. } => {
            assert!(fingerprint.starts_with("SHA256:"), "{fingerprint}");
            assert_eq!(remaining, ["publickey"]);
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_method_that_the_server_does_not_allow_has_its_own_error() {
    let fleet = one_sshd(ServerSpec::default());
    let error = refusal(&fleet.servers[0].target(vec![password("any")])).await;
    assert!(
        matches!(&error, Error::MethodNotOffered { wanted: "passwords", remaining, .. } if remaining == &["publickey"]),
        "{error}"
    );
}

#[tokio::test]
async fn the_second_credential_is_tried_when_the_first_is_refused() {
    let fleet = one_sshd(ServerSpec::default());
    let other = one_sshd(ServerSpec::default());
    let both = vec![password("any"), key(&other.client_key, None), key(&fleet.client_key, None)];
    Session::connect(&fleet.servers[0].target(both)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_wants_two_factors_gets_both_or_says_what_is_missing() {
    if !can_set_passwords() {
        eprintln!("skipped: /etc/shadow cannot be replaced here (no mount namespaces)");
        return;
    }
    let extra_config = "AuthenticationMethods publickey,password".to_owned();
    let fleet =
        one_sshd(ServerSpec { password: Some(PASSWORD.to_owned()), extra_config, ..ServerSpec::default() });
    let server = &fleet.servers[0];
    let one = key(&fleet.client_key, None);
    let error = refusal(&server.target(vec![one.clone()])).await;
    assert!(
        matches!(&error, Error::FactorMissing { remaining, .. } if remaining == &["password"]),
        "{error}"
    );
    Session::connect(&server.target(vec![one, password(PASSWORD)])).await.unwrap();
}

#[tokio::test]
async fn no_credential_at_all_is_an_error_before_the_network_is_touched() {
    let fleet = one_sshd(ServerSpec::default());
    assert!(matches!(refusal(&fleet.servers[0].target(Vec::new())).await, Error::NoCredential { .. }));
    assert!(!fleet.servers[0].log().contains("Connection from"));
}

#[tokio::test]
async fn one_question_is_answered_and_a_round_without_questions_too() {
    let server = Server::builder().password(PASSWORD).questions([1, 0]).start().await.unwrap();
    Session::connect(&target(&server, vec![password(PASSWORD)])).await.unwrap();
    assert_eq!(server.attempts(), ["password", "keyboard-interactive", "answer", "no answer"]);
}

#[tokio::test]
async fn a_wrong_password_is_refused_by_questions_too() {
    let server = Server::builder().password(PASSWORD).questions([1, 0]).start().await.unwrap();
    let error = refusal(&target(&server, vec![password("wrong")])).await;
    assert!(matches!(error, Error::PasswordRefused { .. }), "{error}");
}

#[tokio::test]
async fn a_second_question_is_never_answered() {
    // As many as fit into one packet are the most that there can be.
    for rounds in [vec![1, 1], vec![2], vec![200], vec![0, 1, 1], vec![12_000]] {
        let server = Server::builder().password(PASSWORD).questions(rounds.clone()).start().await.unwrap();
        let error = refusal(&target(&server, vec![password(PASSWORD)])).await;
        assert!(matches!(error, Error::Questions { .. }), "{rounds:?}: {error}");
        let answers = server.attempts().iter().filter(|attempt| *attempt == "answer").count();
        assert!(answers <= 1, "{rounds:?}: {answers} answers");
    }
}

/// An agent without keys, gone when dropped.
pub(crate) struct Agent(Child);

impl Agent {
    pub(crate) async fn start(socket: &Path) -> Agent {
        let mut command = Command::new("ssh-agent");
        command
            .args(["-D", "-a"])
            .arg(socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let agent = Agent(command.spawn().unwrap());
        until("the agent listens", || socket.exists()).await;
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn an_agent_signs_for_us() {
    let fleet: Fleet = one_sshd(ServerSpec::default());
    let server = &fleet.servers[0];
    let socket = server.root.join("agent");
    let target = server.target(vec![Auth::Agent { socket: Some(socket.clone()) }]);
    assert!(matches!(refusal(&target).await, Error::AgentAbsent { .. }));

    let _agent = Agent::start(&socket).await;
    assert!(matches!(refusal(&target).await, Error::AgentEmpty { .. }));

    let add = |name: &str| {
        let line = format!("SSH_AUTH_SOCK={} ssh-add -q {name}", socket.display());
        tool("sh", &["-c", &line], &server.root);
    };
    tool("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "other"], &server.root);
    add("other");
    assert!(matches!(refusal(&target).await, Error::AgentRefused { .. }));

    std::fs::write(server.root.join("good"), &fleet.client_key).unwrap();
    tool("chmod", &["600", "good"], &server.root);
    add("good");
    let session = Session::connect(&target).await.unwrap();
    assert_eq!(text(&run(&session, "echo in").await.stdout), "in\n");
}
