//! A bad release leaves everything as it was, and running.

use std::net::TcpListener;
use std::path::Path;

use serde_json::json;
use testkit::repo::{Entry, file};

use crate::rig::Rig;

/// Restarts a web server that serves the release's own folder; in a broken one it only stops it.
const RESTART: &str = r#"
if [ -e "$AWEIGH_SHARED_PATH/pid" ]; then
  pid=$(cat "$AWEIGH_SHARED_PATH/pid")
  kill "$pid" || true
  # Its port is free when it is gone; nobody may collect it here.
  while [ -e "/proc/$pid/stat" ] && ! grep -q ') Z' "/proc/$pid/stat" 2>/dev/null; do sleep 0.01; done
fi
if [ "$AWEIGH_ACTION" = release ] && [ -e "$AWEIGH_SHARED_PATH/breaks" ]; then exit 0; fi
cd "$AWEIGH_RELEASE_PATH"
setsid busybox httpd -f -p "127.0.0.1:$(cat "$AWEIGH_SHARED_PATH/port")" -h . >/dev/null 2>&1 </dev/null &
echo $! > "$AWEIGH_SHARED_PATH/pid"
"#;

/// What the process of a server answers: the revision that it runs.
fn asked(port: u16) -> Option<String> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let answer = reqwest::get(format!("http://127.0.0.1:{port}/REVISION")).await.ok()?;
        if answer.status().is_success() { Some(answer.text().await.ok()?.trim().to_owned()) } else { None }
    })
}

/// A port that nobody has. It is below those that the kernel gives to clients: until the app listens somebody else's connection
/// could have got it.
fn free() -> TcpListener {
    loop {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", rand::random_range(10_000..32_000))) {
            return listener;
        }
    }
}

struct Apps {
    rig: Rig,
    ports: Vec<u16>,
}

impl Apps {
    /// Servers with a web server each, restarted by `after_activate` and asked for health.
    fn new(servers: usize) -> Self {
        let rig = Rig::new(servers);
        let listeners: Vec<TcpListener> = (0..servers).map(|_| free()).collect();
        let ports: Vec<u16> =
            listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        rig.share("port", |number| ports[number - 1].to_string());
        let health: Vec<String> = ports
            .iter()
            .enumerate()
            .map(|(i, port)| {
                format!("{{ on = \"web-{}\", http = \"http://127.0.0.1:{port}/REVISION\", timeout = \"2s\", deadline = \"3s\" }}", i + 1)
            })
            .collect();
        rig.repo
            .commit([("restart", Entry::Executable(format!("#!/bin/sh\nset -e\n{RESTART}").into_bytes()))]);
        rig.apply(&format!(
            "health = [{}]\n[projects.shop.environments.production.hooks]\nafter_activate = \"./restart\"",
            health.join(", ")
        ));
        Self { rig, ports }
    }

    fn assert_answers(&self, commit: &str) {
        for (i, port) in self.ports.iter().enumerate() {
            assert_eq!(asked(*port).as_deref(), Some(commit), "the process of web-{}", i + 1);
        }
    }
}

impl Drop for Apps {
    fn drop(&mut self) {
        for number in 1..=self.ports.len() {
            let pid = std::fs::read_to_string(self.rig.root(number).join("shared/pid"));
            if let Some(pid) = pid.ok().and_then(|pid| pid.trim().parse().ok()) {
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)
                    .ok();
            }
        }
    }
}

