//! Real processes of one function.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clock::Clock;
use config::Env;
use local::lambda::{Function, Logs, Settings, Stream};
use route::gateway::{Answer, Event};
use serde_json::Value;
use tokio::process::Command;

use crate::reply::Reply;

/// Some processes of one function, which share the work. They end when the fleet is dropped.
pub struct Fleet {
    function: Function,
    output: Arc<Mutex<Output>>,
}

#[derive(Default)]
struct Output {
    lines: Vec<String>,
    deaths: usize,
}

/// What a process gets for an event before it is killed.
const PATIENCE: Duration = Duration::from_secs(20);

impl Fleet {
    /// Starts `count` processes of a function with these settings.
    pub fn start(function: &str, env: &Env, count: usize) -> Self {
        Self::patient(function, env, count, PATIENCE)
    }

    /// The same with another time for an event.
    pub fn patient(function: &str, env: &Env, count: usize, patience: Duration) -> Self {
        let output = Arc::<Mutex<Output>>::default();
        let sink = Arc::clone(&output);
        let logs = Logs::to(move |_, stream, words| {
            let mut output = lock(&sink);
            match stream {
                Stream::Function => output.lines.push(words.to_owned()),
                Stream::Runner if words.starts_with("a process ended") => output.deaths += 1,
                Stream::Runner => {}
            }
        });
        let settings = Settings { timeout: patience, ..settings(function, env, count) };
        let function = Function::new(settings, Clock::system(), logs);
        function.start(count);
        Self { function, output }
    }

    /// Has one of them answer an event.
    pub async fn answer(&self, event: &Event) -> Result<Reply, String> {
        self.answer_raw(&serde_json::to_string(event).unwrap()).await
    }

    /// Has one of them answer a payload, whether it is an event or not.
    pub async fn answer_raw(&self, payload: &str) -> Result<Reply, String> {
        let answer = self.function.invoke(payload.to_owned().into(), "").await;
        reply(&answer.map_err(|failure| failure.to_string())?)
    }

    /// Has one of them deal with a payload that comes from no gateway.
    pub async fn work(&self, payload: &Value) -> Result<Value, String> {
        let answer = self.function.invoke(payload.to_string().into(), "").await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        serde_json::from_slice(&answer).map_err(|error| error.to_string())
    }

    /// Has one of them answer an event, but kills it (as `kill -9` does) if `deadline` comes first, which
    /// begins when the event is taken; another one takes its place. What came of the event is unknown.
    pub async fn answer_or_die(
        &self,
        event: &Event,
        deadline: impl Future<Output = ()>,
    ) -> Result<Reply, String> {
        let event = serde_json::to_string(event).unwrap();
        let mut pending = self.function.begin(event.into(), "");
        let seat = (&mut pending.taken).await.map_err(|_| "nobody took it".to_owned())?;
        let answer = pending.answer();
        tokio::select! {
            answer = answer => reply(&answer.map_err(|failure| failure.to_string())?),
            () = deadline => {
                self.function.kill(seat);
                self.function.start(1);
                Err("the process was killed".to_owned())
            }
        }
    }

    /// What they have written so far, to either stream.
    pub fn output(&self) -> Vec<String> {
        lock(&self.output).lines.clone()
    }

    /// How many ended without being told to.
    pub fn deaths(&self) -> usize {
        lock(&self.output).deaths
    }

    /// Runs a process that is expected to end by itself: whether it succeeded, and its words.
    pub async fn run_to_end(function: &str, env: &Env) -> (bool, String) {
        let mut command = Command::new(binary(function));
        command.env_clear().envs(environment(env).pairs()).current_dir(std::env::temp_dir());
        let output = command.kill_on_drop(true).output().await.expect("a process");
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

/// How processes of a function run in tests.
pub(crate) fn settings(function: &str, env: &Env, cap: usize) -> Settings {
    let environment = environment(env);
    let pairs = environment.pairs().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Settings {
        name: function.to_owned(),
        program: binary(function),
        // A folder without a `.env`.
        directory: std::env::temp_dir(),
        environment: pairs.collect(),
        timeout: PATIENCE,
        memory: 256,
        cap,
        dies_with_us: true,
    }
}

/// The settings of the test's own, and where AWS is; one event at a time, as on ordinary Lambda.
fn environment(env: &Env) -> Env {
    let ours = Env::load().expect("an environment");
    let aws = ours.pairs().filter(|(name, _)| {
        let lambda = name.starts_with("AWS_LAMBDA");
        (name.starts_with("AWS_") && !lambda) || *name == "PATH"
    });
    Env::of(aws.chain(env.pairs())).with("AWS_LAMBDA_MAX_CONCURRENCY", "1")
}

/// The binary that was built with the tests.
fn binary(function: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.ancestors().nth(2).expect("target/debug/deps/…");
    let binary = folder.join(function);
    assert!(binary.exists(), "{function} is not built: `cargo build --workspace --bins`");
    binary
}
