//! Checks and facts on every kind of machine: what is wrong is found, everything is told in its order, and nothing is left.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::Duration;

use engine::check::{self, Duties, Finding, Place, Subject, Verdict};
use engine::facts;
use engine::ports::{Host, HostError, HostTrouble};
use model::{Address, Labels, Server};

use crate::adopt::listing;
use crate::host::{Doors, Open};
use crate::machine::{Machine, Tools, program};
use crate::site::Site;

/// The site behind a login that this test decides about.
struct Here<'s> {
    site: &'s Site,
    login: Vec<std::ffi::OsString>,
}

impl Open for Here<'_> {
    fn open(&self, server: &Server) -> Result<Box<dyn Host>, HostError> {
        if server.name.as_str() == "closed" {
            let message = "the jump host is closed".to_owned();
            return Err(HostError { kind: HostTrouble::Away, message, hint: None });
        }
        let mut host = self.site.host.again();
        host.login.clone_from(&self.login);
        Ok(Box::new(host))
    }
}

fn server(name: &str) -> Server {
    Server {
        name: name.parse().unwrap(),
        address: Address::Local,
        labels: Labels::new(),
        variables: model::Variables::new(),
        groups: std::collections::BTreeSet::new(),
    }
}

fn subject(site: &Site) -> Subject {
    let place = Place {
        project: "shop".parse().unwrap(),
        environment: "live".parse().unwrap(),
        path: site.root.clone(),
        artifact: Some((10, 1000)),
    };
    Subject { server: server("web-1"), way: Vec::new(), places: vec![place], duties: Duties::default() }
}

async fn look_as(site: &Site, subject: &Subject, login: &[&str]) -> Vec<Finding> {
    let hosts = Here { site, login: login.iter().map(Into::into).collect() };
    let mut findings = Vec::new();
    check::server(&Doors(&hosts), subject, &mut |found| findings.push(found)).await;
    findings
}

async fn look(site: &Site, subject: &Subject) -> Vec<Finding> {
    look_as(site, subject, &["sh", "-c"]).await
}

fn words(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|found| found.what.as_str()).collect()
}

fn found<'f>(findings: &'f [Finding], what: &str) -> &'f Finding {
    findings.iter().find(|found| found.what == what).unwrap_or_else(|| panic!("no {what} in {findings:#?}"))
}

/// A program on the machine's own search path.
fn put_program(site: &Site, name: &str, text: &str) -> PathBuf {
    let path = site.folder().join("bin").join(name);
    // A link to busybox would be written through.
    fs::remove_file(&path).ok();
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn a_machine_on_which_releases_run_is_good_on_every_line_and_nothing_is_left_there() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let before = listing(site.folder());
        let findings = look(&site, &subject(&site)).await;
        assert_eq!(listing(site.folder()), before);
        let expected = [
            "connect",
            "shell",
            "clock",
            "tar",
            "setsid",
            "stat",
            "xargs",
            "head",
            "cmp",
            "zstd or gzip",
            "path shop/live",
            "disk shop/live",
        ];
        assert_eq!(words(&findings), expected);
        assert!(findings.iter().all(|found| found.verdict == Verdict::Ok), "{findings:#?}");
        let tar = &found(&findings, "tar").detail;
        let whose = if machine.tools == Tools::Gnu { "GNU 1." } else { "BusyBox 1." };
        assert!(tar.contains(whose), "{tar}");
        assert!(found(&findings, "path shop/live").detail.contains("can be made"));
        assert!(found(&findings, "disk shop/live").detail.contains("10 files of 1000 bytes"));
    }
}

#[tokio::test]
async fn fish_or_tcsh_as_a_login_shell_changes_nothing() {
    for shell in ["fish", "tcsh"] {
        let site = Site::new(Machine::DEBIAN);
        let shell = program(shell);
        let findings = look_as(&site, &subject(&site), &[shell.to_str().unwrap(), "-c"]).await;
        assert!(findings.iter().all(|found| found.verdict == Verdict::Ok), "{findings:#?}");
        assert_eq!(findings.len(), 12);
    }
}

#[tokio::test]
async fn a_tool_that_is_missing_or_of_another_kind_is_told() {
    let site = Site::new(Machine::ALPINE);
    fs::remove_file(site.folder().join("bin/cmp")).unwrap();
    put_program(&site, "stat", "echo 'stat: illegal option -- c' >&2; exit 1");
    let findings = look(&site, &subject(&site)).await;
    assert_eq!(
        (found(&findings, "cmp").verdict, found(&findings, "cmp").detail.as_str()),
        (Verdict::Failed, "not found")
    );
    assert!(found(&findings, "stat").detail.contains("does not know the options"), "{findings:#?}");
    assert_eq!(
        found(&findings, "disk shop/live").verdict,
        Verdict::Warning,
        "nobody can say how much is free"
    );
    assert_eq!(found(&findings, "path shop/live").verdict, Verdict::Warning, "nor whose it is");
}

