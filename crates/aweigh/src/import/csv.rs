//! CSV (RFC 4180) with a head. The columns `name`, `host`, `port`, `user`, `credential`, `jump` and `host_key` are those of a
//! server; every other column is a label, `role` or `env`, with several values parted by `;`.

use std::collections::BTreeSet;

use api::{OneOrMany, ServerSpec};

use super::{Found, Wrong, add_label, name, port};

/// Reads a table.
pub(super) fn read(text: &str) -> Result<Found, Wrong> {
    let mut rows = rows(text.strip_prefix('\u{feff}').unwrap_or(text))?.into_iter();
    let Some((line, head)) = rows.next() else { return Err(vec![(1, "the file is empty".to_owned())]) };
    let head: Vec<String> = head.iter().map(|column| column.trim().to_owned()).collect();
    check_head(&head).map_err(|why| vec![(line, why)])?;
    let (mut found, mut wrong) = (Found::default(), Wrong::new());
    for (line, cells) in rows {
        if let Err(why) = row(&head, &cells, line, &mut found) {
            wrong.push((line, why));
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

fn check_head(head: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = head.iter().find(|column| !seen.insert(column.as_str())) {
        return Err(format!("the column {twice:?} is there twice"));
    }
    for needed in ["name", "host"] {
        if !seen.contains(needed) {
            return Err(format!("the head has no column {needed}; it is such as name,host,port,user,role"));
        }
    }
    match head.iter().find(|column| column.parse::<model::Name>().is_err()) {
        Some(column) => Err(format!("the column {column:?} is neither of a server nor the key of a label")),
        None => Ok(()),
    }
}

fn row(head: &[String], cells: &[String], line: usize, found: &mut Found) -> Result<(), String> {
    if cells.len() != head.len() {
        return Err(format!("it has {} cells, and the head has {}", cells.len(), head.len()));
    }
    let (mut own, mut spec) = (None, ServerSpec::default());
    for (column, cell) in head.iter().zip(cells) {
        let cell = cell.trim();
        let text = || Some(cell.to_owned());
        match column.as_str() {
            "name" => own = Some(name(cell)?),
            "host" => cell.clone_into(&mut spec.host),
            _ if cell.is_empty() => {}
            "port" => spec.port = Some(port(cell)?),
            "user" => spec.user = text(),
            "credential" => spec.credential = text(),
            "jump" => spec.jump = text(),
            "host_key" => spec.host_key = text().map(OneOrMany::One),
            label => {
                let values = cell.split(';').map(str::trim).filter(|value| !value.is_empty());
                values.for_each(|value| add_label(&mut spec, label, value));
            }
        }
    }
    let Some(own) = own else { return Ok(()) };
    if let Some((_, before)) = found.servers.get(&own) {
        return Err(format!("{own} is named on line {before}, too"));
    }
    found.servers.insert(own, (spec, line));
    Ok(())
}

/// The rows that are not empty, each with the line on which it begins. A cell in quotes may go over several lines.
fn rows(text: &str) -> Result<Vec<(usize, Vec<String>)>, Wrong> {
    let mut rows = Vec::new();
    let (mut row, mut cell) = (Vec::new(), String::new());
    let (mut line, mut begun, mut in_quotes, mut was_quoted) = (1, 1, false, false);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char == '\n' {
            line += 1;
        }
        match char {
            '"' if in_quotes && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if in_quotes => in_quotes = false,
            _ if in_quotes => cell.push(char),
            '"' if cell.trim().is_empty() && !was_quoted => {
                cell.clear();
                (in_quotes, was_quoted) = (true, true);
            }
            ',' => {
                row.push(std::mem::take(&mut cell));
                was_quoted = false;
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                row.push(std::mem::take(&mut cell));
                rows.push((begun, std::mem::take(&mut row)));
                (begun, was_quoted) = (line, false);
            }
            '"' => {
                return Err(vec![(
                    line,
                    "a quote in the middle of a cell; put the whole cell into quotes".to_owned(),
                )]);
            }
            _ if was_quoted && !char.is_whitespace() => {
                return Err(vec![(line, "something follows the quote that ends a cell".to_owned())]);
            }
            _ => cell.push(char),
        }
    }
    if in_quotes {
        return Err(vec![(begun, "a quote is not closed".to_owned())]);
    }
    row.push(cell);
    rows.push((begun, row));
    rows.retain(|(_, row)| row.iter().any(|cell| !cell.trim().is_empty()));
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_becomes_servers_and_labels() {
        let text = "\u{feff}name,host,port,user,role,env,jump\r\nweb-1, 10.0.0.1 ,2222,deploy,\"web;db\",production,\r\n\r\n\
                    Web-2,\"10.0.0.2\",,,,\"a \"\"b\"\"\",bastion\n";
        let found = read(text).unwrap();
        let json = |name: &str| {
            let (spec, line) = &found.servers[&name.parse().unwrap()];
            (serde_json::to_value(spec).unwrap(), *line)
        };
        assert_eq!(
            json("web-1"),
            (
                serde_json::json!({"host": "10.0.0.1", "port": 2222, "user": "deploy",
                "labels": {"role": ["web", "db"], "env": "production"}}),
                2
            )
        );
        assert_eq!(
            json("web-2"),
            (serde_json::json!({"host": "10.0.0.2", "labels": {"env": "a \"b\""}, "jump": "bastion"}), 4)
        );
    }

    #[test]
    fn every_bad_line_is_told_by_its_number() {
        let check = |text: &str, expected: &[(usize, &str)]| {
            let wrong = read(text).unwrap_err();
            let fits = wrong.len() == expected.len()
                && wrong
                    .iter()
                    .zip(expected)
                    .all(|((line, why), (at, word))| line == at && why.contains(word));
            assert!(fits, "{text}: {wrong:?}");
        };
        check("", &[(1, "is empty")]);
        check("name,port\nweb-1,22\n", &[(1, "no column host")]);
        check("name,host,Role\n", &[(1, "\"Role\" is neither")]);
        check("name,host,host\n", &[(1, "there twice")]);
        check(
            "name,host,port\nweb-1,h\nweb 2,h,\nweb-3,h,0\nweb-4,h,\nweb-4,h,22\n,h,\n",
            &[(2, "2 cells"), (3, "not a name"), (4, "not a port"), (6, "line 5, too"), (7, "not a name")],
        );
        check("name,host\n\"web-1,h\n", &[(2, "not closed")]);
        check("name,host\nweb\"-1,h\n", &[(2, "middle of a cell")]);
        check("name,host\n\"web\"-1,h\n", &[(2, "follows the quote")]);
    }
}
