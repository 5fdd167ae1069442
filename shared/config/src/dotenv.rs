//! The `.env` file of local use: `NAME=value` lines, `#` comments, optional quotes.

use crate::ConfigError;

/// Reads the lines of a `.env` file.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let mut pairs = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            return Err(ConfigError::new(
                ".env",
                format!("line {} is not of the form NAME=value", number + 1),
            ));
        };
        pairs.push((name.trim().to_owned(), unquoted(value.trim()).to_owned()));
    }
    Ok(pairs)
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|v| v.strip_suffix(quote)) {
            return inner;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_people_write() {
        let pairs = parse("# local\n\nA=1\nexport B = \"two words\"\nC='x=y'\nD=\n").unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("A", "1"), ("B", "two words"), ("C", "x=y"), ("D", "")]);
    }

    #[test]
    fn it_names_the_line_it_cannot_read() {
        let error = parse("A=1\nwhat is this").unwrap_err().to_string();
        assert_eq!(error, ".env: line 2 is not of the form NAME=value");
    }
}
