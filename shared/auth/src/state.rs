//! What the process knows about the keys, and what is to be done next. Decides; does nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::KeySet;

/// Keys older than this are fetched anew.
const REFRESH_AGE: Duration = Duration::from_mins(10);
/// Keys older than this are no longer believed.
const STALE_AGE: Duration = Duration::from_hours(24);
/// Between two attempts to replace keys that still serve.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);
/// Between two attempts to get any keys at all.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Between two fetches because of an unknown key id.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(30);
/// For how long a key id that a good fetch did not bring is not asked for again. Longer than the
/// pause, so that one stale token sent again and again leaves room for a real rotation.
const ABSENT_AGE: Duration = Duration::from_mins(1);
/// How many such key ids are remembered.
const MOST_ABSENT: usize = 256;
/// A fetch and the shelf take less than this, unless the environment was frozen meanwhile.
const LONGEST_FLIGHT: Duration = Duration::from_secs(5);

/// The keys, and the one fetch that may be under way.
#[derive(Default)]
pub(crate) struct State {
    known: Option<Known>,
    flight: Option<Flight>,
    flights: u64,
    /// When a fetch was last begun or ended.
    tried_at: Option<SystemTime>,
    /// When a fetch was last begun because of an unknown key id.
    searched_at: Option<SystemTime>,
    /// Key ids that a good fetch did not bring, oldest first.
    absent: VecDeque<(String, SystemTime)>,
    failing: bool,
}

struct Known {
    keys: Arc<KeySet>,
    /// When the issuer was asked for them.
    as_of: SystemTime,
}

struct Flight {
    number: u64,
    begun_at: SystemTime,
    landing: Landing,
}

/// To be waited for: the end of a fetch, however it ends.
#[derive(Clone)]
pub(crate) struct Landing(watch::Receiver<()>);

impl Landing {
    pub(crate) async fn wait(mut self) {
        // Nothing is ever sent: the sender goes when the fetch ends, and takes the channel along.
        while self.0.changed().await.is_ok() {}
    }
}

/// A fetch that was decided on and must now be made. Dropped, it ends the waiting.
pub(crate) struct Departure {
    pub(crate) number: u64,
    pub(crate) begun_at: SystemTime,
    pub(crate) landing: Landing,
    _sender: watch::Sender<()>,
}

/// What a caller who needs any keys does.
pub(crate) enum Any {
    Use(Arc<KeySet>),
    /// Use these, and have newer ones fetched meanwhile.
    Refresh(Arc<KeySet>, Departure),
    Fetch(Departure),
    Wait(Landing),
    GiveUp,
}

/// What a caller does whose key is not among those known.
pub(crate) enum Search {
    Fetch(Departure),
    Wait(Landing),
    GiveUp,
}

impl State {
    /// The keys, unless they are too old.
    pub(crate) fn keys(&self, now: SystemTime) -> Option<Arc<KeySet>> {
        let known = self.known.as_ref().filter(|known| age(now, known.as_of) <= STALE_AGE)?;
        Some(Arc::clone(&known.keys))
    }

    pub(crate) fn any(&mut self, now: SystemTime) -> Any {
        let landing = self.under_way(now);
        let Some(keys) = self.keys(now) else {
            return match landing {
                Some(landing) => Any::Wait(landing),
                None if self.rested(now, FIRST_PAUSE) => Any::Fetch(self.depart(now)),
                None => Any::GiveUp,
            };
        };
        let old = self.known.as_ref().is_some_and(|known| age(now, known.as_of) > REFRESH_AGE);
        if old && landing.is_none() && self.rested(now, REFRESH_PAUSE) {
            return Any::Refresh(keys, self.depart(now));
        }
        Any::Use(keys)
    }

    /// For a caller who came at `arrived` and whose `kid` the keys do not hold.
    pub(crate) fn search(&mut self, kid: &str, arrived: SystemTime, now: SystemTime) -> Search {
        while self.absent.front().is_some_and(|(_, since)| age(now, *since) > ABSENT_AGE) {
            self.absent.pop_front();
        }
        if self.absent.iter().any(|(absent, _)| absent == kid) {
            return Search::GiveUp;
        }
        // Asked after the token came, the issuer did not name this key: there is none.
        if self.known.as_ref().is_some_and(|known| known.as_of >= arrived) {
            if self.absent.len() == MOST_ABSENT {
                self.absent.pop_front();
            }
            self.absent.push_back((kid.to_owned(), now));
            return Search::GiveUp;
        }
        if let Some(landing) = self.under_way(now) {
            return Search::Wait(landing);
        }
        if self.searched_at.is_some_and(|at| age(now, at) < UNKNOWN_PAUSE) {
            return Search::GiveUp;
        }
        self.searched_at = Some(now);
        Search::Fetch(self.depart(now))
    }

    /// Takes over a complete new set, unless a newer one came first.
    pub(crate) fn learn(&mut self, keys: KeySet, as_of: SystemTime) {
        if self.known.as_ref().is_none_or(|known| known.as_of <= as_of) {
            self.known = Some(Known { keys: Arc::new(keys), as_of });
        }
    }

    /// Notes how a fetch went. Whether that is news: the first failure, or the end of failing.
    pub(crate) fn note(&mut self, failed: bool) -> bool {
        std::mem::replace(&mut self.failing, failed) != failed
    }

    /// A fetch has ended, in whatever way.
    pub(crate) fn land(&mut self, number: u64, now: SystemTime) {
        if self.flight.as_ref().is_some_and(|flight| flight.number == number) {
            self.flight = None;
            self.tried_at = Some(now);
        }
    }

    fn under_way(&self, now: SystemTime) -> Option<Landing> {
        let flight = self.flight.as_ref()?;
        // An older one was frozen with the environment, and its connection is dead.
        (age(now, flight.begun_at) <= LONGEST_FLIGHT).then(|| flight.landing.clone())
    }

    fn rested(&self, now: SystemTime, pause: Duration) -> bool {
        self.tried_at.is_none_or(|at| age(now, at) >= pause)
    }

    fn depart(&mut self, now: SystemTime) -> Departure {
        let (sender, receiver) = watch::channel(());
        let landing = Landing(receiver);
        self.flights += 1;
        self.tried_at = Some(now);
        self.flight =
            Some(Flight { number: self.flights, begun_at: now, landing: landing.clone() });
        Departure { number: self.flights, begun_at: now, landing, _sender: sender }
    }
}

/// How long ago; zero if the clock was set back since.
fn age(now: SystemTime, then: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}
