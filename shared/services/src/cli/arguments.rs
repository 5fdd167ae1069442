//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

const USAGE: &str = "\
usage:
  services run [--dir DIR] [--keep] [--redis-cluster] -- COMMAND [ARGUMENT…]
      starts Postgres, PgBouncer, Redis and LocalStack, runs the command, stops them.
      The command finds their description at the path in SERVICES_STATE.
      --keep leaves data and logs; otherwise only the logs stay, and only after a failure.
      --redis-cluster starts a cluster of three Redis instead of one.
  services up --dir DIR
      the same until Ctrl-C; the data stays in DIR.
  services down --dir DIR
      ends what runs in DIR.";

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Run(Run),
    Up { dir: PathBuf },
    Down { dir: PathBuf },
}

/// `services run`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) dir: Option<PathBuf>,
    pub(crate) keep: bool,
    pub(crate) redis_cluster: bool,
    /// At least the program.
    pub(crate) command: Vec<OsString>,
}

impl Call {
    /// The error is what to tell the person.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let wrong = |what: &str| format!("services: {what}\n{USAGE}");
        let verb = arguments.next().ok_or_else(|| wrong("what shall it do?"))?;
        let (mut dir, mut command) = (None, Vec::new());
        let (mut keep, mut redis_cluster) = (false, false);
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--dir") => {
                    let value = arguments.next().ok_or_else(|| wrong("--dir needs a folder"))?;
                    dir = Some(PathBuf::from(value));
                }
                Some("--keep") => keep = true,
                Some("--redis-cluster") => redis_cluster = true,
                Some("--") => command = arguments.by_ref().collect(),
                _ => return Err(wrong(&format!("what is {}?", argument.display()))),
            }
        }
        let is_run = verb == "run";
        if is_run && command.is_empty() {
            return Err(wrong("run needs -- and a command"));
        }
        if !is_run && (keep || redis_cluster || !command.is_empty()) {
            return Err(wrong("--keep, --redis-cluster and a command belong to run"));
        }
        let need = dir.clone().ok_or_else(|| wrong("--dir is missing"));
        match verb.to_str() {
            Some("run") => Ok(Self::Run(Run { dir, keep, redis_cluster, command })),
            Some("up") => Ok(Self::Up { dir: need? }),
            Some("down") => Ok(Self::Down { dir: need? }),
            _ => Err(wrong(&format!("what is {}?", verb.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Call, String> {
        Call::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn everything_behind_the_dashes_is_the_command() {
        let call = parse("run --keep -- cargo test --dir x -- y").unwrap();
        let command = "cargo test --dir x -- y".split(' ').map(OsString::from).collect();
        let run = Run { dir: None, keep: true, redis_cluster: false, command };
        assert_eq!(call, Call::Run(run));
    }

    #[test]
    fn redis_is_a_cluster_on_request() {
        let call = parse("run --redis-cluster -- true").unwrap();
        let command = vec!["true".into()];
        let run = Run { dir: None, keep: false, redis_cluster: true, command };
        assert_eq!(call, Call::Run(run));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(parse("up").unwrap_err().starts_with("services: --dir is missing"));
        assert!(parse("run --dir x").unwrap_err().contains("needs -- and a command"));
        assert!(parse("down --dir x --keep").unwrap_err().contains("belong to run"));
        assert!(parse("up --dir x --redis-cluster").unwrap_err().contains("belong to run"));
        assert!(parse("stop --dir x").unwrap_err().contains("what is stop?"));
        assert_eq!(parse("down --dir x"), Ok(Call::Down { dir: "x".into() }));
    }
}
