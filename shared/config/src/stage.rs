//! Where this process runs.

use std::fmt;
use std::str::FromStr;

/// The deployment that a process belongs to (`STAGE`). There is no default: a forgotten setting
/// must not turn production into a playground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A laptop or a test: plain HTTP to the issuer is allowed.
    Local,
    /// Before production, with its rules.
    Staging,
    /// Production.
    Production,
}

impl FromStr for Stage {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "local" => Ok(Self::Local),
            "staging" => Ok(Self::Staging),
            "production" => Ok(Self::Production),
            _ => Err("must be local, staging or production"),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Staging => "staging",
            Self::Production => "production",
        })
    }
}
