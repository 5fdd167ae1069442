//! The program: its settings, and where it refuses to run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::{Issuer, Realm, backchannel};

const USAGE: &str =
    "usage: STAGE=local issuer [--listen 127.0.0.1:8080] [--realm FILE] [--logout-url URL]";

/// What the flags say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) realm: PathBuf,
    /// Where logouts are told, instead of where the realm says.
    pub(crate) logout_url: Option<String>,
}

impl Settings {
    /// Reads the flags of a process on this stage; any stage but `local` is refused.
    pub(crate) fn parse(
        stage: Option<&str>,
        args: impl IntoIterator<Item = String>,
    ) -> Result<Self, String> {
        if stage != Some("local") {
            let found = stage.unwrap_or("not set");
            return Err(format!("refuses to run: STAGE must be `local`, it is {found}"));
        }
        let mut settings = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            realm: PathBuf::from("localstack/keycloak/task-manager-realm.json"),
            logout_url: None,
        };
        let mut args = args.into_iter();
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("no value after {flag}; {USAGE}"))?;
            match flag.as_str() {
                "--listen" => {
                    settings.listen =
                        value.parse().map_err(|_| format!("`{value}` is no address; {USAGE}"))?;
                }
                "--realm" => settings.realm = PathBuf::from(value),
                "--logout-url" if backchannel::address(&value).is_some() => {
                    settings.logout_url = Some(value);
                }
                "--logout-url" => return Err(format!("`{value}` is no http URL; {USAGE}")),
                _ => return Err(format!("unknown flag {flag}; {USAGE}")),
            }
        }
        if settings.listen.ip().is_loopback() {
            Ok(settings)
        } else {
            let listen = settings.listen;
            Err(format!("refuses to run: {listen} is not a loopback address"))
        }
    }
}

/// Runs until it is killed. Exit code 2: it refused to start.
#[expect(clippy::print_stderr, reason = "speaks to the person who started it; there is no log")]
pub fn main() -> ExitCode {
    let started = Settings::parse(stage().as_deref(), std::env::args().skip(1)).and_then(|found| {
        let realm = Realm::read(&found.realm).map_err(|error| error.to_string())?;
        let issuer = Issuer::start(realm, found.listen).map_err(|error| error.to_string())?;
        issuer.set_logout_url(found.logout_url);
        Ok(issuer)
    });
    match started {
        Ok(issuer) => {
            eprintln!("issuer: serving {}", issuer.url());
            issuer.wait();
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("issuer: {reason}");
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
    use super::Settings;

    fn parse(stage: Option<&str>, args: &str) -> Result<Settings, String> {
        Settings::parse(stage, args.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn it_refuses_every_stage_but_local() {
        for stage in [None, Some(""), Some("prod"), Some("dev"), Some("LOCAL")] {
            let reason = parse(stage, "").unwrap_err();
            assert!(reason.contains("STAGE") && !reason.contains('\n'), "{reason}");
        }
        assert_eq!(parse(Some("local"), "").unwrap().listen, "127.0.0.1:8080".parse().unwrap());
    }

    #[test]
    fn it_refuses_addresses_others_can_reach() {
        for listen in ["0.0.0.0:8080", "[::]:8080", "192.168.0.1:8080"] {
            let reason = parse(Some("local"), &format!("--listen {listen}")).unwrap_err();
            assert!(reason.contains("not a loopback address"), "{reason}");
        }
        let settings = parse(Some("local"), "--listen [::1]:9090 --realm other.json").unwrap();
        assert_eq!(settings.listen, "[::1]:9090".parse().unwrap());
        assert_eq!(settings.realm.to_str(), Some("other.json"));
        assert_eq!(settings.logout_url, None, "where the realm says");
    }

    #[test]
    fn it_refuses_flags_it_does_not_know() {
        for args in ["--listen", "--listen nowhere", "--port 1", "--logout-url"] {
            assert!(parse(Some("local"), args).unwrap_err().contains("usage:"), "{args}");
        }
    }

    #[test]
    fn it_refuses_logout_urls_that_it_could_not_call() {
        for url in ["nowhere", "/oidc/backchannel-logout", "https://127.0.0.1/x", "http://"] {
            let reason = parse(Some("local"), &format!("--logout-url {url}")).unwrap_err();
            assert!(reason.contains("no http URL") && reason.contains("usage:"), "{reason}");
        }
        let url = "http://127.0.0.1:3000/oidc/backchannel-logout";
        let settings = parse(Some("local"), &format!("--logout-url {url}")).unwrap();
        assert_eq!(settings.logout_url.as_deref(), Some(url));
    }
}
