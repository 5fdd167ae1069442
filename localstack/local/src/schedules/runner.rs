//! Waits for the times of rules, and runs their function.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clock::Clock;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::event;
use super::schedule::{Error, Schedule};
use crate::lambda::{Failure, Function, Logs, Stream};
use crate::template::ScheduleRule;

/// The schedules of a function. Dropped, nothing more is started; what runs is finished.
pub struct Schedules {
    stop: watch::Sender<()>,
    rules: Vec<JoinHandle<()>>,
}

/// How long Lambda waits before it tries again what nobody waits for.
const RETRIES: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];
/// How often the clock is looked at: a timer stands still while the laptop sleeps.
const LOOK: Duration = Duration::from_secs(1);

/// Runs a function at the times of its rules. A rate begins now.
pub fn start(
    rules: &[ScheduleRule],
    function: &Function,
    clock: &Clock,
    logs: &Logs,
) -> Result<Schedules, Error> {
    let (stop, stopped) = watch::channel(());
    let begin = clock.now();
    let play = |rule: &ScheduleRule| {
        let schedule = Schedule::parse(&rule.expression)?;
        let (function, clock, logs) = (function.clone(), clock.clone(), logs.clone());
        let player = Player { rule: rule.clone(), function, clock, logs, stop: stopped.clone() };
        Ok(tokio::spawn(play(Arc::new(player), schedule, begin)))
    };
    // If one is wrong, `stop` is dropped, and the others end.
    let rules = rules.iter().map(play).collect::<Result<_, _>>()?;
    Ok(Schedules { stop, rules })
}

impl Schedules {
    /// Starts nothing more, and returns when what runs is finished.
    pub async fn stop(self) {
        drop(self.stop);
        for rule in self.rules {
            let _ = rule.await;
        }
    }
}

struct Player {
    rule: ScheduleRule,
    function: Function,
    clock: Clock,
    logs: Logs,
    /// Its sender is gone when it is time to stop.
    stop: watch::Receiver<()>,
}

async fn play(player: Arc<Player>, schedule: Schedule, begin: SystemTime) {
    let mut runs = JoinSet::new();
    let mut next = schedule.next(begin);
    while let Some(time) = next {
        if !player.reaches(time).await {
            break;
        }
        let due = latest(&schedule, time, player.clock.now());
        runs.spawn(Arc::clone(&player).run(due));
        // Those that are finished need not be kept.
        while runs.try_join_next().is_some() {}
        next = schedule.next(due);
    }
    if next.is_none() {
        player.line("this was the last time");
    }
    while runs.join_next().await.is_some() {}
}

/// The last time until now. Those before it were missed, and are not made up for.
fn latest(schedule: &Schedule, due: SystemTime, now: SystemTime) -> SystemTime {
    let times = std::iter::successors(Some(due), |due| schedule.next(*due));
    times.take_while(|time| *time <= now).last().unwrap_or(due)
}

impl Player {
    /// Runs the function as what nobody waits for is run: if it fails, it is tried again.
    async fn run(self: Arc<Self>, due: SystemTime) {
        let payload = event::event(&self.rule, due);
        let mut retries = RETRIES.into_iter();
        loop {
            let trace = self.function.new_trace();
            let failure = match self.function.invoke(payload.clone(), &trace).await {
                Ok(_) | Err(Failure::Stopped) => return,
                Err(failure) => failure,
            };
            let Some(pause) = retries.next() else {
                return self.line(&format!("{failure}; given up"));
            };
            self.line(&format!("{failure}; tried again in {} s", pause.as_secs()));
            if !self.reaches(self.clock.now() + pause).await {
                return;
            }
        }
    }

    /// Waits until the clock shows this time. Returns false if it is time to stop before that.
    async fn reaches(&self, time: SystemTime) -> bool {
        let mut stop = self.stop.clone();
        while let Ok(left) = time.duration_since(self.clock.now())
            && !left.is_zero()
        {
            tokio::select! {
                () = tokio::time::sleep(left.min(LOOK)) => {}
                // Nothing is ever sent.
                _ = stop.changed() => return false,
            }
        }
        true
    }

    fn line(&self, words: &str) {
        let words = format!("{}: {words}", self.rule.name);
        self.logs.line(&self.function.settings().name, Stream::Runner, &words);
    }
}
