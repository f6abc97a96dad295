//! Shells: a real terminal in front of the command line, a real sshd behind it, and what is left of them.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use serde_json::Value;
use testkit::sshd::FleetSpec;

use crate::rig::{PATIENCE, Rig};

/// A rig whose server web-1 is known.
fn knowing() -> Rig {
    let rig = Rig::with(FleetSpec { servers: 1, ..FleetSpec::default() });
    let path = rig.fleet_file("");
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
    rig
}

/// A person at a terminal.
struct Person {
    child: Child,
    terminal: std::fs::File,
    /// The other side, which shows how the terminal is set.
    far: OwnedFd,
    /// What the screen shows, as it comes.
    showing: Receiver<Vec<u8>>,
    shown: String,
}

impl Person {
    fn at(rig: &Rig, words: &[&str]) -> Self {
        Self::with(rig.command(), words)
    }

    fn with(mut command: Command, words: &[&str]) -> Self {
        let size = Winsize { ws_row: 33, ws_col: 91, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).unwrap();
        command.args(words).env("TERM", "xterm");
        let side = || Stdio::from(pair.slave.try_clone().unwrap());
        command.stdin(side()).stdout(side()).stderr(side());
        let child = command.spawn().unwrap();
        let terminal: std::fs::File = pair.master.into();
        let mut screen = terminal.try_clone().unwrap();
        let (shows, showing) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut piece) {
                if shows.send(piece[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, terminal, far: pair.slave, showing, shown: String::new() }
    }

    /// Waits until the screen shows `wanted`.
    fn sees(&mut self, wanted: &str) {
        while !self.shown.contains(wanted) {
            let piece = self.showing.recv_timeout(PATIENCE);
            let piece = piece.unwrap_or_else(|error| panic!("{wanted:?}: {error}: {:?}", self.shown));
            self.shown.push_str(&String::from_utf8_lossy(&piece));
        }
    }

    fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    /// Whether keys are echoed and lines edited here, as before the command.
    fn is_put_back(&self) -> bool {
        let modes = tcgetattr(&self.far).unwrap().local_flags;
        modes.contains(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG)
    }

    fn ends(&mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < until, "it does not end: {}", self.shown);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The recordings, once the newest has ended.
fn recordings(rig: &Rig) -> Vec<Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        let all = rig.get("/recordings")["items"].as_array().unwrap().clone();
        if all.first().is_none_or(|newest| newest["ended_at"].is_string()) {
            return all;
        }
        assert!(Instant::now() < until, "{all:?}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn a_person_works_in_a_login_shell() {
    let rig = knowing();
    let mut person = Person::at(&rig, &["shell", "web-1"]);
    person.types("stty size; echo $((20 + 22))-answer\r");
    person.sees("33 91");
    person.sees("42-answer");
    assert!(!person.is_put_back(), "keys go to the server");
    // Ctrl-C ends what runs there, not the command here.
    // It says so itself: a key that comes before it has the terminal goes to the shell, which runs it all the same.
    person.types("sh -c 'echo be\"\"gun; exec sleep 1000'\r");
    person.sees("begun");
    person.types("\u{3}");
    person.types("echo after\"-that\"; exit 7\r");
    person.sees("after-that");
    assert_eq!(person.ends(), Some(7));
    assert!(person.is_put_back());
    let all = recordings(&rig);
    assert_eq!(
        (&all[0]["server"], &all[0]["user"], &all[0]["exit"]),
        (&"web-1".into(), &"admin".into(), &7.into())
    );
    assert!(all[0]["terminal"].as_bool().unwrap() && all[0].get("command").is_none(), "{all:?}");
    let text = rig.ok(["recordings", "show", "1"]);
    assert!(text.contains("42-answer") && text.contains("after-that"), "{text}");
    let cast = rig.ok(["recordings", "show", "1", "--cast"]);
    assert!(cast.starts_with('{') && cast.lines().next().unwrap().contains("\"version\":2"), "{cast}");
    let audit = rig.get("/audit");
    let deeds: Vec<_> =
        audit["items"].as_array().unwrap().iter().map(|deed| deed["what"].as_str().unwrap()).collect();
    assert_eq!(deeds[..3], ["recording.show", "recording.show", "shell.open"], "{audit}");
    let listed = rig.ok(["recordings"]);
    assert!(listed.contains("login shell") && listed.contains("exit 7"), "{listed}");
    let json: Value = serde_json::from_str(&rig.ok(["recordings", "--json", "--server", "web-1"])).unwrap();
    assert_eq!(json["items"][0]["id"], 1);
}

#[test]
fn whoever_is_told_to_end_puts_the_terminal_back_and_hangs_up() {
    let rig = knowing();
    for end in [Some(Signal::SIGTERM), Some(Signal::SIGHUP), None] {
        let mut person = Person::at(&rig, &["shell", "web-1", "--", "echo pid=$$.; exec sleep 1000"]);
        person.sees(".\r\n");
        let pid: String = person.shown.chars().filter(char::is_ascii_digit).collect();
        match end {
            Some(signal) => {
                kill(Pid::from_raw(i32::try_from(person.child.id()).unwrap()), signal).unwrap();
            }
            None => person.types("\r~."),
        }
        assert_eq!(person.ends(), Some(3), "{end:?}");
        assert!(person.is_put_back(), "{end:?}");
        assert_eq!(recordings(&rig)[0]["reason"], "the other end went away");
        let until = Instant::now() + PATIENCE;
        while std::path::Path::new(&format!("/proc/{pid}")).exists() {
            assert!(Instant::now() < until, "{pid} still runs");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// Runs the command line with this input, without a terminal; exit code, output and errors.
fn piped(rig: &Rig, words: &[&str], input: Vec<u8>) -> (Option<i32>, Vec<u8>, String) {
    let mut command: Command = rig.command();
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn without_a_terminal_bytes_pass_as_they_are_both_ways_at_once() {
    let rig = knowing();
    // More than all windows and buffers on the way, so that neither side may wait for the other.
    let bytes: Vec<u8> = (0..10_000_000_u32).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect();
    let (code, back, errors) =
        piped(&rig, &["shell", "web-1", "--", "cat; echo done >&2; exit 3"], bytes.clone());
    assert_eq!((code, errors.as_str()), (Some(3), "done\n"));
    assert!(back == bytes, "{} of {} bytes", back.len(), bytes.len());
    let newest = &recordings(&rig)[0];
    assert!(
        !newest["truncated"].as_bool().unwrap() && newest["bytes"].as_u64().unwrap() > 10_000_000,
        "{newest}"
    );
    assert_eq!(newest["command"], "cat; echo done >&2; exit 3");
}

#[test]
fn a_shell_is_closed_when_its_recording_is_as_long_as_one_may_be_and_all_that_it_showed_is_in_it() {
    let rig = knowing();
    // A zero byte takes six in a recording.
    let (code, back, errors) = piped(&rig, &["shell", "web-1", "--", "cat /dev/zero"], Vec::new());
    assert_eq!(code, Some(4), "{errors}");
    assert!(errors.contains("its recording is as long as one may be, 64 MiB"), "{errors}");
    let newest = &recordings(&rig)[0];
    assert_eq!(newest["reason"], "its recording was as long as one may be");
    assert_eq!(newest["truncated"], false, "{newest}");
    let file = std::fs::read_to_string(rig.data().join("recordings/1.cast")).unwrap();
    let zeros = file.matches("\\u0000").count();
    assert!(zeros >= back.len() && back.len() > 10_000_000, "{zeros} recorded, {} shown", back.len());
}

#[test]
fn what_cannot_be_recorded_never_opens() {
    let rig = knowing();
    // A file stands in the place of the folder.
    std::fs::write(rig.data().join("recordings"), "").unwrap();
    let opened = rig.server(1).home.join("opened");
    let command = format!("touch {}", opened.display());
    let ran = rig.run(["shell", "web-1", "--", &command]);
    assert!(ran.code == 4 && ran.err.contains("the shell cannot be recorded"), "{ran:?}");
    assert!(!opened.exists(), "it was opened");
    assert!(recordings(&rig)[0]["reason"].as_str().unwrap().contains("cannot be written"));
}

#[test]
fn a_recording_is_private_and_holds_no_secret() {
    let rig = knowing();
    let secret = rig.fleet.client_key.lines().nth(1).unwrap().to_owned();
    let told = format!("before\n{secret}\nafter\n");
    let (code, back, _) = piped(&rig, &["shell", "web-1", "--", "cat"], told.clone().into_bytes());
    assert_eq!((code, String::from_utf8(back).unwrap()), (Some(0), told), "who asks sees it");
    recordings(&rig);
    let file = rig.data().join("recordings/1.cast");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(&secret) && text.contains("[secret]"), "{text}");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    piped(&rig, &["shell", "web-1", "--", &format!("echo {secret}")], Vec::new());
    assert_eq!(recordings(&rig)[0]["command"], "echo [secret]");
}

#[test]
fn what_cannot_be_is_told_in_a_sentence() {
    let mut rig = knowing();
    let ran = rig.run(["shell", "web-1"]);
    assert!(ran.code == 4 && ran.err.contains("needs a terminal"), "{ran:?}");
    let ran = rig.run(["shell", "web-9", "--", "true"]);
    assert!(ran.code == 4 && ran.err.contains("there is no server web-9"), "{ran:?}");
    let ran = rig.run(["recordings", "show", "1"]);
    assert!(ran.code == 4 && ran.err.contains("there is no recording 1"), "{ran:?}");
    for (query, field) in [
        ("", "command"),
        ("?columns=80", "rows"),
        ("?rows=24", "columns"),
        ("?columns=0&rows=24", "columns"),
        ("?columns=80&rows=70000", "rows"),
        ("?columns=80&rows=24&term=a%3Bb", "term"),
        ("?command=%20", "command"),
        ("?command=a%00b", "command"),
    ] {
        let (status, problem) = rig.http("GET", &format!("/servers/web-1/shell{query}"), None);
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &field.into()), "{query}: {problem}");
    }
    let (status, problem) = rig.http("GET", "/servers/web-1/shell?columns=80&rows=24", None);
    assert_eq!((status, &problem["code"]), (426, &"not_upgraded".into()), "{problem}");
    for bad in ["x", "-1", "9999999999999999999999", "1.cast", "..%2Fid"] {
        assert_eq!(rig.http("GET", &format!("/recordings/{bad}"), None).0, 404, "{bad}");
    }
    rig.fleet.servers[0].stop();
    let ran = rig.run(["shell", "web-1", "--", "true"]);
    assert!(ran.code == 4 && ran.err.contains("refuses connections"), "{ran:?}");
    assert_eq!(rig.get("/recordings")["items"].as_array().unwrap().len(), 0, "nothing was opened");
}

#[test]
fn a_shell_in_which_nothing_happens_is_closed() {
    let mut rig = knowing();
    rig.kill();
    let settings = rig.folder.path().join("server.toml");
    let text = std::fs::read_to_string(&settings).unwrap() + "[limits]\nshell_idle = \"1s\"\n";
    std::fs::write(&settings, text).unwrap();
    rig.start();
    let mut person = Person::at(&rig, &["shell", "web-1", "--", "echo ready; sleep 1000"]);
    person.sees("ready");
    person.sees("nothing was typed and nothing shown for 1 seconds");
    assert_eq!(person.ends(), Some(4));
    assert!(recordings(&rig)[0]["reason"].as_str().unwrap().contains("too long"));
}

#[test]
fn a_shell_ends_when_the_right_to_it_is_taken_back() {
    let rig = knowing();
    let token = rig.ok(["tokens", "add", "theirs"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_aweigh"));
    command.env("HOME", rig.folder.path()).env("AWEIGH_URL", rig.url()).env("AWEIGH_TOKEN", token.trim());
    let mut person = Person::with(command, &["shell", "web-1", "--", "echo ready; sleep 1000"]);
    person.sees("ready");
    let tokens = rig.get("/tokens");
    let theirs = tokens["items"].as_array().unwrap().iter().find(|token| token["name"] == "theirs").unwrap();
    rig.ok(["tokens", "remove", theirs["id"].as_str().unwrap()]);
    person.sees("the right to this shell was taken back");
    assert_eq!(person.ends(), Some(3));
    assert_eq!(recordings(&rig)[0]["reason"], "the right to it was taken back");
}

#[test]
fn a_restart_ends_what_was_open_and_says_so() {
    let mut rig = knowing();
    let mut person = Person::at(&rig, &["shell", "web-1", "--", "echo ready; sleep 1000"]);
    person.sees("ready");
    // It is written while it is shown, not before; what is written outlives whoever wrote it.
    let until = Instant::now() + PATIENCE;
    while !rig.ok(["recordings", "show", "1"]).contains("ready") {
        assert!(Instant::now() < until, "what was shown is not recorded");
    }
    rig.kill();
    assert_eq!(person.ends(), Some(3));
    assert!(person.is_put_back());
    rig.start();
    assert_eq!(rig.get("/recordings")["items"][0]["reason"], "Aweigh stopped");
    assert!(rig.ok(["recordings", "show", "1"]).contains("ready"));
}
