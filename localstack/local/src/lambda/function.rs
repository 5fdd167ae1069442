//! One function: as many processes as its calls need, up to a cap.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use clock::Clock;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::desk::{Call, Desk, Event, Parting};
use super::logs::{Logs, Stream};
use super::runtime_api::RuntimeApi;
use super::watch::Watch;
use super::{Failure, PAYLOAD_LIMIT, Seat, process};

/// How a function runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// Its binary.
    pub program: PathBuf,
    /// Where its processes start.
    pub directory: PathBuf,
    /// Its settings, besides those that Lambda gives every function.
    pub environment: BTreeMap<String, String>,
    /// How long one call may take.
    pub timeout: Duration,
    /// What it is told of its memory, in MiB.
    pub memory: u32,
    /// At most so many processes.
    pub cap: usize,
    /// Whether the kernel ends its processes when this one is killed. It costs a millisecond at the
    /// start, which a measurement of starts does without.
    pub dies_with_us: bool,
}

/// A function. Clones are the same one; its processes end with the last of them.
#[derive(Clone)]
pub struct Function(Arc<Owner>);

/// What the processes share. They hold it weakly where they could keep it alive for ever.
pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) desk: Desk,
    pub(super) clock: Clock,
    pub(super) logs: Logs,
    /// Where all of it runs, whoever calls.
    runtime: Handle,
    ends: Mutex<HashMap<Seat, oneshot::Sender<()>>>,
}

