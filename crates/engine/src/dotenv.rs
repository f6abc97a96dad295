//! Variables as a file that both a shell (`. ./.env`) and the libraries of the field read alike.

use std::collections::BTreeMap;

use model::VariableName;

/// The file: a line `NAME=value` for each, by name; a value of several lines is quoted.
pub fn text<'v>(variables: &BTreeMap<&'v VariableName, &'v str>) -> String {
    variables.iter().map(|(name, value)| [name.as_str(), "=", &quoted(value), "\n"].concat()).collect()
}

/// A value as it stands behind the `=`.
///
/// Plain where it can be, since everything reads that. Else in single quotes, where nothing is special. What holds a
/// single quote is in double quotes, with a backslash before what a shell would understand there; some libraries leave
/// such a backslash where it is.
fn quoted(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:@%+,=-".contains(&byte);
    if value.bytes().all(plain) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let mut text = "\"".to_owned();
    for char in value.chars() {
        if matches!(char, '\\' | '"' | '$' | '`') {
            text.push('\\');
        }
        text.push(char);
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_no_more_than_they_need() {
        for (value, text) in [
            ("", ""),
            ("https://u@h:1/x?", "'https://u@h:1/x?'"),
            ("a=b/c", "a=b/c"),
            ("two words", "'two words'"),
            ("$HOME `id` \"\\", "'$HOME `id` \"\\'"),
            ("one\ntwo", "'one\ntwo'"),
            ("it's", "\"it's\""),
            ("it's $5 `\"\\", "\"it's \\$5 \\`\\\"\\\\\""),
            ("\u{20ac}", "'\u{20ac}'"),
        ] {
            assert_eq!(quoted(value), text, "{value:?}");
        }
    }
}
