//! LocalStack without Docker: Secrets Manager, SQS and S3 as one Python process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use crate::account::Account;
use crate::pids::PidFile;
use crate::process::{Launch, Process};
use crate::state::LocalStackState;
use crate::{Error, Folder, checkout, files, http, ports};

/// The region that LocalStack plays.
pub const REGION: &str = "us-east-1";

const NAME: &str = "localstack";
const SERVICES: &str = "secretsmanager,sqs,s3";
/// It keeps nothing, so there is nothing to wait for.
const STOP: &[(Signal, Duration)] = &[(Signal::KILL, Duration::from_secs(5))];

/// Its own server listens on all addresses whatever it is told. This tells it once more, then
/// starts it as its own entry point does.
const START: &str = "\
import functools
from twisted.internet import endpoints
endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface='127.0.0.1')
from localstack.runtime.main import main
main()
";

/// A LocalStack. Stopped, it has forgotten everything.
#[derive(Debug)]
pub struct LocalStack {
    port: u16,
    process: Process,
}

impl LocalStack {
    /// Prepares it; it does not run yet.
    pub fn create(folder: &Folder, port: u16) -> Result<Self, Error> {
        let program = python(&checkout().join(".local/localstack-venv"))?;
        let home = folder.own(NAME)?;
        let temporary = home.join("tmp");
        files::make_folder(&temporary, true)?;
        let address = format!("127.0.0.1:{port}");

        let launch = Launch {
            name: NAME,
            program,
            arguments: vec!["-c".into(), START.into()],
            environment: vec![
                ("HOME", home.clone().into()),
                ("TMPDIR", temporary.into()),
                ("FILESYSTEM_ROOT", home.join("files").into()),
                ("LOCALSTACK_VOLUME_DIR", home.join("volume").into()),
                ("GATEWAY_LISTEN", address.clone().into()),
                // Queue URLs hold an address that needs no DNS.
                ("LOCALSTACK_HOST", address.into()),
                ("SQS_ENDPOINT_STRATEGY", "path".into()),
                ("SERVICES", SERVICES.into()),
                ("PERSISTENCE", "0".into()),
                // Nothing from the network, nothing to it, no name server on port 53.
                ("DISABLE_EVENTS", "1".into()),
                ("SKIP_SSL_CERT_DOWNLOAD", "1".into()),
                ("DNS_ADDRESS", "0".into()),
                ("SQS_DISABLE_CLOUDWATCH_METRICS", "1".into()),
                ("AWS_DEFAULT_REGION", REGION.into()),
                ("PYTHONUNBUFFERED", "1".into()),
            ],
            directory: home,
            account: Account::OWN,
            when_orphaned: "KILL",
            log: folder.log(NAME),
            pid_file: PidFile::new(folder, NAME),
        };
        Ok(Self { port, process: Process::new(launch, STOP) })
    }

    /// Starts it and waits until it says that its services can be used.
    pub fn start(&mut self) -> Result<(), Error> {
        self.stop()?;
        ports::require_free(NAME, self.port)?;
        let port = self.port;
        self.process.start(Duration::from_mins(2), |_| {
            http::request(port, "GET", "/_localstack/health", &[], "")
                .is_ok_and(|answer| answer.status == 200 && is_healthy(&answer.body))
        })
    }

    /// Ends it at once.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.process.stop(STOP)
    }

    /// Holds it where it is, until [`Self::thaw`]: it takes connections and requests, and answers none.
    pub fn freeze(&mut self) -> Result<(), Error> {
        self.process.freeze()
    }

    /// Lets it go on, with what it was sent meanwhile.
    pub fn thaw(&mut self) -> Result<(), Error> {
        self.process.thaw()
    }

    /// Where it is.
    pub fn address(&self) -> LocalStackState {
        let url = format!("http://127.0.0.1:{}", self.port);
        LocalStackState { url, region: REGION.to_owned() }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// The Python of the virtual environment, whose place the script `install` has written down.
fn python(note: &Path) -> Result<PathBuf, Error> {
    let missing = |why: String| Error::NoLocalStack { why };
    let folder = files::read_optional(note)?
        .ok_or_else(|| missing(format!("there is no {}", note.display())))?;
    let python = Path::new(folder.trim()).join("bin/python");
    if python.exists() {
        Ok(python)
    } else {
        Err(missing(format!("there is no {}", python.display())))
    }
}

fn is_healthy(body: &str) -> bool {
    let Ok(health) = serde_json::from_str::<serde_json::Value>(body) else { return false };
    SERVICES.split(',').all(|service| {
        matches!(health["services"][service].as_str(), Some("available" | "running"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn healthy_when_all_three_services_are() {
        let body =
            r#"{"services":{"sqs":"running","s3":"available","secretsmanager":"available"}}"#;
        assert!(is_healthy(body));
        assert!(!is_healthy(&body.replace("running", "disabled")));
        assert!(!is_healthy("starting"));
    }
}
