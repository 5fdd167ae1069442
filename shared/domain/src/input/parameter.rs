//! The kinds of value that a query parameter can have. They arrive as text.

use std::ops::RangeInclusive;

use uuid::Uuid;

use super::{Fault, parse_uuid};
use crate::Timestamp;

/// A UUID in its usual form of 36 characters.
pub fn uuid(text: &str) -> Result<Uuid, Fault> {
    parse_uuid(text).ok_or_else(|| Fault::new("invalid_uuid", "must be a UUID"))
}

/// A point in time with date, time and offset.
pub fn timestamp(text: &str) -> Result<Timestamp, Fault> {
    Timestamp::parse(text).ok_or_else(|| {
        Fault::new(
            "invalid_timestamp",
            "must be an RFC 3339 date and time with an offset, such as 2026-01-31T09:30:00Z",
        )
    })
}

/// `true` or `false`.
pub fn flag(text: &str) -> Result<bool, Fault> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Fault::new("invalid_value", "must be true or false")),
    }
}

/// A whole number in a range, in decimal digits.
pub fn number(text: &str, range: RangeInclusive<u32>) -> Result<u32, Fault> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(Fault::new("invalid_value", "must be a whole number"));
    }
    // Digits that do not fit the type are too large a number, not a wrong word.
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (least, most) = range.into_inner();
        Fault::new("out_of_range", format!("must be from {least} to {most}"))
    })
}

/// One of a fixed list of words.
pub fn word<T>(text: &str, named: fn(&str) -> Option<T>, allowed: &str) -> Result<T, Fault> {
    named(text).ok_or_else(|| Fault::new("invalid_value", format!("must be one of {allowed}")))
}

/// Words of a fixed list with commas between them: each once, in the order of the list, so that
/// equal questions are equal.
pub fn words<T: Ord>(
    text: &str,
    named: fn(&str) -> Option<T>,
    allowed: &str,
) -> Result<Vec<T>, Fault> {
    let words: Option<Vec<T>> = text.split(',').map(named).collect();
    let mut words = words.ok_or_else(|| {
        Fault::new("invalid_value", format!("must be a comma-separated list of {allowed}"))
    })?;
    words.sort_unstable();
    words.dedup();
    Ok(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::FieldError;

    fn code<T: std::fmt::Debug>(read: Result<T, Fault>) -> &'static str {
        let FieldError { code, .. } = read.unwrap_err().of_parameter("p");
        code
    }

    #[test]
    fn a_number_is_digits_within_a_range() {
        assert_eq!(number("1", 1..=100), Ok(1));
        assert_eq!(number("0100", 1..=100), Ok(100));
        for text in ["0", "101", "99999999999999999999"] {
            assert_eq!(code(number(text, 1..=100)), "out_of_range", "{text}");
        }
        for text in ["", "-1", "+1", "1.0", " 1", "1e2", "\u{0661}"] {
            assert_eq!(code(number(text, 1..=100)), "invalid_value", "{text}");
        }
    }

    #[test]
    fn a_flag_has_two_spellings() {
        assert_eq!((flag("true"), flag("false")), (Ok(true), Ok(false)));
        for text in ["", "1", "True", "yes"] {
            assert_eq!(code(flag(text)), "invalid_value", "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_number_of_the_range_is_read(given in 0_u32..=10_000, most in 0_u32..=10_000) {
            prop_assert_eq!(number(&given.to_string(), 0..=most).is_ok(), given <= most);
        }
    }
}
