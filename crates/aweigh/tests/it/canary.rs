//! The canary: a secret is put into every place that one can be in, hooks write it in every way that they can, and then it
//! is looked for everywhere, in every form.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use testkit::repo::file;

use crate::rig::Rig;

/// Writes each secret in all forms, to both outputs, as careless and as curious hooks do.
const TELLS: &str = r#"
tell() {
  printf '%s\n' "$1"; printf '%s\n' "$1" >&2
  printf '%s' "$1" | base64; printf '.%s' "$1" | base64 -w0; echo; printf '..%s' "$1" | base64 | tr '+/' '-_'
  printf '%s' "$1" | od -An -v -tx1
  printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; echo
  printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F; echo
  printf '%s' "$1" | sed 's/%/%25/g; s,/,%2F,g; s/+/%2B/g; s/=/%3d/g; s/"/%22/g'; echo
  printf '"%s"\n' "$1" | sed 's,/,\\/,g; s/=/\\u003d/g'
  set -x; : "$1"; set +x
}
tell "$OF_PROJECT"; tell "$OF_ENVIRONMENT"; tell "${OF_SERVER:-nothing}"
env
if [ -f .env ]; then cat .env; fi
"#;

/// One secret, and all the forms in which it is looked for.
struct Canary {
    place: &'static str,
    value: String,
    forms: Vec<Vec<u8>>,
}

impl Canary {
    fn new(place: &'static str) -> Self {
        let value = format!("cAnArY/{place}+{:032x}=\"tweet\"", rand::random::<u128>());
        let each = |write: fn(u8) -> String| value.bytes().map(write).collect::<String>();
        let mut forms = vec![
            value.clone(),
            each(|byte| format!("{byte:02x}")),
            each(|byte| format!("{byte:02X}")),
            each(|byte| format!(" {byte:02x}")).trim().to_owned(),
            value.replace('/', "%2F").replace('+', "%2B").replace('=', "%3d").replace('"', "%22"),
            value.replace('"', "\\\""),
            value.replace('/', "\\/").replace('=', "\\u003d"),
        ];
        for before in ["", ".", ".."] {
            let text = base64(&format!("{before}{value}"));
            // Without what stands for other bytes, too.
            let middle = &text[4..text.len() - 6];
            forms.extend([middle.to_owned(), middle.replace('+', "-").replace('/', "_")]);
        }
        // A third of it is as bad as all of it.
        let forms = forms.iter().map(|form| form.as_bytes()[..form.len() * 2 / 3].to_vec());
        Self { place, value: value.clone(), forms: forms.collect() }
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        self.forms.iter().any(|form| bytes.windows(form.len()).any(|part| part == form))
    }
}

fn base64(text: &str) -> String {
    let mut program = Command::new("base64");
    let mut program = program.arg("-w0").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    program.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    String::from_utf8(program.wait_with_output().unwrap().stdout).unwrap()
}

fn assert_nowhere(canaries: &[Canary], bytes: &[u8], place: &str) {
    for canary in canaries {
        assert!(!canary.is_in(bytes), "the secret of {} is in {place}", canary.place);
    }
}

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => all.extend(files(&entry.path())),
            kind if kind.is_file() => all.push(entry.path()),
            _ => {}
        }
    }
    all
}

/// Collects the argument lists of all processes of this machine for as long as it is wanted.
fn watch_arguments(stop: Arc<AtomicBool>) -> std::thread::JoinHandle<BTreeSet<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut seen = BTreeSet::new();
        while !stop.load(Ordering::Relaxed) {
            for process in std::fs::read_dir("/proc").unwrap().flatten() {
                seen.extend(std::fs::read(process.path().join("cmdline")).ok());
            }
        }
        seen
    })
}

