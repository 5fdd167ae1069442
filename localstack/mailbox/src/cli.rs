//! The program: its settings, and where it refuses to run.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::{Credentials, Mailbox, Settings, TlsFiles};

const USAGE: &str = "usage: STAGE=local mailbox [--smtp 127.0.0.1:1025] [--web 127.0.0.1:8025] \
                     [--dir DIR] [--certificate FILE --key FILE] [--user NAME --password-file FILE]";

/// What the flags say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flags {
    smtp: SocketAddr,
    web: SocketAddr,
    dir: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
}

impl Flags {
    /// Reads the flags of a process on this stage; any stage but `local` is refused.
    fn parse(stage: Option<&str>, args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        if stage != Some("local") {
            let found = stage.unwrap_or("not set");
            return Err(format!("refuses to run: STAGE must be `local`, it is {found}"));
        }
        let mut flags = Self {
            smtp: SocketAddr::from((Ipv4Addr::LOCALHOST, 1025)),
            web: SocketAddr::from((Ipv4Addr::LOCALHOST, 8025)),
            dir: None,
            certificate: None,
            key: None,
            user: None,
            password_file: None,
        };
        let mut args = args.into_iter();
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("no value after {flag}; {USAGE}"))?;
            match flag.as_str() {
                "--smtp" => flags.smtp = address(&value)?,
                "--web" => flags.web = address(&value)?,
                "--dir" => flags.dir = Some(value.into()),
                "--certificate" => flags.certificate = Some(value.into()),
                "--key" => flags.key = Some(value.into()),
                "--user" => flags.user = Some(value),
                "--password-file" => flags.password_file = Some(value.into()),
                _ => return Err(format!("unknown flag {flag}; {USAGE}")),
            }
        }
        Ok(flags)
    }

    /// Reads the password.
    fn settings(self) -> Result<Settings, String> {
        let tls = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            _ => return Err(format!("--certificate and --key belong together; {USAGE}")),
        };
        let credentials = match (self.user, self.password_file) {
            (Some(username), Some(file)) => {
                Some(Credentials { username, password: password(&file)? })
            }
            (None, None) => None,
            _ => return Err(format!("--user and --password-file belong together; {USAGE}")),
        };
        Ok(Settings { smtp: self.smtp, web: self.web, tls, credentials, dir: self.dir })
    }
}

fn address(value: &str) -> Result<SocketAddr, String> {
    value.parse().map_err(|_| format!("`{value}` is no address; {USAGE}"))
}

/// The file's only line. An editor's line break at its end is not part of the password.
#[expect(clippy::disallowed_methods, reason = "read at start, before anything is served")]
fn password(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read the password file {}: {error}", file.display()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(format!("there is no password in {}", file.display()));
    }
    Ok(password.to_owned())
}

/// Runs until it is killed. Exit code 2: it refused to start.
#[expect(clippy::print_stderr, reason = "speaks to the person who started it; there is no log")]
pub fn main() -> ExitCode {
    let started = Flags::parse(stage().as_deref(), std::env::args().skip(1))
        .and_then(Flags::settings)
        .and_then(|settings| Mailbox::start(settings).map_err(|error| error.to_string()));
    match started {
        Ok(mailbox) => {
            let (url, smtp) = (mailbox.url(), mailbox.smtp_address());
            eprintln!("mailbox: serving {url}, takes mail at {smtp}");
            mailbox.wait();
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("mailbox: {reason}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one variable it reads; it needs no `config`")]
fn stage() -> Option<String> {
    std::env::var("STAGE").ok()
}

#[cfg(test)]
mod tests {
    use super::{Flags, Settings, TlsFiles};

    fn parse(stage: Option<&str>, args: &str) -> Result<Flags, String> {
        Flags::parse(stage, args.split_whitespace().map(str::to_owned))
    }

    fn settings(args: &str) -> Result<Settings, String> {
        parse(Some("local"), args)?.settings()
    }

    #[test]
    fn it_refuses_every_stage_but_local() {
        for stage in [None, Some(""), Some("prod"), Some("dev"), Some("LOCAL")] {
            let reason = parse(stage, "").unwrap_err();
            assert!(reason.contains("STAGE") && !reason.contains('\n'), "{reason}");
        }
        let settings = settings("").unwrap();
        assert_eq!(settings.smtp, "127.0.0.1:1025".parse().unwrap());
        assert_eq!(settings.web, "127.0.0.1:8025".parse().unwrap());
    }

    #[test]
    fn it_refuses_flags_that_make_no_sense() {
        for args in ["--smtp", "--smtp nowhere", "--web 1025", "--port 1", "--key k", "--user ann"]
        {
            assert!(settings(args).unwrap_err().contains("usage:"), "{args}");
        }
    }

    #[test]
    fn flags_become_settings() {
        let args = "--smtp [::1]:1 --web 127.0.0.2:2 --dir mails --certificate c.pem --key k.pem";
        let settings = settings(args).unwrap();
        assert_eq!(settings.smtp, "[::1]:1".parse().unwrap());
        assert_eq!(settings.web, "127.0.0.2:2".parse().unwrap());
        assert_eq!(settings.dir, Some("mails".into()));
        let tls = TlsFiles { certificate: "c.pem".into(), key: "k.pem".into() };
        assert_eq!(settings.tls, Some(tls));
        assert_eq!(settings.credentials, None);
    }

    #[test]
    fn the_password_is_the_line_in_its_file() {
        let name = format!("mailbox-password-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        let args = format!("--user ann --password-file {}", file.display());
        assert!(settings(&args).unwrap_err().contains("cannot read"), "there is no file");
        write(&file, "\n");
        assert!(settings(&args).unwrap_err().contains("no password"), "an empty line");
        write(&file, " two words \n");
        let credentials = settings(&args).unwrap().credentials.unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(
            (credentials.username.as_str(), credentials.password.as_str()),
            ("ann", " two words ")
        );
        assert!(!format!("{credentials:?}").contains("words"), "it is never shown");
    }

    #[expect(clippy::disallowed_methods, reason = "a test may block")]
    fn write(file: &std::path::Path, text: &str) {
        std::fs::write(file, text).unwrap();
    }
}
