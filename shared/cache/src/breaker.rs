//! When to leave Redis alone.
//!
//! A Redis that does not answer costs each call its whole time. So after some failures in a row, or one
//! connection that could not be made, it is left alone for a while; then one call tries it, and
//! either all is well or the pause grows. Each environment finds out for itself.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use clock::Clock;
use config::defaults::{BREAKER_FIRST_PAUSE, BREAKER_PAUSE, REDIS_FAILURES};

use crate::jitter::give_or_take;

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Result {
    /// Redis answered.
    Good,
    /// It did not, or refused.
    Failed,
    /// It cannot even be reached.
    Unreachable,
}

pub(crate) struct Breaker {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    pause: Duration,
    until: Option<SystemTime>,
    trying: bool,
}

/// The permission to make a call. Dropped without a report, the call counts as failed: its request was
/// given up while it waited.
pub(crate) struct Permit<'b> {
    breaker: &'b Breaker,
    /// Whether it is the one call that tries.
    trial: bool,
    reported: bool,
}

impl Breaker {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Whether a call may be made.
    pub(crate) fn permit(&self) -> Option<Permit<'_>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = state.until {
            if state.trying || self.clock.now() < until {
                return None;
            }
            state.trying = true;
        }
        let trial = state.trying;
        Some(Permit { breaker: self, trial, reported: false })
    }

    /// Whether it opens.
    fn report(&self, result: Result, trial: bool, why: &str) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if result == Result::Good {
            *state = State::default();
            return false;
        }
        state.failures += 1;
        // Those who were under way when it opened say nothing new.
        let news = trial || state.until.is_none();
        let enough = trial || state.failures >= REDIS_FAILURES || result == Result::Unreachable;
        if news && enough {
            state.pause = (state.pause * 2).clamp(BREAKER_FIRST_PAUSE, BREAKER_PAUSE);
            state.until = Some(self.clock.now() + give_or_take(state.pause, 5));
            state.trying = false;
            let seconds = state.pause.as_secs();
            tracing::warn!(target: telemetry::TARGET, why, seconds, "going on without Redis");
        }
        news && enough
    }
}

impl Permit<'_> {
    /// How it went, and in words for the log why it failed. Whether Redis is left alone from now on.
    pub(crate) fn report(mut self, result: Result, why: &str) -> bool {
        self.reported = true;
        self.breaker.report(result, self.trial, why)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.reported {
            self.breaker.report(Result::Failed, self.trial, "given up");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets a pause go by, whatever chance has added to it.
    fn after(clock: &Clock, pause: Duration) {
        clock.advance(pause * 13 / 10);
    }

    #[test]
    fn it_opens_after_some_failures_in_a_row() {
        let breaker = Breaker::new(Clock::stopped());
        for _ in 1..REDIS_FAILURES {
            breaker.permit().unwrap().report(Result::Failed, "");
        }
        breaker.permit().unwrap().report(Result::Good, "");
        for _ in 1..REDIS_FAILURES {
            breaker.permit().unwrap().report(Result::Failed, "");
        }
        breaker.permit().unwrap().report(Result::Failed, "");
        assert!(breaker.permit().is_none());
    }

    #[test]
    fn one_that_cannot_be_reached_is_enough() {
        let breaker = Breaker::new(Clock::stopped());
        breaker.permit().unwrap().report(Result::Unreachable, "");
        assert!(breaker.permit().is_none());
    }

    #[test]
    fn a_call_that_was_given_up_has_failed() {
        let breaker = Breaker::new(Clock::stopped());
        (0..REDIS_FAILURES).for_each(|_| drop(breaker.permit().unwrap()));
        assert!(breaker.permit().is_none());
    }

    #[test]
    fn one_call_at_a_time_tries_it_and_the_pause_doubles() {
        let clock = Clock::stopped();
        let breaker = Breaker::new(clock.clone());
        breaker.permit().unwrap().report(Result::Unreachable, "");
        let mut pause = BREAKER_FIRST_PAUSE;
        for _ in 0..8 {
            assert!(breaker.permit().is_none(), "{pause:?}");
            after(&clock, pause);
            let trial = breaker.permit().expect("a trial");
            assert!(breaker.permit().is_none(), "a second one at the same time");
            trial.report(Result::Failed, "");
            clock.advance(pause / 2);
            pause = (pause * 2).min(BREAKER_PAUSE);
        }
        after(&clock, pause);
        breaker.permit().expect("a trial").report(Result::Good, "");
        assert!(breaker.permit().is_some() && breaker.permit().is_some());
    }

    #[test]
    fn those_who_were_under_way_do_not_prolong_the_pause() {
        let clock = Clock::stopped();
        let breaker = Breaker::new(clock.clone());
        let late: Vec<_> = (0..8).map(|_| breaker.permit().unwrap()).collect();
        breaker.permit().unwrap().report(Result::Unreachable, "");
        drop(late);
        after(&clock, BREAKER_FIRST_PAUSE);
        assert!(breaker.permit().is_some());
    }
}
