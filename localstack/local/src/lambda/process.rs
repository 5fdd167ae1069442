//! One process of a function: an execution environment.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::function::Settings;
use super::logs::{Logs, Stream};

/// The longest line of a log: one that never ends must not fill our memory.
const LINE: u64 = 16 * 1024 * 1024;

/// Starts a process that asks at this address for its events.
pub(super) fn start(settings: &Settings, api: &str, logs: &Logs) -> std::io::Result<Child> {
    let mut child = command(settings, api).spawn()?;
    if let Some(stream) = child.stdout.take() {
        pass_on(stream, settings.name.clone(), logs.clone());
    }
    if let Some(stream) = child.stderr.take() {
        pass_on(stream, settings.name.clone(), logs.clone());
    }
    Ok(child)
}

/// The command of a process that asks at this address for its events; a measurement of starts runs it
/// itself. The environment is Lambda's and no other: nothing comes from the person who started the runner.
pub fn command(settings: &Settings, api: &str) -> Command {
    let mut command = if settings.dies_with_us {
        // The kernel ends it when we are killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&settings.program);
        command
    } else {
        Command::new(&settings.program)
    };
    let name = &settings.name;
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "en_US.UTF-8")
        .env("TZ", ":UTC")
        .env("LAMBDA_TASK_ROOT", &settings.directory)
        .env("LAMBDA_RUNTIME_DIR", &settings.directory)
        .env("_HANDLER", "bootstrap")
        .env("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", settings.memory.to_string())
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "local")
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .envs(&settings.environment)
        .current_dir(&settings.directory)
        // A group of its own: Ctrl-C at the terminal is the runner's to handle.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn pass_on(stream: impl AsyncRead + Unpin + Send + 'static, name: String, logs: Logs) {
    tokio::spawn(async move {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!((&mut reader).take(LINE).read_until(b'\n', &mut line).await, Ok(1..)) {
            logs.line(&name, Stream::Function, String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    });
}
