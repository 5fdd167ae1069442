//! Tables for people and their spreadsheets: RFC 4180.

use std::borrow::Cow;

use csv::{Terminator, Writer, WriterBuilder};

/// Lines of a table, as they go into the file.
pub(crate) struct Lines(Writer<Vec<u8>>);

impl Lines {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new()))
    }

    /// One more.
    pub(crate) fn push<'c>(
        &mut self,
        cells: impl IntoIterator<Item = &'c str>,
    ) -> Result<(), String> {
        let cells = cells.into_iter().map(harmless);
        let cells: Vec<Cow<'c, str>> = cells.collect();
        self.0.write_record(cells.iter().map(|cell| cell.as_bytes())).map_err(|e| e.to_string())
    }

    /// All of them.
    pub(crate) fn into_bytes(self) -> Result<Vec<u8>, String> {
        self.0.into_inner().map_err(|e| e.to_string())
    }
}

/// A cell that no spreadsheet takes for a formula: whoever writes a title could otherwise have the reader's
/// program do something.
fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}").into()
    } else {
        cell.into()
    }
}

#[cfg(test)]
mod tests {
    use csv::ReaderBuilder;
    use proptest::prelude::*;

    use super::*;

    fn written(cells: &[&str]) -> String {
        let mut lines = Lines::new();
        lines.push(cells.iter().copied()).unwrap();
        String::from_utf8(lines.into_bytes().unwrap()).unwrap()
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for cell in ["=HYPERLINK(1)", "+1", "-1", "@a", "\tx", "\r=1"] {
            let line = written(&["a", cell]);
            assert!(line.starts_with("a,'") || line.starts_with("a,\"'"), "{line:?}");
        }
        assert_eq!(written(&["a=1", " =1", "1-1"]), "a=1, =1,1-1\r\n");
    }

    #[test]
    fn what_would_break_a_line_is_quoted() {
        assert_eq!(
            written(&["a,b", "say \"x\"", "1\n2", ""]),
            "\"a,b\",\"say \"\"x\"\"\",\"1\n2\",\r\n"
        );
    }

    proptest! {
        #[test]
        fn any_cells_are_read_back(cells in prop::collection::vec("(?s).{0,12}", 1..5)) {
            // A file begins with the name of a column, not with whatever a task holds.
            let cells = [vec!["id".to_owned()], cells].concat();
            let line = written(&cells.iter().map(String::as_str).collect::<Vec<_>>());
            let mut reader = ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let read = reader.records().next().unwrap().unwrap();
            prop_assert_eq!(read.len(), cells.len());
            for (cell, read) in cells.iter().zip(&read) {
                prop_assert_eq!(harmless(cell), read);
            }
            prop_assert!(reader.records().next().is_none());
        }
    }
}
