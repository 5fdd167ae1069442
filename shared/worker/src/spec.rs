//! What is true of a worker or a job before any event.

use std::time::Duration;

use domain::event::Queue;

/// The declaration of a worker. The template is held to it.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The name: of the folder, the package, the binary and the function.
    pub name: &'static str,
    /// The queue it serves.
    pub queue: Queue,
    /// At most so many messages at a time.
    pub batch: u32,
    /// For how many seconds a batch may fill.
    pub window: u32,
    /// At most so many batches at the same time.
    pub at_once: u32,
    /// The function's time, in seconds.
    pub timeout: u32,
    /// After so many receives a message goes to the dead letters.
    pub receives: u32,
    /// For how many seconds a received message is nobody else's.
    pub visibility: u32,
    /// Whether a batch is dealt with as a whole.
    pub together: bool,
    /// The pauses before a failed message comes back, in seconds; the last one repeats.
    pub backoff: &'static [u64],
}

impl Spec {
    /// One message at a time, until something else is said.
    pub const fn of(name: &'static str, queue: Queue) -> Self {
        Self {
            name,
            queue,
            batch: 1,
            window: 0,
            at_once: 2,
            timeout: 30,
            receives: 5,
            visibility: 180,
            together: false,
            backoff: &[15, 60, 300],
        }
    }

    /// Batches of so many messages, which fill for so many seconds at most.
    #[must_use]
    pub const fn batches(mut self, batch: u32, window: u32) -> Self {
        self.batch = batch;
        self.window = window;
        self
    }

    /// So many batches at the same time.
    #[must_use]
    pub const fn at_once(mut self, at_once: u32) -> Self {
        assert!(at_once >= 2, "Lambda knows no fewer");
        self.at_once = at_once;
        self
    }

    /// So many seconds for a batch, and so many for which its messages are nobody else's.
    #[must_use]
    pub const fn timeout(mut self, timeout: u32, visibility: u32) -> Self {
        assert!(visibility >= 6 * timeout + self.window, "SQS gives a message out again too early");
        self.timeout = timeout;
        self.visibility = visibility;
        self
    }

    /// So many receives before the dead letters.
    #[must_use]
    pub const fn receives(mut self, receives: u32) -> Self {
        self.receives = receives;
        self
    }

    /// A batch is dealt with as a whole.
    #[must_use]
    pub const fn together(mut self) -> Self {
        self.together = true;
        self
    }

    /// These pauses, in seconds, before a failed message comes back.
    #[must_use]
    pub const fn backoff(mut self, seconds: &'static [u64]) -> Self {
        assert!(!seconds.is_empty(), "a message that comes back at once fails at once");
        self.backoff = seconds;
        self
    }

    /// The pause after so many receives.
    pub fn pause(&self, receives: u32) -> Duration {
        let index = usize::try_from(receives.saturating_sub(1)).unwrap_or(usize::MAX);
        let seconds = self.backoff.get(index).or(self.backoff.last()).copied().unwrap_or_default();
        Duration::from_secs(seconds)
    }
}

/// A time at which a job runs by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The name of the event in the template.
    pub name: &'static str,
    /// `rate(…)` or `cron(…)`.
    pub at: &'static str,
    /// What the job is told, as JSON; nothing of its own if empty.
    pub input: &'static str,
}

/// The declaration of a job.
#[derive(Clone, Copy, Debug)]
pub struct JobSpec {
    /// The name: of the folder, the package, the binary and the function.
    pub name: &'static str,
    /// The function's time, in seconds.
    pub timeout: u32,
    /// When it runs by itself.
    pub schedules: &'static [Schedule],
    /// The queue whose messages wake it, whatever they say.
    pub woken_by: Option<Queue>,
}

impl JobSpec {
    /// A job that runs when somebody says so.
    pub const fn of(name: &'static str) -> Self {
        Self { name, timeout: 60, schedules: &[], woken_by: None }
    }

    /// So many seconds for a run.
    #[must_use]
    pub const fn timeout(mut self, timeout: u32) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs by itself at these times.
    #[must_use]
    pub const fn schedules(mut self, schedules: &'static [Schedule]) -> Self {
        self.schedules = schedules;
        self
    }

    /// Runs when something comes into this queue.
    #[must_use]
    pub const fn woken_by(mut self, queue: Queue) -> Self {
        self.woken_by = Some(queue);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_the_last_one_repeats() {
        let spec = Spec::of("x", Queue::Audit).backoff(&[5, 60]);
        let pauses = [0, 1, 2, 3, 9].map(|receives| spec.pause(receives).as_secs());
        assert_eq!(pauses, [5, 5, 60, 60, 60]);
    }
}
