//! Real processes of one function.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use config::Env;
use route::gateway::{Answer, Event};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::reply::Reply;
use crate::runtime_api::{RuntimeApi, Seat};

/// Some processes of one function, which share the work. They end when the fleet is dropped.
pub struct Fleet {
    api: RuntimeApi,
    function: String,
    env: Env,
    processes: Mutex<HashMap<Seat, Child>>,
    output: Arc<Mutex<Vec<String>>>,
}

/// What a process gets for an event before its caller gives up.
const PATIENCE: Duration = Duration::from_secs(20);

impl Fleet {
    /// Starts `count` processes of a function with these settings.
    pub async fn start(function: &str, env: &Env, count: usize) -> Self {
        let fleet = Self {
            api: RuntimeApi::start().await,
            function: function.to_owned(),
            env: env.clone(),
            processes: Mutex::default(),
            output: Arc::default(),
        };
        for _ in 0..count {
            fleet.start_one().await;
        }
        fleet
    }

    async fn start_one(&self) {
        let api = self.api.another().await;
        let process = spawn(&self.function, &self.env, &api, &self.output);
        lock(&self.processes).insert(api.seat(), process);
    }

    /// Has one of them answer an event.
    pub async fn answer(&self, event: &Event) -> Result<Reply, String> {
        self.answer_raw(&serde_json::to_string(event).unwrap()).await
    }

    /// Has one of them answer a payload, whether it is an event or not.
    pub async fn answer_raw(&self, payload: &str) -> Result<Reply, String> {
        reply(&self.api.invoke(payload.to_owned(), PATIENCE).await?)
    }

    /// Has one of them answer an event, but kills it (as `kill -9` does) if `deadline` comes first, which
    /// begins when the event is taken; another one takes its place. What came of the event is unknown.
    pub async fn answer_or_die(
        &self,
        event: &Event,
        deadline: impl Future<Output = ()>,
    ) -> Result<Reply, String> {
        let event = serde_json::to_string(event).unwrap();
        let mut pending = self.api.begin(event, PATIENCE);
        let seat = (&mut pending.taken).await.map_err(|_| "nobody took it".to_owned())?;
        let answer = pending.answer(PATIENCE);
        tokio::select! {
            answer = answer => reply(&answer?),
            () = deadline => {
                self.kill(seat).await;
                self.start_one().await;
                Err("the process was killed".to_owned())
            }
        }
    }

    async fn kill(&self, seat: Seat) {
        let process = lock(&self.processes).remove(&seat);
        if let Some(mut process) = process {
            process.kill().await.expect("a process can be killed");
        }
        self.api.leave(seat);
    }

    /// What they have written so far, to either stream.
    pub fn output(&self) -> Vec<String> {
        lock(&self.output).clone()
    }

    /// How many still run.
    pub fn running(&self) -> usize {
        let alive = |child: &mut Child| matches!(child.try_wait(), Ok(None));
        lock(&self.processes).values_mut().map(alive).filter(|alive| *alive).count()
    }

    /// Runs a process that is expected to end by itself: whether it succeeded, and its words.
    pub async fn run_to_end(function: &str, env: &Env) -> (bool, String) {
        let output = command(function, env).kill_on_drop(true).output().await.expect("a process");
        let words = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&words).into_owned())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reply(answer: &[u8]) -> Result<Reply, String> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|e| e.to_string())?;
    Ok(Reply::of(answer))
}

fn spawn(function: &str, env: &Env, api: &RuntimeApi, output: &Arc<Mutex<Vec<String>>>) -> Child {
    let mut child = command(function, env)
        .env("AWS_LAMBDA_RUNTIME_API", api.address())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|e| panic!("{function}: {e}; build it with `cargo build --bins`"));
    collect(child.stdout.take().unwrap(), Arc::clone(output));
    collect(child.stderr.take().unwrap(), Arc::clone(output));
    child
}

/// The command of a function, in the environment that Lambda would give it and no other.
fn command(function: &str, env: &Env) -> Command {
    let mut command = Command::new(binary(function));
    let aws = Env::load().expect("an environment");
    let aws = aws.pairs().filter(|(name, _)| {
        let lambda = name.starts_with("AWS_LAMBDA");
        (name.starts_with("AWS_") && !lambda) || *name == "PATH"
    });
    command
        .env_clear()
        .envs(aws)
        .envs(env.pairs())
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "1")
        // A folder without a `.env`.
        .current_dir(std::env::temp_dir());
    command
}

/// The binary that was built with the tests.
fn binary(function: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.ancestors().nth(2).expect("target/debug/deps/…");
    folder.join(function)
}

fn collect(stream: impl AsyncRead + Unpin + Send + 'static, lines: Arc<Mutex<Vec<String>>>) {
    tokio::spawn(async move {
        let mut reader = BufReader::new(stream).lines();
        while let Ok(Some(line)) = reader.next_line().await {
            lock(&lines).push(line);
        }
    });
}
