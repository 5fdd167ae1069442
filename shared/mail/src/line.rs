//! Text of strangers on one line: what goes into a header must not be able to end it.

/// The same words on one line. Whatever a mail program could take for the end of a line, and all that is
/// not seen, becomes a space.
pub(crate) fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let words = text.split(|c| breaks(c) || c == ' ').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn nothing_ends_the_line() {
        assert_eq!(one_line("Plan\r\nBcc: eve@example.com"), "Plan Bcc: eve@example.com");
        assert_eq!(one_line("a\nb\rc\u{b}d\u{c}e\u{85}f\u{2028}g\0h\ti"), "a b c d e f g h i");
        assert_eq!(one_line("  Zwölf  Töpfe "), "Zwölf Töpfe");
        assert_eq!(one_line("\r\n"), "");
    }
}
