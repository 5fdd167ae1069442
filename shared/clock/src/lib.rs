#![doc = include_str!("../README.md")]
#![expect(clippy::disallowed_methods, reason = "this crate is the clock that the others must use")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::{ContextV7, Timestamp, Uuid};

/// Tells the time and makes ids. Clones share one source.
#[derive(Clone)]
pub struct Clock {
    /// When it was stopped, if it was.
    stopped_at: Option<SystemTime>,
    /// How far a test has moved this clock ahead of the system's, in milliseconds.
    ahead_ms: Arc<AtomicU64>,
    /// Keeps ids of the same millisecond in the order in which they were made.
    ids: Arc<Mutex<ContextV7>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self {
            stopped_at: None,
            ahead_ms: Arc::new(AtomicU64::new(0)),
            ids: Arc::new(Mutex::new(ContextV7::new())),
        }
    }

    /// A clock that stands still at the present until it is moved. For tests that count what may
    /// happen in a time: on a slow machine that time would pass.
    pub fn stopped() -> Self {
        Self { stopped_at: Some(SystemTime::now()), ..Self::system() }
    }

    /// The time. Wall-clock time also where a duration is meant (how old are these keys?),
    /// because a frozen Lambda environment may stop the monotonic clock.
    pub fn now(&self) -> SystemTime {
        let time = self.stopped_at.unwrap_or_else(SystemTime::now);
        time + Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Seconds since 1970, as tokens count them.
    pub fn unix_seconds(&self) -> i64 {
        let since = self.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    /// A point to measure from, within one request.
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// A new UUIDv7: ordered by time, and by order of making within a millisecond.
    pub fn new_id(&self) -> Uuid {
        let since = self.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let context = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(&*context, since.as_secs(), since.subsec_nanos()))
    }

    /// Moves this clock (and its clones) ahead. For tests.
    pub fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

/// How long something took.
#[derive(Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// The time since it was started.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_seven_and_ascend() {
        let clock = Clock::system();
        let ids: Vec<Uuid> = (0..10_000).map(|_| clock.new_id()).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_stopped_clock_stands_still_until_it_is_moved() {
        let clock = Clock::stopped();
        let then = clock.now();
        assert!((0..1000).all(|_| clock.now() == then));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), then + Duration::from_secs(1));
        let ids: Vec<Uuid> = (0..1000).map(|_| clock.new_id()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_moved_clock_moves_its_clones() {
        let clock = Clock::system();
        let clone = clock.clone();
        let before = clone.now();
        clock.advance(Duration::from_hours(1));
        assert!(clone.now() >= before + Duration::from_hours(1));
    }
}
