//! `recordings`: who had a shell on which server, and what it showed.

use api::{Page, Recording};
use futures::StreamExt;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::cli::{RecordingVerb, RecordingsArgs};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::clean::{Cleaner, one_line};
use crate::render::paint::Screen;
use crate::render::words::{date, size, span, took};
use crate::render::{print, say, table};

pub(super) async fn run(client: &Client, args: &RecordingsArgs) -> anyhow::Result<Ending> {
    match &args.verb {
        None => list(client, args).await?,
        Some(RecordingVerb::Show { id, cast }) => show(client, *id, *cast).await?,
    }
    Ok(Ending::Done)
}

async fn list(client: &Client, args: &RecordingsArgs) -> anyhow::Result<()> {
    let ask = Ask::at(&["recordings"])
        .maybe("server", args.server.as_ref())
        .maybe("before", args.before)
        .with("limit", args.limit);
    let answer = client.get_text(&ask).await?;
    if args.listing.json {
        return Ok(say(&answer)?);
    }
    let page: Page<Recording> = client.decode(&answer)?;
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    let rows = page.items.iter().map(|recording| row(recording, now, &zone)).collect();
    let head = ["RECORDING", "SERVER", "BY", "BEGAN", "TOOK", "ENDED", "SIZE", "COMMAND"];
    table::show(&head, rows, "no recordings yet")?;
    table::tell_rest(page.next);
    Ok(())
}

fn row(recording: &Recording, now: Timestamp, zone: &TimeZone) -> Vec<String> {
    let ended = match (recording.ended_at, recording.exit, &recording.reason) {
        (None, ..) => "open".to_owned(),
        (_, Some(code), _) => format!("exit {code}"),
        (_, None, Some(reason)) => one_line(reason),
        (_, None, None) => "a signal".to_owned(),
    };
    let kept = match (recording.removed_at, recording.ended_at) {
        (Some(_), _) => "removed".to_owned(),
        (None, None) => String::new(),
        (None, Some(_)) => size(recording.bytes),
    };
    vec![
        recording.id.to_string(),
        recording.server.clone(),
        recording.user.clone(),
        date(recording.started_at, zone),
        took(Some(recording.started_at), recording.ended_at, now).map(span).unwrap_or_default(),
        ended,
        kept,
        one_line(recording.command.as_deref().unwrap_or("login shell")),
    ]
}

/// Prints the text of a recording, or the recording itself.
async fn show(client: &Client, id: u32, as_it_is: bool) -> anyhow::Result<()> {
    let id = id.to_string();
    let mut pieces = client.get_stream(&Ask::at(&["recordings", &id])).await?;
    let mut cleaner = Cleaner::new(Screen::stdout().colours);
    let mut waiting = Vec::new();
    let mut ends = true;
    while let Some(piece) = pieces.next().await {
        waiting.extend_from_slice(&piece?);
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = waiting.drain(..=end).collect();
            if as_it_is {
                print(&String::from_utf8_lossy(&line))?;
                continue;
            }
            let text = cleaner.push(&shown(&line));
            if !text.is_empty() {
                ends = text.ends_with('\n');
                print(&text)?;
            }
        }
    }
    print(cleaner.finish())?;
    if !ends {
        say("")?;
    }
    Ok(())
}

/// What a line of a recording shows: the text of an event of output.
fn shown(line: &[u8]) -> String {
    match serde_json::from_slice(line) {
        Ok(Value::Array(event)) => match event.as_slice() {
            [_, Value::String(kind), Value::String(text)] if kind == "o" => text.clone(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_shown_is_text() {
        assert_eq!(shown(br#"{"version":2,"width":80,"height":24}"#), "");
        assert_eq!(shown(br#"[1.5,"o","hello\r\n"]"#), "hello\r\n");
        assert_eq!(shown(br#"[1.5,"r","100x50"]"#), "");
        assert_eq!(shown(b"rubbish"), "");
    }
}
