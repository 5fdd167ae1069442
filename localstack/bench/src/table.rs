//! The rows of the result, and the table that they make.

use std::fmt::Write as _;

use serde::Serialize;

/// One number, and what it is to be.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// What it was.
    pub(crate) measured: String,
    /// The floor, or what else it is compared with.
    pub(crate) other: String,
    /// The two together.
    pub(crate) ratio: String,
    /// What it should be.
    pub(crate) target: String,
    /// Whether it is; none if nothing is asked of it.
    pub(crate) met: Option<bool>,
    /// How it was measured.
    pub(crate) about: String,
    /// Why it falls short, if it does.
    pub(crate) shortfall: String,
}

/// What a number should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    /// Whether it is. What could not be measured is not.
    pub(crate) fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }
}

const HEAD: [&str; 6] = ["what", "measured", "other side", "ratio or bound", "target", "met?"];

impl Row {
    fn cells(&self) -> [&str; 6] {
        let Self { what, measured, other, ratio, target, .. } = self;
        [what, measured, other, ratio, target, self.verdict()]
    }

    pub(crate) fn verdict(&self) -> &'static str {
        match self.met {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        }
    }
}

/// For a terminal.
pub(crate) fn text(rows: &[Row]) -> String {
    let all: Vec<_> = std::iter::once(HEAD).chain(rows.iter().map(Row::cells)).collect();
    let widths = HEAD.map(str::len);
    let widths = all.iter().fold(widths, |mut widths, cells| {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
        widths
    });
    let mut table = String::new();
    for (number, cells) in all.iter().enumerate() {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = padded.collect::<Vec<_>>().join(" | ");
        let _ = writeln!(table, "{}", line.trim_end());
        if number == 0 {
            let _ = writeln!(table, "{}", widths.map(|width| "-".repeat(width)).join("-+-"));
        }
    }
    table
}

/// For a page.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let line =
        |cells: [&str; 6]| format!("| {} |\n", cells.map(|c| c.replace('|', "\\|")).join(" | "));
    let mut table = line(HEAD);
    table.push_str("|---|---|---|---|---|---|\n");
    for row in rows {
        table.push_str(&line(row.cells()));
    }
    table
}

/// Milliseconds, as exact as is of interest.
pub(crate) fn ms(value: f64) -> String {
    match value {
        value if value < 1.0 => format!("{:.0} µs", value * 1000.0),
        value if value < 10.0 => format!("{value:.2} ms"),
        value => format!("{value:.1} ms"),
    }
}

/// `1.23 ×`.
pub(crate) fn times(value: f64) -> String {
    format!("{value:.2} ×")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(what: &str, met: Option<bool>) -> Row {
        Row {
            what: what.into(),
            measured: "1.00 ms".into(),
            other: "500 µs".into(),
            ratio: "2.00 ×".into(),
            target: "≤ 2 ×".into(),
            met,
            about: String::new(),
            shortfall: String::new(),
        }
    }

    #[test]
    fn a_target_is_met_at_its_bound_and_never_by_nothing() {
        assert!(Target::AtMost(2.0).is_met_by(2.0) && !Target::AtMost(2.0).is_met_by(2.01));
        assert!(Target::AtLeast(0.6).is_met_by(0.6) && !Target::AtLeast(0.6).is_met_by(0.59));
        for target in [Target::AtMost(2.0), Target::AtLeast(0.6)] {
            assert!(!target.is_met_by(f64::NAN));
        }
    }

    #[test]
    fn columns_are_aligned_also_when_characters_have_several_bytes() {
        let rows = [row("short", Some(true)), row("a longer one", Some(false)), row("µ", None)];
        let text = text(&rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5);
        assert!(lines[0].starts_with("what         | measured | other side | ratio or bound"));
        assert!(lines[1].starts_with("-------------+----------+"));
        let ends: Vec<_> = lines[2..].iter().filter_map(|line| line.rsplit(' ').next()).collect();
        assert_eq!(ends, ["yes", "no", "-"]);
        let bars = |line: &str| -> Vec<_> {
            let marks = line.chars().enumerate().filter(|(_, c)| *c == '|');
            marks.map(|(place, _)| place).collect()
        };
        assert!(lines[2..].iter().all(|line| bars(line) == bars(lines[0])), "{text}");
    }

    #[test]
    fn a_page_has_a_table_of_markdown() {
        let page = markdown(&[row("a|b", Some(false))]);
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines[0], "| what | measured | other side | ratio or bound | target | met? |");
        assert_eq!(lines[1], "|---|---|---|---|---|---|");
        assert_eq!(lines[2], "| a\\|b | 1.00 ms | 500 µs | 2.00 × | ≤ 2 × | no |");
    }

    #[test]
    fn times_are_as_exact_as_is_of_interest() {
        assert_eq!(ms(0.1234), "123 µs");
        assert_eq!(ms(1.2345), "1.23 ms");
        assert_eq!(ms(12.345), "12.3 ms");
        assert_eq!(times(1.456), "1.46 ×");
    }
}
