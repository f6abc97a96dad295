//! Servers that lack something, go away in the middle, or never answer.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testkit::repo::{Entry, file};
use testkit::sshd::{FleetSpec, ServerSpec};

use crate::rig::Rig;

/// Everything the driver and a hook need, so that a folder with all but one of them makes a poor server.
const TOOLS: [&str; 26] = [
    "sh", "tar", "setsid", "stat", "xargs", "head", "cmp", "zstd", "gzip", "mkdir", "chmod", "cat", "mv",
    "ln", "readlink", "rm", "rmdir", "df", "wc", "tail", "sleep", "sed", "env", "ls", "test", "bash",
];

fn tools_without(folder: &TempDir, missing: &[&str]) -> String {
    let path = folder.path().join(missing.join("-"));
    std::fs::create_dir(&path).unwrap();
    for tool in TOOLS.iter().filter(|tool| !missing.contains(tool)) {
        let found =
            ["/usr/bin", "/bin"].iter().map(|dir| Path::new(dir).join(tool)).find(|path| path.exists());
        symlink(found.unwrap_or_else(|| panic!("{tool} is not installed")), path.join(tool)).unwrap();
    }
    path.to_str().unwrap().to_owned()
}

/// One environment per server: `e1` is `web-1` alone.
fn environments(rig: &Rig) {
    let mut text = format!("[projects.shop]\nrepository = \"{}\"\n", rig.repo.url());
    for number in 1..=rig.fleet.servers.len() {
        write!(
            text,
            "[projects.shop.environments.e{number}]\nservers = \"web-{number}\"\npath = \"~/shop\"\n"
        )
        .unwrap();
    }
    let path = rig.fleet_file(&text);
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
}

#[test]
fn a_missing_tool_is_named_and_one_codec_is_enough() {
    let folder = TempDir::new().unwrap();
    let poor = [vec!["tar"], vec!["setsid"], vec!["zstd", "gzip"], vec!["zstd"], vec!["gzip"]];
    let special = poor.iter().enumerate().map(|(i, missing)| {
        (i, ServerSpec { path: Some(tools_without(&folder, missing)), ..ServerSpec::default() })
    });
    let rig = Rig::with(FleetSpec { servers: 5, special: special.collect(), ..FleetSpec::default() });
    let commit = rig.repo.commit([("file", file("1\n"))]);
    environments(&rig);
    for (number, word) in
        [(1, "tar is not installed"), (2, "setsid is not installed"), (3, "neither zstd nor gzip")]
    {
        let ran = rig.run(["release", "shop", "-e", &format!("e{number}"), "main"]);
        assert!(ran.code == 1 && ran.out.contains(word) && ran.out.contains("apt-get install"), "{ran:?}");
        assert_eq!(rig.current(number), None);
        assert_eq!(rig.run(["servers", "check", &format!("web-{number}")]).code, 1);
    }
    for number in [4, 5] {
        rig.ok(["release", "shop", "-e", &format!("e{number}"), "main"]);
        assert_eq!(rig.revision(number).as_ref(), Some(&commit));
    }
}

