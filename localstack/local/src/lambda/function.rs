//! One function: as many processes as its calls need, up to a cap.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::body::Bytes;
use clock::Clock;
use tokio::sync::oneshot;

use super::desk::{Call, Desk, Event, Parting};
use super::logs::{Logs, Stream};
use super::runtime_api::RuntimeApi;
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
/// How long an idle process is kept.
const REST: Duration = Duration::from_mins(5);

impl Function {
    /// No process runs until the first call.
    pub fn new(settings: Settings, clock: Clock, logs: Logs) -> Self {
        let (desk, ends) = (Desk::default(), Mutex::default());
        Self(Arc::new(Owner(Arc::new(Inner { settings, desk, clock, logs, ends }))))
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
        let event = Event { id, payload, trace: trace.to_owned() };
        inner.desk.add(Call { event, answer: watch_tell, taken: Some(watch_take) });
        Inner::grow(inner);
        let inner = Arc::downgrade(inner);
        let timeout = self.settings().timeout;
        tokio::spawn(async move {
            let mut tell = tell;
            let seat = tokio::select! {
                seat = watch_taken => seat,
                // Nobody waits any more: dropped, it is not begun.
                () = tell.closed() => return,
            };
            if let Ok(seat) = seat {
                let _ = take.send(seat);
                expire(inner, seat, timeout, watched, tell).await;
            } else {
                let _ = tell.send(watched.await.unwrap_or(Err(Failure::Stopped)));
            }
        });
        Pending { taken, answer }
    }

    /// Starts processes without a call for them.
    pub fn start(&self, count: usize) {
        let inner = &self.0.0;
        for _ in 0..count {
            Inner::spawn(inner, inner.desk.join());
        }
    }

    /// Kills a process, as `kill -9` does; what it is at fails.
    pub fn kill(&self, seat: Seat) {
        self.0.0.kill(seat, Failure::Ended("killed".to_owned()));
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

/// Waits for the answer of a call that a process has taken, and kills the process at the timeout.
async fn expire(
    inner: Weak<Inner>,
    seat: Seat,
    timeout: Duration,
    mut watched: oneshot::Receiver<Result<Bytes, Failure>>,
    tell: oneshot::Sender<Result<Bytes, Failure>>,
) {
    let in_time = tokio::time::timeout(timeout, &mut watched).await;
    if in_time.is_err()
        && let Some(inner) = inner.upgrade()
    {
        inner.kill(seat, Failure::TimedOut(timeout));
    }
    let answer = match in_time {
        Ok(answer) => answer,
        Err(_) => watched.await,
    };
    let _ = tell.send(answer.unwrap_or(Err(Failure::Stopped)));
}

impl Inner {
    fn ends(&self) -> MutexGuard<'_, HashMap<Seat, oneshot::Sender<()>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the processes that are wanted.
    fn grow(this: &Arc<Self>) {
        while let Some(seat) = this.desk.wanted(this.settings.cap) {
            Self::spawn(this, seat);
        }
    }

    fn spawn(this: &Arc<Self>, seat: Seat) {
        let (end, ended) = oneshot::channel();
        this.ends().insert(seat, end);
        tokio::spawn(live(Arc::clone(this), seat, ended));
    }

    /// Ends a process that gets no more calls.
    pub(super) fn end(&self, seat: Seat) {
        // Dropped, it tells.
        self.ends().remove(&seat);
    }

    fn kill(&self, seat: Seat, failure: Failure) {
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
            Parting::Starting(times) => {
                let words = format!("a process ended before it took events ({how})");
                self.logs.line(name, Stream::Runner, &words);
                if times >= STARTS {
                    self.desk.give_up(how);
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
                    inner.ended(seat, &status.map_or_else(|e| e.to_string(), words))
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

fn words(status: ExitStatus) -> String {
    status.to_string()
}