#[test]
fn a_secret_is_nowhere_but_where_it_was_asked_for() {
    let rig = Rig::new(2);
    rig.repo.commit([("file", file("1\n"))]);
    let hook = format!("{{ run = '''{TELLS}''', secrets = [\"OF_PROJECT\", \"OF_ENVIRONMENT\"] }}");
    rig.apply(&format!(
        "env_file = \".env\"\n[projects.shop.environments.production.hooks]\nbefore_fetch = {hook}\nafter_upload = {hook}\n\
         after_activate = {{ run = '''{TELLS}''', on = \"web-1\", secrets = [\"OF_PROJECT\", \"OF_ENVIRONMENT\", \"OF_SERVER\"] }}\n\
         after_release = {hook}"
    ));
    let canaries: Vec<Canary> = ["project", "environment", "server", "ssh-password", "git-token"]
        .into_iter()
        .map(Canary::new)
        .collect();
    let put = |path: &str, body: Value| {
        let (status, answer) = rig.http("PUT", path, Some(body));
        assert!([200, 201].contains(&status), "{path}: {answer}");
        assert_nowhere(&canaries, answer.to_string().as_bytes(), path);
    };
    put("/projects/shop/secrets/OF_PROJECT", json!({ "value": canaries[0].value }));
    put(
        "/projects/shop/environments/production/secrets/OF_ENVIRONMENT",
        json!({ "value": canaries[1].value }),
    );
    put("/servers/web-1/secrets/OF_SERVER", json!({ "value": canaries[2].value }));
    put("/credentials/password", json!({ "kind": "ssh-password", "secret": canaries[3].value }));
    put("/credentials/token", json!({ "kind": "git-token", "secret": canaries[4].value }));

    let stop = Arc::new(AtomicBool::new(false));
    let arguments = watch_arguments(Arc::clone(&stop));
    rig.release("main");
    rig.release("main");
    rig.ok(["rollback", "shop", "-e", "production"]);
    stop.store(true, Ordering::Relaxed);
    for line in arguments.join().unwrap() {
        assert_nowhere(&canaries, &line, "the arguments of a process");
    }

    // The hooks had them, and said so.
    let log = rig.log(1, "web-1/after_activate");
    assert!(log.matches("[secret]").count() > 30, "{log}");
    let written = std::fs::read(rig.root(1).join("current/.env")).unwrap();
    assert!(canaries[..3].iter().all(|canary| canary.is_in(&written)));

    // Whoever may run commands sees the file, but not what is secret in it; and what a shell shows is recorded without.
    let shown = rig.run(["run", "all", "--in", "shop/production", "--", "cat .env; echo to be seen >&2"]);
    assert!(
        shown.code == 0 && shown.out.contains("[secret]") && shown.err.contains("to be seen"),
        "{shown:?}"
    );
    assert_nowhere(&canaries, shown.out.as_bytes(), "the output of a command");
    let env_file = rig.root(1).join("current/.env").display().to_string();
    let shell = rig.run(["shell", "web-1", "--", "cat", &env_file]);
    assert!(shell.code == 0 && shell.out.contains("OF_SERVER"), "{shell:?}");
    let recordings = rig.get("/recordings");
    let id = recordings["items"][0]["id"].to_string();
    let recorded = rig.ok(["recordings", "show", id.trim_matches('"')]);
    assert!(recorded.contains("[secret]"), "{recorded}");
    assert_nowhere(&canaries, recorded.as_bytes(), "a recording");

    for path in [
        "/audit",
        "/recordings",
        "/releases/1",
        "/releases/2",
        "/releases/3",
        "/releases?project=shop",
        "/export",
        "/servers",
        "/credentials",
        "/projects",
        "/projects/shop/variables",
        "/projects/shop/environments/production/variables",
        "/servers/web-1/variables",
        "/board",
    ] {
        assert_nowhere(&canaries, rig.get(path).to_string().as_bytes(), path);
    }
    for release in [1, 2, 3] {
        for event in rig.events(release) {
            assert_nowhere(&canaries, event.to_string().as_bytes(), "a fact");
        }
        let (_, log) = rig.http("GET", &format!("/releases/{release}/log"), None);
        assert_nowhere(&canaries, log.as_str().unwrap_or_default().as_bytes(), "a log");
    }
    assert_nowhere(&canaries, rig.said().as_bytes(), "the log of the server");
    for path in files(&rig.data()) {
        assert_nowhere(&canaries, &std::fs::read(&path).unwrap_or_default(), &path.display().to_string());
    }
    for number in [1, 2] {
        for path in files(&rig.server(number).home) {
            // The file that was asked for, and what a hook wrote on its own server.
            let allowed = path.ends_with(".env") || path.ends_with("log");
            if !allowed {
                let bytes = std::fs::read(&path).unwrap_or_default();
                assert_nowhere(&canaries, &bytes, &path.display().to_string());
            }
        }
    }
}