struct Owner(Arc<Inner>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A call that was begun.
pub struct Pending {
    /// Which process has taken it.
    pub taken: oneshot::Receiver<Seat>,
    answer: oneshot::Receiver<Result<Bytes, Failure>>,
}

impl Pending {
    /// The answer.
    pub async fn answer(self) -> Result<Bytes, Failure> {
        self.answer.await.unwrap_or(Err(Failure::Stopped))
    }
}

/// A process that ends so often in a row before it asks for an event will not come up.
const STARTS: u32 = 3;
/// What a process gets to start, and to come back after an answer: Lambda's limit for the first.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether it has.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// How long an idle process is kept.
const REST: Duration = Duration::from_mins(5);

impl Function {
    /// No process runs until the first call. To be called inside the runtime where they will run.
    pub fn new(settings: Settings, clock: Clock, logs: Logs) -> Self {
        let (desk, ends, runtime) = (Desk::default(), Mutex::default(), Handle::current());
        Self(Arc::new(Owner(Arc::new(Inner { settings, desk, clock, logs, runtime, ends }))))
    }

    /// How it runs.
    pub fn settings(&self) -> &Settings {
        &self.0.0.settings
    }

    /// The X-Ray header of a call that nobody traces yet.
    pub fn new_trace(&self) -> String {
        let clock = &self.0.0.clock;
        // The end of an id is random.
        let random = |digits: usize| {
            let id = clock.new_id().simple().to_string();
            id[id.len() - digits..].to_owned()
        };
        let (seconds, root, parent) = (clock.unix_seconds(), random(24), random(16));
        format!("Root=1-{seconds:08x}-{root};Parent={parent};Sampled=0")
    }

    /// Has a process answer an event. `trace` is the X-Ray header that goes with it.
    pub async fn invoke(&self, payload: Bytes, trace: &str) -> Result<Bytes, Failure> {
        self.begin(payload, trace).answer().await
    }

    /// Begins a call. It goes on, to its end or the function's timeout, also if nobody waits.
    pub fn begin(&self, payload: Bytes, trace: &str) -> Pending {
        let inner = &self.0.0;
        let (tell, answer) = oneshot::channel();
        let (take, taken) = oneshot::channel();
        if payload.len() > PAYLOAD_LIMIT {
            let _ = tell.send(Err(Failure::TooLarge(payload.len())));
            return Pending { taken, answer };
        }
        let (watch_tell, watched) = oneshot::channel();
        let (watch_take, watch_taken) = oneshot::channel();
        let id = inner.clock.new_id().to_string();
        let event = Event { id: id.clone(), payload, trace: trace.to_owned() };
        let call = Call { event, answer: watch_tell, taken: Some(watch_take) };
        inner.desk.add(call, inner.clock.now());
        Inner::grow(inner);
        let watch = Watch { inner: Arc::downgrade(inner), id, answer: watched, tell };
        inner.runtime.spawn(watch.run(watch_taken, take));
        Pending { taken, answer }
    }

    /// Starts processes without a call for them.
    pub fn start(&self, count: usize) {
        let inner = &self.0.0;
        for _ in 0..count {
            Inner::spawn(inner, inner.desk.join(inner.clock.now()));
        }
    }

    /// Kills a process, as `kill -9` does; what it is at fails.
    pub fn kill(&self, seat: Seat) {
        self.0.0.kill(seat, Failure::Ended("killed".to_owned()));
    }

    /// Whether a process is at work.
    pub fn is_at_work(&self) -> bool {
        self.0.0.desk.at_work().is_some()
    }

    /// Does that to a process that is at work. Returns whether there was one.
    pub fn kill_at_work(&self) -> bool {
        let Some(seat) = self.0.0.desk.at_work() else { return false };
        self.kill(seat);
        true
    }

    /// Its program is another one from now on. Calls under way are answered by the old one, and none
    /// is lost.
    pub fn renew(&self) {
        let inner = &self.0.0;
        for seat in inner.desk.renew() {
            inner.end(seat);
        }
        Inner::grow(inner);
    }

    /// Ends processes that have had nothing to do for long.
    pub fn shrink(&self) {
        let inner = &self.0.0;
        for seat in inner.desk.shrink(inner.clock.now(), REST) {
            inner.end(seat);
        }
    }

    /// How many processes it has.
    pub fn processes(&self) -> usize {
        self.0.0.desk.count()
    }
}

impl Inner {
    fn ends(&self) -> MutexGuard<'_, HashMap<Seat, oneshot::Sender<()>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the processes that are wanted.
    fn grow(this: &Arc<Self>) {
        while let Some(seat) = this.desk.wanted(this.settings.cap, this.clock.now()) {
            Self::spawn(this, seat);
        }
    }

    fn spawn(this: &Arc<Self>, seat: Seat) {
        let (end, ended) = oneshot::channel();
        this.ends().insert(seat, end);
        this.runtime.spawn(live(Arc::clone(this), seat, ended));
    }

    /// Ends a process that gets no more calls.
    pub(super) fn end(&self, seat: Seat) {
        // Dropped, it tells.
        self.ends().remove(&seat);
    }

    pub(super) fn kill(&self, seat: Seat, failure: Failure) {
        let words = failure.to_string();
        if self.desk.part(seat, failure) == Parting::Busy {
            self.logs.line(&self.settings.name, Stream::Runner, &words);
        }
        self.end(seat);
    }

    fn close(&self) {
        for seat in self.desk.close() {
            self.end(seat);
        }
        self.ends().clear();
    }

    /// What the end of a process by itself means. Returns whether to start another at once.
    fn ended(&self, seat: Seat, how: &str) -> bool {
        let name = &self.settings.name;
        match self.desk.part(seat, Failure::Ended(how.to_owned())) {
            Parting::Quiet => {
                self.logs.line(name, Stream::Runner, &format!("a process ended ({how})"));
            }
            Parting::Busy => {
                let words = format!("a process ended while it was at work ({how})");
                self.logs.line(name, Stream::Runner, &words);
            }
            Parting::Starting { failed, alone } => {
                let words = format!("a process ended before it took events ({how})");
                self.logs.line(name, Stream::Runner, &words);
                if failed >= STARTS {
                    // The others, if there are any, may do better with the calls that wait.
                    if alone {
                        self.desk.give_up(how);
                    }
                    return false;
                }
            }
        }
        true
    }
}

/// The life of one process.
async fn live(inner: Arc<Inner>, seat: Seat, end: oneshot::Receiver<()>) {
    let started = async {
        let api = RuntimeApi::open(Arc::clone(&inner), seat).await?;
        let child = process::start(&inner.settings, api.address(), &inner.logs)?;
        Ok::<_, std::io::Error>((api, child))
    };
    let go_on = match started.await {
        Err(error) => inner.ended(seat, &error.to_string()),
        Ok((_api, mut child)) => {
            tokio::select! {
                status = child.wait() => {
                    let how = status.map_or_else(|e| e.to_string(), |status| status.to_string());
                    inner.ended(seat, &how)
                }
                () = hang(&inner, seat) => {
                    let _ = child.kill().await;
                    let seconds = PATIENCE.as_secs();
                    inner.ended(seat, &format!("killed: it asked for no event for {seconds} s"))
                }
                _ = end => {
                    let _ = child.kill().await;
                    true
                }
            }
        }
    };
    inner.ends().remove(&seat);
    if go_on {
        Inner::grow(&inner);
    }
}

/// Returns when a process should have asked for an event and did not.
async fn hang(inner: &Inner, seat: Seat) {
    while !inner.desk.hangs(seat, inner.clock.now(), PATIENCE) {
        tokio::time::sleep(LOOK).await;
    }
}