#[test]
fn a_connection_that_is_cut_is_made_again() {
    let mut rig = Rig::new(2);
    let noise: Vec<u8> =
        (0..8_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let commit = rig.repo.commit([("noise", Entry::File(noise))]);
    rig.apply("[projects.shop.environments.production.hooks]\nafter_upload = \"echo ran >> \\\"$AWEIGH_SHARED_PATH/ran\\\"; sleep 1\"");
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_node(1, "web-2/upload", "running");
    rig.fleet.servers[1].stop();
    rig.fleet.servers[1].start();
    rig.wait_for_node(1, "web-1/after_upload", "running");
    rig.fleet.servers[0].stop();
    rig.fleet.servers[0].start();
    rig.wait_for(1, "succeeded");
    for number in 1..=2 {
        assert_eq!(rig.revision(number).as_ref(), Some(&commit));
        let ran = std::fs::read_to_string(rig.root(number).join("shared/ran")).unwrap();
        assert_eq!(ran, "ran\n", "the hook ran once on web-{number}");
    }
}

#[test]
fn a_release_that_is_cancelled_while_it_is_sent_waits_for_nothing() {
    // It unpacks nothing while a file of this name is there.
    let folder = TempDir::new().unwrap();
    let (zstd, holds) = (folder.path().join("zstd"), folder.path().join("holds"));
    let script =
        "#!/bin/sh\nwhile [ -e \"${0%/*}/holds\" ]; do sleep 0.05; done\nexec /usr/bin/zstd \"$@\"\n";
    std::fs::write(&zstd, script).unwrap();
    std::fs::set_permissions(&zstd, std::fs::Permissions::from_mode(0o755)).unwrap();
    let slow = ServerSpec {
        path: Some(format!("{}:/usr/bin:/bin", folder.path().display())),
        ..ServerSpec::default()
    };
    let rig = Rig::with(FleetSpec { servers: 2, special: [(0, slow)].into(), ..FleetSpec::default() });
    let first = rig.repo.commit([("file", file("1\n"))]);
    rig.apply("");
    rig.release("main");
    std::fs::write(&holds, "").unwrap();
    let noise: Vec<u8> =
        (0..8_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let second = rig.repo.commit([("noise", Entry::File(noise))]);
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_node(2, "web-2/upload", "ok");
    rig.wait_for_node(2, "web-1/upload", "running");
    rig.ok(["cancel", "2"]);
    rig.wait_for(2, "cancelled");
    assert!(holds.exists() && rig.node(2, "web-1/upload")["status"] == "cancelled");
    rig.assert_runs(&first);
    std::fs::remove_file(&holds).unwrap();
    rig.release("main");
    rig.assert_runs(&second);
    assert_eq!(std::fs::read_dir(rig.root(1).join(".aweigh/incoming")).unwrap().count(), 0);
}

#[test]
fn a_server_that_goes_away_for_good_fails_the_release_before_the_switch() {
    let mut rig = Rig::new(2);
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("[projects.shop.environments.production.hooks]\nafter_upload = \"sleep 2\"");
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_node(1, "web-2/after_upload", "running");
    rig.fleet.servers[1].power_off();
    let ended = rig.wait_for(1, "failed");
    assert!(ended["release"]["reason"].as_str().unwrap().starts_with("web-2: "), "{ended}");
    assert_eq!((rig.current(1), rig.current(2)), (None, None));
    rig.fleet.servers[1].start();
    rig.release("main");
}

#[test]
fn a_server_that_never_says_a_word_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    let path = rig.fleet_file(&rig.shop(""));
    let text = std::fs::read_to_string(&path).unwrap();
    let port = format!("port = {}", rig.server(1).port);
    std::fs::write(&path, text.replace(&port, &format!("port = {}", silent.local_addr().unwrap().port())))
        .unwrap();
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
    let ran = rig.run(["release", "shop", "-e", "production", "main"]);
    assert!(ran.code == 1 && ran.out.contains("web-1") && ran.out.contains("no SSH banner"), "{ran:?}");
}

/// Mounts a read-only file system, and takes it away again.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn mount(at: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "ro", "none"]).arg(&at).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

#[test]
fn a_path_that_cannot_be_written_is_named() {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("");
    let Some(_mount) = ReadOnly::mount(rig.root(1)) else {
        eprintln!("skipped: this user may not mount a file system");
        return;
    };
    let ran = rig.run(["release", "shop", "-e", "production", "main"]);
    assert!(ran.code == 1 && ran.out.contains("~/shop") && ran.out.contains("Read-only"), "{ran:?}");
}

#[test]
fn the_users_own_commands_see_none_of_our_secrets() {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("[projects.shop.build]\nrun = \"env\"\n[projects.shop.defaults.hooks]\nbefore_fetch = \"env\"\nafter_upload = \"env; set\"");
    rig.release("main");
    for node in ["build", "before_fetch", "web-1/after_upload"] {
        let log = rig.log(1, node);
        assert!(log.contains("AWEIGH_RELEASE=1") && !log.contains("AWEIGH_ADMIN_TOKEN"), "{node}: {log}");
        assert!(!log.contains(rig.fleet.client_key.lines().nth(1).unwrap()));
    }
}

#[test]
fn health_is_asked_on_the_server_where_ports_are_not_forwarded() {
    let closed = ServerSpec { extra_config: "AllowTcpForwarding no\n".to_owned(), ..ServerSpec::default() };
    let rig = Rig::with(FleetSpec { servers: 1, each: closed, ..FleetSpec::default() });
    rig.repo.commit([("file", file("1\n"))]);
    let app = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = app.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for status in ["503 Not Yet", "200 OK"].into_iter().chain(std::iter::repeat("200 OK")) {
            let Ok((mut asked, _)) = app.accept() else { return };
            // The question does not matter; it only has to be taken before the answer.
            let _taken = asked.read(&mut [0; 1024]).unwrap_or(0);
            write!(asked, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok();
        }
    });
    rig.apply(&format!("health = [{{ http = \"http://127.0.0.1:{port}/up\", deadline = \"30s\" }}]"));
    rig.release("main");
    let log = rig.log(1, "web-1/verify");
    assert!(log.contains(": 503\n") && log.ends_with(": 200\n"), "{log}");
}

