//! What a person types to choose a commit: the rules of git-check-ref-format(1), and a few of our own.

use std::fmt;

use crate::{
    Error,
    plain::{is_shown, plain},
};

/// The longest name that is accepted, in bytes.
const LONGEST: usize = 255;

/// The name of a branch or a tag, a full `refs/…`, or a full or short commit id (7 to 64 hexadecimal digits).
///
/// It can be no option, no range, no refspec and no expression such as `HEAD^{/x}` or `main@{1}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RefName(String);

impl RefName {
    /// Parses what a person typed.
    ///
    /// # Errors
    /// [`Error::InvalidRef`] with the reason.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match refusal(text) {
            None => Ok(Self(text.into())),
            Some(reason) => Err(Error::InvalidRef { shown: plain(text, 100), reason }),
        }
    }

    /// The name as it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as the start of a commit id, in lower case, when it can be one.
    pub(crate) fn as_hex(&self) -> Option<String> {
        let fits = (7..=64).contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| self.0.to_ascii_lowercase())
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn refusal(text: &str) -> Option<&'static str> {
    let short =
        ["refs/heads/", "refs/tags/"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let has = |odd: &[char]| text.contains(odd);
    if text.is_empty() || short.is_empty() {
        Some("it is empty")
    } else if text.len() > LONGEST {
        Some("it is longer than 255 bytes")
    } else if text.starts_with('-') || short.starts_with('-') {
        Some("it starts with '-'")
    } else if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        Some("it has a space or a control character")
    } else if !text.chars().all(is_shown) {
        Some("it has a character that turns the direction of writing")
    } else if has(&['~', '^', ':', '?', '*', '[', '\\']) {
        Some("it has one of ~ ^ : ? * [ \\")
    } else if text.contains("..") || text.contains("@{") || text == "@" {
        Some("it has '..' or '@{', or is '@'")
    } else if text.starts_with('/') || text.ends_with('/') || text.contains("//") {
        Some("it has a slash at an end or two in a row")
    } else if text.ends_with('.') || text.split('/').any(|part| part.starts_with('.')) {
        Some("it ends with '.', or a part of it starts with '.'")
    } else if text.split('/').any(|part| part.strip_suffix(".lock").is_some()) {
        Some("a part of it ends with '.lock'")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_use_are_accepted() {
        for text in [
            "main",
            "feature/login",
            "v1.2.3",
            "refs/heads/main",
            "refs/tags/v1",
            "0123abc",
            "ünï/码",
            "a-b",
            "a@b",
            "fix#12",
            "it's",
            "$(id)",
            "`id`",
            "a;b",
            "x{1}",
            &"x".repeat(255),
        ] {
            assert!(RefName::parse(text).is_ok(), "{text} was refused");
        }
    }

    #[test]
    fn options_ranges_refspecs_and_expressions_are_refused() {
        for text in [
            "",
            "--upload-pack=x",
            "-x",
            "a..b",
            "@{-1}",
            "main@{1}",
            "@",
            "refs/heads/x:refs/heads/y",
            "HEAD^{/x}",
            "main~1",
            "a?",
            "a*",
            "a[b",
            "a\\b",
            "a b",
            "a\u{a0}b",
            "a\tb",
            "a\nb",
            "a\0b",
            "a\u{85}b",
            "main\u{202e}",
            "a\u{2066}b",
            "x.lock",
            "x.lock/y",
            "a//b",
            "/a",
            "a/",
            "a.",
            ".a",
            "a/.b",
            "refs/heads/-x",
            "refs/tags/",
            &"x".repeat(256),
        ] {
            assert!(RefName::parse(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn a_commit_id_has_seven_to_sixty_four_digits() {
        let hex = |text: &str| RefName::parse(text).unwrap().as_hex();
        assert_eq!(hex("ABCDEF0").as_deref(), Some("abcdef0"));
        assert_eq!(hex("abcdef"), None);
        assert_eq!(hex("abcdefg"), None);
        assert_eq!(hex(&"a".repeat(65)), None);
    }
}