#[test]
fn one_unhealthy_server_of_eight_takes_all_back_running() {
    let apps = Apps::new(8);
    let rig = &apps.rig;
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.release("main");
    apps.assert_answers(&first);
    let second = rig.repo.commit([("version", file("2\n"))]);
    rig.release("main");
    apps.assert_answers(&second);

    rig.repo.commit([("version", file("3\n"))]);
    std::fs::write(rig.root(5).join("shared/breaks"), "").unwrap();
    let ran = rig.run(["release", "shop", "-e", "production", "main"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(rig.status(3), "rolled_back");
    assert_eq!(rig.node(3, "web-5/verify")["status"], "failed");
    assert_eq!(rig.node(3, "web-1/activate")["status"], "undone");
    apps.assert_answers(&second);
    rig.assert_runs(&second);
    for server in rig.snapshot(3)["release"]["servers"].as_array().unwrap() {
        assert_eq!((&server["state"], &server["now"]), (&json!("undone"), &server["before"]), "{server}");
    }

    std::fs::remove_file(rig.root(5).join("shared/breaks")).unwrap();
    let fourth = rig.repo.commit([("version", file("4\n"))]);
    rig.release("main");
    apps.assert_answers(&fourth);
}

#[test]
fn a_line_that_is_cut_while_health_is_asked_for_says_nothing_of_the_application() {
    let mut rig = Rig::new(1);
    rig.repo.commit([("version", file("1\n"))]);
    let port = free().local_addr().unwrap().port();
    rig.apply(&format!(
        "health = [{{ http = \"http://127.0.0.1:{port}/\", timeout = \"2s\", deadline = \"60s\" }}]"
    ));
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_node(1, "web-1/verify", "running");
    rig.fleet.servers[0].stop();
    rig.fleet.servers[0].start();
    // Only now there is something that listens.
    let www = tempfile::tempdir().unwrap();
    std::fs::write(www.path().join("index.html"), "here").unwrap();
    let listen = format!("127.0.0.1:{port}");
    let mut app = std::process::Command::new("busybox")
        .args(["httpd", "-f", "-p", &listen, "-h"])
        .arg(www.path())
        .spawn()
        .unwrap();
    rig.wait_for(1, "succeeded");
    app.kill().unwrap();
    app.wait().unwrap();
}

#[test]
fn an_unhealthy_first_release_loses_its_link() {
    let apps = Apps::new(2);
    std::fs::write(apps.rig.root(2).join("shared/breaks"), "").unwrap();
    assert_eq!(apps.rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    assert_eq!(apps.rig.status(1), "rolled_back");
    assert_eq!((apps.rig.current(1), apps.rig.current(2)), (None, None));
}

#[test]
fn a_failure_before_the_switch_moves_no_link() {
    let rig = Rig::new(3);
    let good = rig.repo.commit([("file", file("1\n"))]);
    rig.apply(
        "[projects.shop.build]\nrun = \"test ! -e broken-build\"\n[projects.shop.environments.production.hooks]\n\
         after_upload = \"test ! -e broken-hook || test $AWEIGH_SERVER != web-2\"",
    );
    rig.release("main");
    let links: Vec<_> = (1..=3).map(|number| rig.current(number)).collect();
    let check = |id: i64, failed: &str| {
        let ran = rig.run(["release", "shop", "-e", "production", "main"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert_eq!(rig.status(id), "failed");
        assert_eq!(rig.node(id, failed)["status"], "failed");
        let now: Vec<_> = (1..=3).map(|number| rig.current(number)).collect();
        assert_eq!(now, links, "no link moved");
        rig.assert_runs(&good);
    };
    rig.repo.commit([("broken-build", file(""))]);
    check(2, "build");
    rig.repo.commit([("broken-build", Entry::Gone), ("broken-hook", file(""))]);
    check(3, "web-2/after_upload");
    // A file where the folder of releases should be: nothing can be staged there.
    rig.repo.commit([("broken-hook", Entry::Gone)]);
    let incoming = rig.root(3).join(".aweigh/incoming");
    std::fs::remove_dir_all(&incoming).unwrap();
    std::fs::write(&incoming, "in the way").unwrap();
    check(4, "web-3/upload");
    std::fs::remove_file(&incoming).unwrap();
    assert!(Path::new(&rig.root(1)).exists());
    rig.release("main");
}