#[test]
fn a_server_that_is_away_can_be_left_out() {
    let mut rig = Rig::new(3);
    let first = rig.repo.commit([("file", file("1\n"))]);
    rig.apply("unreachable = \"skip\"");
    rig.release("main");
    let second = rig.repo.commit([("file", file("2\n"))]);
    rig.fleet.servers[1].stop();
    let said = rig.release("main");
    assert!(said.contains("left out: web-2"), "{said}");
    let servers = rig.snapshot(2)["release"]["servers"].clone();
    assert_eq!((&servers[0]["state"], &servers[1]["state"]), (&"live".into(), &"behind".into()), "{servers}");
    assert_eq!(rig.node(2, "web-2/upload")["status"], "warning");
    assert_eq!(rig.node(2, "web-2/activate")["status"], "skipped");
    let runs = [1, 2, 3].map(|number| rig.revision(number));
    assert_eq!(runs, [Some(second.clone()), Some(first), Some(second)]);
    // Nobody is left out when nobody is there.
    rig.fleet.servers[0].stop();
    rig.fleet.servers[2].stop();
    rig.repo.commit([("file", file("3\n"))]);
    assert_eq!(
        rig.run(["release", "shop", "-e", "production", "main"]).code,
        1,
        "a release reaches somebody"
    );
}

#[test]
fn more_logins_than_a_server_takes_at_once_wait_for_their_turn() {
    let spec = ServerSpec { extra_config: "MaxStartups 1".into(), ..ServerSpec::default() };
    let rig = Rig::with(FleetSpec { servers: 1, each: spec, ..FleetSpec::default() });
    let commit = rig.repo.commit([("file", file("1\n"))]);
    rig.apply("");
    // Somebody else is about to log in, and takes the only place.
    let other = std::net::TcpStream::connect(("127.0.0.1", rig.server(1).port)).unwrap();
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    let until = std::time::Instant::now() + crate::rig::PATIENCE;
    while !rig.server(1).log().contains("MaxStartups") {
        assert!(std::time::Instant::now() < until, "{}", rig.server(1).log());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    drop(other);
    rig.wait_for(1, "succeeded");
    rig.assert_runs(&commit);
}

#[test]
fn a_server_that_cannot_replace_a_link_in_one_step_is_told_and_left_as_it_was() {
    let folder = TempDir::new().unwrap();
    let path = tools_without(&folder, &["mv"]);
    let real = ["/usr/bin/mv", "/bin/mv"].into_iter().find(|path| Path::new(path).exists()).unwrap();
    // As on systems whose mv does not know the flag.
    let mv = Path::new(&path).join("mv");
    std::fs::write(
        &mv,
        format!("#!/bin/sh\nif [ \"$1\" = -T ]; then echo 'mv: illegal option -- T' >&2; exit 64; fi\nexec {real} \"$@\"\n"),
    )
    .unwrap();
    std::fs::set_permissions(&mv, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let poor = ServerSpec { path: Some(path), ..ServerSpec::default() };
    let rig = Rig::with(FleetSpec { servers: 2, special: vec![(1, poor)], ..FleetSpec::default() });
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("");
    let ran = rig.run(["release", "shop", "-e", "production", "main"]);
    assert!(ran.code == 1 && ran.out.contains("illegal option -- T"), "{ran:?}");
    assert_eq!((rig.current(1), rig.current(2)), (None, None), "nor does a link stand inside another folder");
}

#[test]
fn a_slow_line_takes_its_time_and_can_be_seen() {
    let rig = Rig::new(1);
    let noise: Vec<u8> =
        (0..3_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let commit = rig.repo.commit([("noise", Entry::File(noise))]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let to = (std::net::Ipv4Addr::LOCALHOST, rig.server(1).port).into();
    let line = testkit::proxy::Line { delay: std::time::Duration::ZERO, rate: Some(1_500_000) };
    let proxy = runtime.block_on(testkit::proxy::Proxy::start(to, line)).unwrap();
    let path = rig.fleet_file(&rig.shop(""));
    let text = std::fs::read_to_string(&path).unwrap();
    let port = |number: u16| format!("port = {number}\n");
    std::fs::write(&path, text.replace(&port(rig.server(1).port), &port(proxy.address().port()))).unwrap();
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_node(1, "web-1/upload", "running");
    let until = std::time::Instant::now() + crate::rig::PATIENCE;
    let mut seen = Vec::new();
    while rig.status(1) == "running" {
        let progress = rig.get("/releases/1/progress");
        seen.extend(progress["sent"].as_u64().filter(|sent| *sent > 0));
        assert!(std::time::Instant::now() < until, "{progress}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(rig.status(1), "succeeded");
    rig.assert_runs(&commit);
    seen.dedup();
    assert!(seen.len() >= 3 && seen.is_sorted(), "it could not be seen how far it was: {seen:?}");
}
