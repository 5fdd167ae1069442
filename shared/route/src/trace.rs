//! The trace that a request belongs to (W3C Trace Context).

use clock::Clock;

/// The trace, and this request's own place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    id: String,
    span: String,
    flags: String,
}

impl Trace {
    /// Goes on with the trace of a `traceparent` header, or starts a new one if there is none that
    /// is valid.
    pub fn of(header: Option<&str>, clock: &Clock) -> Self {
        // The last 16 digits of a UUIDv7 are random but for two bits.
        let span = clock.new_id().simple().to_string()[16..].to_owned();
        match header.and_then(parse) {
            Some((id, flags)) => Self { id: id.to_owned(), span, flags: flags.to_owned() },
            None => Self { id: clock.new_id().simple().to_string(), span, flags: "01".to_owned() },
        }
    }

    /// The id of the trace.
    pub fn trace_id(&self) -> &str {
        &self.id
    }

    /// The header with which whoever comes next goes on.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{}", self.id, self.span, self.flags)
    }
}

/// Trace id and flags of a valid header.
fn parse(header: &str) -> Option<(&str, &str)> {
    let mut parts = header.split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_zero = |text: &str| text.bytes().all(|b| b == b'0');
    let valid = is_hex(version, 2)
        && version != "ff"
        // A later version may append parts; version 00 has exactly four.
        && (version != "00" || parts.next().is_none())
        && is_hex(trace, 32)
        && !is_zero(trace)
        && is_hex(parent, 16)
        && !is_zero(parent)
        && is_hex(flags, 2);
    valid.then_some((trace, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    #[test]
    fn a_valid_trace_goes_on_under_a_new_span() {
        let trace = Trace::of(Some(GIVEN), &Clock::system());
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(trace.traceparent().ends_with("-00"));
        assert_ne!(trace.traceparent(), GIVEN);
        assert!(parse(&trace.traceparent()).is_some());
    }

    #[test]
    fn an_invalid_one_starts_anew() {
        for header in [
            "",
            "00-4bf9",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-00",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-x",
        ] {
            let trace = Trace::of(Some(header), &Clock::system());
            assert_ne!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736", "{header}");
            assert!(parse(&trace.traceparent()).is_some());
        }
    }
}