#[tokio::test]
async fn what_answers_instead_of_a_shell_is_told_and_ends_the_list() {
    let site = Site::new(Machine::DEBIAN);
    let forced = put_program(&site, "forced", "echo 'only backups here'; exit 1");
    let findings = look_as(&site, &subject(&site), &[forced.to_str().unwrap()]).await;
    assert_eq!(words(&findings), ["connect", "shell"]);
    let shell = found(&findings, "shell");
    assert!(shell.verdict == Verdict::Failed && shell.detail.contains("only backups here"), "{shell:?}");
    assert!(shell.hint.as_ref().unwrap().contains("ForceCommand"));
    let chatty = put_program(&site, "chatty", "echo Welcome; exec sh \"$@\"");
    let findings = look_as(&site, &subject(&site), &[chatty.to_str().unwrap(), "-c"]).await;
    let shell = found(&findings, "shell");
    assert!(shell.verdict == Verdict::Warning && shell.detail.contains("Welcome"), "{shell:?}");
    assert_eq!(findings.len(), 12, "releases run there");
}

#[tokio::test]
async fn the_folder_is_looked_at_as_it_really_is() {
    for machine in Machine::ALL {
        for below in ["shop", "two words/'quoted' $(touch PWN)"] {
            let site = Site::new(machine).at(below);
            let root = PathBuf::from(site.root.as_str());
            let path = async || found(&look(&site, &subject(&site)).await, "path shop/live").clone();
            assert!(path().await.detail.contains("can be made"));
            fs::create_dir_all(site.path(".aweigh")).unwrap();
            assert_eq!(path().await.verdict, Verdict::Ok);
            fs::set_permissions(site.path(""), fs::Permissions::from_mode(0o777)).unwrap();
            let open = path().await;
            assert!(
                open.verdict == Verdict::Failed && open.detail.contains("everybody may write to"),
                "{open:?}"
            );
            fs::set_permissions(site.path(""), fs::Permissions::from_mode(0o755)).unwrap();
            fs::remove_dir(site.path(".aweigh")).unwrap();
            symlink("/etc", site.path(".aweigh")).unwrap();
            let link = path().await;
            assert!(link.verdict == Verdict::Failed && link.detail.contains("is a link to /etc"), "{link:?}");
            fs::remove_file(site.path(".aweigh")).unwrap();
            fs::remove_dir(&root).unwrap();
            fs::write(&root, "").unwrap();
            assert!(path().await.detail.contains("is no folder"));
            fs::remove_file(&root).unwrap();
            symlink("nowhere", &root).unwrap();
            assert!(path().await.detail.contains("leads nowhere"));
            assert!(!site.home().join("PWN").exists());
        }
    }
}

#[tokio::test]
async fn what_hooks_expect_of_the_user_is_asked_only_where_they_do() {
    let site = Site::new(Machine::ALPINE);
    let duties = Duties { sudo: true, linger: true };
    let subject = Subject { duties, ..subject(&site) };
    let findings = look(&site, &subject).await;
    assert_eq!(found(&findings, "sudo").verdict, Verdict::Failed, "busybox has none");
    assert_eq!(found(&findings, "linger").verdict, Verdict::Failed);
    put_program(&site, "sudo", "test \"$*\" = '-n -l' && echo '(root) NOPASSWD: /bin/true'");
    put_program(&site, "loginctl", "echo Linger=yes");
    let findings = look(&site, &subject).await;
    assert_eq!(found(&findings, "sudo").verdict, Verdict::Ok);
    assert_eq!(found(&findings, "linger").verdict, Verdict::Ok);
    put_program(&site, "sudo", "echo 'sudo: a password is required' >&2; exit 1");
    put_program(&site, "loginctl", "echo Linger=no");
    let findings = look(&site, &subject).await;
    let sudo = found(&findings, "sudo");
    assert!(sudo.verdict == Verdict::Failed && sudo.detail.contains("a password is required"), "{sudo:?}");
    assert!(found(&findings, "linger").hint.as_ref().unwrap().contains("enable-linger"));
}

#[tokio::test]
async fn a_server_on_the_way_that_is_closed_ends_the_list() {
    let site = Site::new(Machine::DEBIAN);
    let subject = Subject { way: vec![server("open"), server("closed")], ..subject(&site) };
    let findings = look(&site, &subject).await;
    assert_eq!(words(&findings), ["jump open", "jump closed"]);
    assert_eq!(findings[1].verdict, Verdict::Failed);
}

#[tokio::test]
async fn facts_are_told_by_every_kind_of_machine() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let facts = facts::of(&site.host).await.unwrap();
        assert!(facts.kernel.as_ref().unwrap().starts_with("Linux "), "{facts:?}");
        assert!(facts.cpus.unwrap() > 0 && facts.memory.unwrap().total > 0 && facts.disk.unwrap().total > 0);
        assert!(facts.uptime.unwrap() > Duration::ZERO && facts.now.unwrap() > 1_700_000_000);
        assert!(facts.zone.as_ref().unwrap().contains(['+', '-']), "{facts:?}");
        assert!(facts.shell.as_ref().unwrap().starts_with('/'), "{facts:?}");
        assert!(facts.architecture.is_some() && facts.os.is_some() && facts.user.is_some());
        assert!(facts.tool("tar").unwrap().works && facts.tool("setsid").unwrap().version.is_some());
    }
}

/// T29: however much a server says, little is read, and it is no answer.
#[tokio::test]
async fn a_server_that_never_stops_talking_tells_no_facts() {
    let mut site = Site::new(Machine::DEBIAN);
    let flood = put_program(&site, "flood", "yes '@os flood'");
    site.host.login = vec![flood.into()];
    let error = facts::of(&site.host).await.unwrap_err();
    assert!(error.message.contains("which says: ") && error.message.len() < 300, "{error:?}");
    site.host.kill_sessions();
}
