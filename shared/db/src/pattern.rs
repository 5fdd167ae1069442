//! Patterns for `LIKE`.

/// Matches whatever contains the text, which means itself: `%`, `_` and `\` are not special in it.
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::containing;

    #[test]
    fn what_is_special_is_taken_literally() {
        assert_eq!(containing("50% of a_b\\c"), r"%50\% of a\_b\\c%");
    }
}
