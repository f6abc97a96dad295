//! Text written by strangers, made harmless to show on a terminal or a page: one line, no control characters, not too long.

/// Returns at most `longest` characters of a text. Control characters and the ones that turn the direction of writing
/// become U+FFFD; a cut is marked with `…`.
pub(crate) fn plain(text: &str, longest: usize) -> String {
    let mut shown: String =
        text.chars().take(longest).map(|c| if is_shown(c) { c } else { '\u{fffd}' }).collect();
    if text.chars().nth(longest).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// Tells whether a character is one that people see, and does nothing to others.
pub(crate) fn is_shown(c: char) -> bool {
    // Directional embeddings, overrides, isolates and marks, and the line and paragraph separators.
    let turns =
        matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    !c.is_control() && !turns && !matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn escapes_and_overrides_lose_their_power() {
        assert_eq!(plain("a\u{1b}[31mred\u{202e}x\ny", 50), "a\u{fffd}[31mred\u{fffd}x\u{fffd}y");
        assert_eq!(plain("<script>", 50), "<script>");
    }

    #[test]
    fn long_text_is_cut_with_a_mark() {
        assert_eq!(plain("äöü", 3), "äöü");
        assert_eq!(plain("äöüx", 3), "äö…");
    }
}
