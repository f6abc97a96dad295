//! `run`, on real servers: three that answer, one behind a slow line, one that is dead.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::proxy::{Line, Proxy};
use testkit::repo::file;

use crate::rig::{PATIENCE, Ran, Rig};

/// Three servers `web-1` to `web-3`, `slow` that is `web-1` behind a long line, and `dead`, where nobody listens.
fn fleet(runtime: &tokio::runtime::Runtime) -> (Rig, Proxy) {
    let rig = Rig::new(3);
    let to = ([127, 0, 0, 1], rig.server(1).port).into();
    let line = Line { delay: Duration::from_millis(60), rate: None };
    let proxy = runtime.block_on(Proxy::start(to, line)).unwrap();
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut more = String::new();
    for (name, port) in [("slow", proxy.address().port()), ("dead", dead)] {
        write!(
            more,
            "[servers.{name}]\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"{}\"\ncredential = \"deploy\"\n\
             host_key = \"{}\"\nlabels = {{ kind = \"{name}\" }}\n",
            rig.server(1).user,
            rig.server(1).host_key.trim(),
        )
        .unwrap();
    }
    let path = rig.fleet_file(&(more + &rig.shop("")));
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
    (rig, proxy)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn run(rig: &Rig, words: &[&str]) -> Ran {
    rig.run(std::iter::once("run").chain(words.iter().copied()))
}

/// What `--json` prints, by server.
fn objects(ran: &Ran) -> Vec<Value> {
    let mut all: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    all.sort_by_key(|object| object["server"].as_str().unwrap().to_owned());
    all
}

#[test]
fn a_command_runs_everywhere_and_a_dead_server_is_one_line() {
    let runtime = runtime();
    let (rig, _proxy) = fleet(&runtime);
    // Words are joined by spaces, and quotes are for the shell there.
    let ran = run(&rig, &["all", "--", "echo", "'it''s", "here';", "echo odd >&2; echo $HOME"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for number in 1..=3 {
        let home = rig.server(number).home.display().to_string();
        for line in ["its here".to_owned(), home] {
            assert!(ran.out.contains(&format!("web-{number}: {line}\n")), "{ran:?}");
        }
        assert!(ran.err.contains(&format!("web-{number}: odd\n")), "{ran:?}");
    }
    assert!(ran.out.contains("slow: its here\n"));
    let dead: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("dead: ")).collect();
    assert!(dead.len() == 1 && dead[0].contains("refuse"), "{ran:?}");

    let deed = rig.get("/audit")["items"][0].clone();
    assert_eq!((&deed["what"], &deed["object"]), (&json!("command.run"), &json!("installation")));
    assert!(deed["detail"].as_str().unwrap().starts_with("all: echo 'it''s here'; echo odd"), "{deed}");

    let ran = run(&rig, &["role=web", "--json", "--", "printf out; printf err >&2; exit 3"]);
    assert_eq!(ran.code, 1);
    let expected = |name: &str| json!({"server": name, "stdout": "out", "stderr": "err", "exit": 3});
    assert_eq!(objects(&ran), [expected("web-1"), expected("web-2"), expected("web-3")]);
    let ran = run(&rig, &["web-1,dead", "--json", "--", "true"]);
    let found = objects(&ran);
    assert_eq!((ran.code, &found[0]["exit"], &found[1]["exit"]), (1, &Value::Null, &json!(0)));
    assert!(found[0]["error"]["hint"].is_string() && found[1].get("error").is_none(), "{found:?}");
}

#[test]
fn no_stored_secret_is_shown_or_recorded() {
    let runtime = runtime();
    let (rig, _proxy) = fleet(&runtime);
    let secret = rig.fleet.client_key.lines().nth(1).unwrap().to_owned();
    let ran = run(&rig, &["web-1", "--", &format!("echo {secret}; echo {secret} >&2")]);
    assert_eq!(ran.out, "web-1: [secret]\n");
    assert!(ran.err.contains("web-1: [secret]\n") && !ran.err.contains(&secret), "{ran:?}");
    let audit = rig.get("/audit").to_string();
    assert!(audit.contains("web-1: echo [secret]; echo [secret]") && !audit.contains(&secret), "{audit}");
}

#[test]
fn equal_answers_are_told_once() {
    let runtime = runtime();
    let (rig, _proxy) = fleet(&runtime);
    let which = "case $HOME in *server-1/*) echo other; exit 2;; *) echo same;; esac";
    let ran = run(&rig, &["role=web", "--group", "--", which]);
    let expected = "2 servers: web-1 web-3\nsame\n1 server: web-2  exit code 2\nother\n";
    assert_eq!((ran.code, ran.out.as_str()), (1, expected));
    let ran = run(&rig, &["role=web", "--", "true"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", "3 servers: web-1 web-2 web-3\n"));
}

#[test]
fn a_text_is_given_to_each_and_a_release_is_where_it_runs() {
    let runtime = runtime();
    let (rig, _proxy) = fleet(&runtime);
    let text = rig.folder.path().join("text");
    std::fs::write(&text, "one\n\n two'\"$\n").unwrap();
    let ran = run(&rig, &["role=web", "--stdin", text.to_str().unwrap(), "--json", "--", "cat"]);
    assert!(objects(&ran).iter().all(|found| found["stdout"] == "one\n\n two'\"$\n"), "{ran:?}");
    let mut command = rig.command();
    command.args(["run", "web-2", "--stdin", "-", "--", "wc -c"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"12345").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "web-2: 5");

    let there = ["all", "--in", "shop/production", "--", "cat version; pwd -P"];
    let ran = run(&rig, &there);
    assert!(ran.code == 1 && ran.err.contains("no release is live at"), "{ran:?}");
    rig.repo.commit([("version", file("1\n"))]);
    rig.release("main");
    let ran = run(&rig, &there);
    assert_eq!(ran.code, 0, "{ran:?}");
    for number in 1..=3 {
        let release = std::fs::canonicalize(rig.root(number).join("current")).unwrap();
        // Lines of several servers come in any order, those of one in theirs.
        let name = format!("web-{number}: ");
        let said: Vec<&str> = ran.out.lines().filter_map(|line| line.strip_prefix(&name)).collect();
        assert_eq!(said, ["1", release.to_str().unwrap()], "{ran:?}");
    }
    assert!(!ran.out.contains("slow") && !ran.err.contains("dead"), "only its own servers: {ran:?}");
}

/// Whether a process that a server wrote the number of is there.
fn runs(rig: &Rig, number: usize) -> bool {
    let pid = std::fs::read_to_string(rig.server(number).home.join("pid")).unwrap_or_default();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

fn wait_until(what: &str, is_true: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

const LONG: &str = "sleep 600 & echo $! >pid.new; mv pid.new pid; echo begun; sleep 600";

#[test]
fn what_takes_too_long_ends_and_what_nobody_waits_for_too() {
    let runtime = runtime();
    let (rig, _proxy) = fleet(&runtime);
    let ran = run(&rig, &["web-1,web-2", "--timeout", "1s", "--", LONG]);
    assert!(ran.code == 1 && ran.out.contains("web-1: begun\n"), "{ran:?}");
    assert!(ran.err.contains("web-2: it ran for more than 1s, and was ended"), "{ran:?}");
    for number in [1, 2] {
        wait_until("its end", || !runs(&rig, number));
        std::fs::remove_file(rig.server(number).home.join("pid")).unwrap();
    }
    // The client goes away in the middle: lines come as they are written, and the commands end.
    let mut command = rig.command();
    command.args(["run", "web-1,web-2", "--", LONG]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().ends_with(": begun"));
    assert!(lines.next().unwrap().unwrap().ends_with(": begun"));
    assert!(runs(&rig, 1) && runs(&rig, 2));
    child.kill().unwrap();
    child.wait().unwrap();
    for number in [1, 2] {
        wait_until("its end", || !runs(&rig, number));
    }
}

#[test]
fn a_server_that_dies_in_the_middle_is_told_and_the_others_go_on() {
    let runtime = runtime();
    let (mut rig, _proxy) = fleet(&runtime);
    let gate = rig.folder.path().join("gate");
    let wait = format!("echo begun; until test -e {}; do sleep 0.05; done; echo done", gate.display());
    let mut command = rig.command();
    command.args(["run", "role=web", "--json", "--", &wait]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    rig.fleet.servers[1].power_off();
    std::fs::write(&gate, "").unwrap();
    let mut found = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        found.push(serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    }
    assert_eq!(child.wait().unwrap().code(), Some(1));
    found.sort_by_key(|object| object["server"].as_str().unwrap().to_owned());
    let exits: Vec<&Value> = found.iter().map(|object| &object["exit"]).collect();
    assert_eq!(exits, [&json!(0), &Value::Null, &json!(0)], "{found:?}");
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let runtime = runtime();
    let (rig, _proxy) = fleet(&runtime);
    for (words, says) in [
        (vec!["role=cache", "--", "true"], "servers is role=cache, which matches no server"),
        (vec!["all", "--in", "shop/staging", "--", "true"], "no environment shop/staging"),
        (vec!["all", "--in", "blog/production", "--", "true"], "no project blog"),
        (vec!["slow", "--in", "shop/production", "--", "true"], "matches no server of production"),
        (vec!["all", "--timeout", "25h", "--", "true"], "timeout must be at most 24h"),
        (vec!["all", "--", " "], "command is missing"),
        (vec!["all", "--stdin", "/no/such/file", "--", "cat"], "cannot give /no/such/file"),
    ] {
        let ran = run(&rig, &words);
        assert!(ran.code == 4 && ran.err.contains(says), "{words:?}: {ran:?}");
    }
    let binary = rig.folder.path().join("binary");
    std::fs::write(&binary, b"a\0b").unwrap();
    let ran = run(&rig, &["all", "--stdin", binary.to_str().unwrap(), "--", "cat"]);
    assert!(ran.code == 4 && ran.err.contains("stdin must not hold a NUL"), "{ran:?}");
    let (status, problem) =
        rig.http("POST", "/run", Some(json!({"servers": "all", "command": "x", "limit": -1})));
    assert!(status == 422 && problem["errors"][0]["field"] == "limit", "{problem}");
}
