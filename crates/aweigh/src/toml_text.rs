//! Reading a TOML file that a person wrote: everything that does not fit is told, with its line.

use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use api::FieldError;

/// A TOML text whose syntax is right.
#[derive(Debug)]
pub struct TomlText {
    value: Value,
    lines: Lines,
}

/// Where things stand in the text: the line of a key and what is below it.
#[derive(Debug)]
struct Lines {
    line: usize,
    below: Vec<(String, Lines)>,
}

impl TomlText {
    /// Reads the syntax.
    ///
    /// # Errors
    /// The first place where the text is not TOML, as `line 3: …`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let told = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| line_at(text, span.start));
            format!("line {line}: {}", error.message())
        };
        let lines = lines(text, DeTable::parse(text).map_err(told)?.get_ref(), 1);
        Ok(Self { value: toml::from_str(text).map_err(told)?, lines })
    }

    /// Reads a `T` from it.
    ///
    /// # Errors
    /// Every key that is unknown or does not fit, as `line 3: servers.web-1.hots is not a known key; …`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Vec<String>> {
        api::read(self.value.clone()).map_err(|errors| self.told(&errors))
    }

    /// `errors` as lines for people, in the order of the file.
    pub fn told(&self, errors: &[FieldError]) -> Vec<String> {
        let mut told: Vec<(usize, String)> = errors
            .iter()
            .map(|error| {
                let line = self.line(&error.field);
                (line, format!("line {line}: {error}"))
            })
            .collect();
        told.sort();
        told.into_iter().map(|(_, text)| text).collect()
    }

    /// The line of a field such as `projects.shop.defaults.health[0].timeout`, or of the nearest table around it.
    fn line(&self, field: &str) -> usize {
        let (mut at, mut rest) = (&self.lines, field);
        // A key may hold dots itself, so each key that is there is tried, the longest first.
        while let Some((below, after)) = at
            .below
            .iter()
            .filter_map(|(key, below)| Some((below, rest.strip_prefix(key.as_str())?)))
            .filter(|(_, after)| after.is_empty() || after.starts_with(['.', '[']))
            .min_by_key(|(_, after)| after.len())
        {
            (at, rest) = (below, after.trim_start_matches('.'));
        }
        at.line
    }
}

fn lines(text: &str, table: &DeTable<'_>, line: usize) -> Lines {
    let below = table
        .iter()
        .map(|(key, value)| (key.get_ref().to_string(), inside(text, value, line_at(text, key.span().start))))
        .collect();
    Lines { line, below }
}

fn inside(text: &str, value: &Spanned<DeValue<'_>>, line: usize) -> Lines {
    match value.get_ref() {
        DeValue::Table(table) => lines(text, table, line),
        DeValue::Array(items) => {
            let below = items.iter().enumerate().map(|(index, item)| {
                (format!("[{index}]"), inside(text, item, line_at(text, item.span().start)))
            });
            Lines { line, below: below.collect() }
        }
        _ => Lines { line, below: Vec::new() },
    }
}

/// The number, from 1, of the line that holds the byte at `offset`.
fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::Fleet;

    #[test]
    fn misfits_are_told_with_their_lines() {
        let text = TomlText::parse(
            "[servers.web-1]\nhots = \"10.0.0.1\"\n\n[projects.\"my.app\".defaults]\nkeep = 3\nhealth = [\n  { htp = \"x\" },\n]\n",
        )
        .unwrap();
        insta::assert_snapshot!(text.read::<Fleet>().unwrap_err().join("\n"), @r"
        line 2: servers.web-1.hots is not a known key; did you mean `host`?
        line 7: projects.my.app.defaults.health[0].htp is not a known key; did you mean `http`?
        ");
        assert_eq!(text.line("projects.my.app.defaults.keep"), 5);
        assert_eq!(text.line("projects.my.app.environments"), 4);
        assert_eq!(text.line(""), 1);
    }

    #[test]
    fn broken_syntax_is_told_with_its_line() {
        for (text, line) in
            [("a = 1\nb = [", "line 2: "), ("a = 1\na = 2\n", "line 2: "), ("[a]\n[a]\n", "line 2: ")]
        {
            let told = TomlText::parse(text).unwrap_err();
            assert!(told.starts_with(line), "{told}");
        }
    }
}
