//! `run`: a command on many servers at once.

use std::collections::BTreeMap;
use std::io::{self, Read, Write, stderr, stdout};
use std::path::Path;

use api::{Done, RunLine, RunRequest, ServerEnded};
use model::Name;
use serde::Serialize;

use crate::advice::Advised;
use crate::cli::RunArgs;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::answers::{Key, Output, colour, groups, head};
use crate::render::clean::one_line;
use crate::render::paint::{Line, Paint, Screen};
use crate::render::{note, say};

/// More than the server takes, so that it can refuse what is too long.
const LONGEST: u64 = 2 * 1024 * 1024;

pub(super) async fn run(client: &Client, args: RunArgs) -> anyhow::Result<Ending> {
    let (project, environment) =
        args.place.map(|place| (place.project.to_string(), place.environment.to_string())).unzip();
    let request = RunRequest {
        servers: args.servers.to_string(),
        command: args.command.join(" "),
        stdin: args.stdin.as_deref().map(text_of).transpose()?,
        project,
        environment,
        limit: args.limit,
        timeout: args.timeout.map(api::duration::print),
    };
    let mut lines = client.post_lines(&Ask::at(&["run"]), &request).await?;
    let mut show = Show::new(args.json, args.group);
    while let Some(line) = lines.next::<RunLine>().await? {
        if let Some(Done { failed, .. }) = line.done {
            show.end()?;
            return Ok(if failed == 0 { Ending::Done } else { Ending::ServerFailed });
        }
        show.line(line)?;
    }
    Err(lines.cut().into())
}

fn text_of(file: &Path) -> anyhow::Result<String> {
    let read = || {
        let from: Box<dyn Read> =
            if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(std::fs::File::open(file)?) };
        let mut text = String::new();
        from.take(LONGEST).read_to_string(&mut text).map(|_| text)
    };
    read().map_err(|error| {
        let hint = "a command reads a text of at most 1 MiB; bring any other file with `aweigh put`";
        Advised::new(format!("cannot give {} to a command: {error}", file.display()), hint).into()
    })
}

/// What one server has answered so far.
struct Answer {
    stdout: Output,
    stderr: Output,
    /// Its text, where that is still needed.
    text: [String; 2],
    key: Option<Key>,
}

/// Shows what comes: line by line, or each answer once at the end, or as objects.
struct Show {
    json: bool,
    group: bool,
    screen: Screen,
    answers: BTreeMap<Name, Answer>,
}

impl Show {
    fn new(json: bool, group: bool) -> Self {
        Self { json, group, screen: Screen::stdout(), answers: BTreeMap::new() }
    }

    fn line(&mut self, line: RunLine) -> io::Result<()> {
        let Some(server) = line.server else { return Ok(()) };
        let (colours, keeps, streams) =
            (self.screen.colours, self.json || self.group, !self.json && !self.group);
        let answer = self.answers.entry(server.clone()).or_insert_with(|| Answer {
            stdout: Output::new(colours),
            stderr: Output::new(colours),
            text: <[String; 2]>::default(),
            key: None,
        });
        let [out, err] = &mut answer.text;
        let pieces =
            [(line.stdout, &mut answer.stdout, out, false), (line.stderr, &mut answer.stderr, err, true)];
        for (piece, output, text, is_stderr) in pieces {
            let Some(piece) = piece else { continue };
            if keeps {
                text.push_str(&piece);
            }
            output.push(
                &piece,
                |line| if streams { tell(&server, line, is_stderr, colours) } else { Ok(()) },
            )?;
        }
        let Some(ended) = line.ended else { return Ok(()) };
        let key = Key::of(&answer.stdout, &answer.stderr, &ended);
        for (output, is_stderr) in [(&mut answer.stdout, false), (&mut answer.stderr, true)] {
            output.finish(|line| if streams { tell(&server, line, is_stderr, colours) } else { Ok(()) })?;
        }
        if self.json {
            let [stdout, stderr] = std::mem::take(&mut answer.text);
            let object = Object { server: &server, stdout: &stdout, stderr: &stderr, ended: &ended };
            say(&serde_json::to_string(&object)?)?;
        } else if let Some(why) = trouble(&ended) {
            tell_trouble(&server, &why, colours);
        }
        answer.key = Some(key);
        Ok(())
    }

    /// Equal answers together; on standard error, where the answers themselves were told already.
    fn end(self) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let mut texts: BTreeMap<Key, [String; 2]> = BTreeMap::new();
        let mut keys = Vec::new();
        for (server, answer) in self.answers {
            let Some(key) = answer.key else { continue };
            texts.entry(key.clone()).or_insert(answer.text);
            keys.push((server, key));
        }
        let colours = self.screen.colours;
        for (key, servers) in groups(keys) {
            let head = head(&key, &servers).text(usize::MAX, colours);
            if !self.group {
                note(&head);
                continue;
            }
            say(&head)?;
            for text in texts.remove(&key).unwrap_or_default() {
                let mut output = Output::new(colours);
                output.push(&text, say)?;
                output.finish(say)?;
            }
        }
        Ok(())
    }
}

/// One line of a server, behind its name.
fn tell(server: &Name, line: &str, is_stderr: bool, colours: bool) -> io::Result<()> {
    let name = Line::default().with(format!("{server}:"), colour(server)).text(usize::MAX, colours);
    if is_stderr { writeln!(stderr(), "{name} {line}") } else { writeln!(stdout(), "{name} {line}") }
}

fn tell_trouble(server: &Name, why: &str, colours: bool) {
    let name = Line::default().with(format!("{server}:"), colour(server));
    note(&name.with(format!(" {why}"), Paint::Red).text(usize::MAX, colours));
}

/// What else there is to say of a server that has ended.
fn trouble(ended: &ServerEnded) -> Option<String> {
    let left_out = (ended.left_out > 0).then(|| format!("{} more bytes are left out", ended.left_out));
    let error = ended.error.as_ref().map(|error| {
        let hint = error.hint.as_ref().map(|hint| format!("; hint: {}", one_line(hint)));
        one_line(&error.message) + &hint.unwrap_or_default()
    });
    left_out.into_iter().chain(error).reduce(|one, other| format!("{one}; {other}"))
}

/// What `--json` prints of each server.
#[derive(Serialize)]
struct Object<'a> {
    server: &'a Name,
    stdout: &'a str,
    stderr: &'a str,
    #[serde(flatten)]
    ended: &'a ServerEnded,
}
