//! What the process knows about the keys, and what is to be done next. Decides; does nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::KeySet;
use crate::fetch::TIMEOUT;

/// Keys older than this are fetched anew, behind the request that finds them so.
const REFRESH_AGE: Duration = Duration::from_mins(10);
/// Keys older than this are fetched anew while the request waits. Lambda freezes a process soon after
/// its answer, so where requests are rare, what runs behind them never ends; and a key that the
/// issuer withdrew must not count for as long as the environment lives.
const OVERDUE_AGE: Duration = Duration::from_mins(20);
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
/// A fetch takes less than this, unless the environment was frozen meanwhile.
const LONGEST_FETCH: Duration = TIMEOUT.saturating_add(Duration::from_millis(500));
/// The same for a fetch and the shelf.
const LONGEST_FLIGHT: Duration = Duration::from_secs(5);

/// The keys, and the one fetch that may be under way.
#[derive(Default)]
pub(crate) struct State {
    known: Option<Known>,
    flight: Option<Flight>,
    /// How many fetches were begun; the number of the last one.
    flights: u64,
    /// The last fetch that ended.
    landed: u64,
    /// When a fetch was last begun or ended.
    tried_at: Option<SystemTime>,
    /// The same without those that were begun behind a request and then frozen: in them, the issuer
    /// never had its chance, so they excuse nobody from waiting for overdue keys.
    asked_at: Option<SystemTime>,
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
    /// The fetch that brought them; 0 for the shelf.
    number: u64,
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

impl Departure {
    /// Whether the fetch is older than it can be. Then it was frozen together with the environment,
    /// and how it ends says nothing about the issuer.
    pub(crate) fn fetch_was_frozen(&self, now: SystemTime) -> bool {
        age(now, self.begun_at) > LONGEST_FETCH
    }
}

/// What a caller who needs any keys does.
pub(crate) enum Any {
    Use(Arc<KeySet>),
    /// Use these, and have newer ones fetched meanwhile.
    Refresh(Arc<KeySet>, Departure),
    /// Fetch and wait, then use what there is: old keys, if need be.
    Fetch(Departure),
    /// The same with the fetch under way.
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
                None if rested(self.tried_at, FIRST_PAUSE, now) => {
                    Any::Fetch(self.depart_awaited(now))
                }
                None => Any::GiveUp,
            };
        };
        let older = |than| self.known.as_ref().is_some_and(|known| age(now, known.as_of) > than);
        let overdue = older(OVERDUE_AGE);
        match landing {
            Some(landing) if overdue => Any::Wait(landing),
            None if overdue && rested(self.asked_at, REFRESH_PAUSE, now) => {
                Any::Fetch(self.depart_awaited(now))
            }
            None if !overdue && older(REFRESH_AGE) && rested(self.tried_at, REFRESH_PAUSE, now) => {
                Any::Refresh(keys, self.depart(now))
            }
            _ => Any::Use(keys),
        }
    }

    /// How many fetches were begun. For `search`: one with a higher number began later than now.
    pub(crate) const fn flights(&self) -> u64 {
        self.flights
    }

    /// For a caller whose `kid` the keys do not hold, and who came when so many fetches were begun.
    pub(crate) fn search(&mut self, kid: &str, arrived: u64, now: SystemTime) -> Search {
        while self.absent.front().is_some_and(|(_, since)| age(now, *since) > ABSENT_AGE) {
            self.absent.pop_front();
        }
        if self.absent.iter().any(|(absent, _)| absent == kid) {
            return Search::GiveUp;
        }
        // Asked after the token came, the issuer did not name this key: there is none.
        if self.known.as_ref().is_some_and(|known| known.number > arrived) {
            if self.absent.len() == MOST_ABSENT {
                self.absent.pop_front();
            }
            self.absent.push_back((kid.to_owned(), now));
            return Search::GiveUp;
        }
        // Asked after the token came, the issuer failed: a request waits for that only once.
        if self.landed > arrived {
            return Search::GiveUp;
        }
        if let Some(landing) = self.under_way(now) {
            return Search::Wait(landing);
        }
        if !rested(self.searched_at, UNKNOWN_PAUSE, now) {
            return Search::GiveUp;
        }
        self.searched_at = Some(now);
        Search::Fetch(self.depart_awaited(now))
    }

    /// Takes over a complete new set, unless a newer one came first.
    pub(crate) fn learn(&mut self, keys: KeySet, as_of: SystemTime, number: u64) {
        if self.known.as_ref().is_none_or(|known| known.as_of <= as_of) {
            self.known = Some(Known { keys: Arc::new(keys), as_of, number });
        }
    }

    /// Notes how a fetch went. Whether that is news: the first failure, or the end of failing.
    pub(crate) fn note(&mut self, failed: bool) -> bool {
        std::mem::replace(&mut self.failing, failed) != failed
    }

    /// A fetch has ended, in whatever way.
    pub(crate) fn land(&mut self, departure: &Departure, now: SystemTime) {
        self.landed = self.landed.max(departure.number);
        if self.flight.as_ref().is_some_and(|flight| flight.number == departure.number) {
            self.flight = None;
            self.tried_at = Some(now);
            if !departure.fetch_was_frozen(now) {
                self.asked_at = Some(now);
            }
        }
    }

    fn under_way(&self, now: SystemTime) -> Option<Landing> {
        let flight = self.flight.as_ref()?;
        // Only without keys does a fetch that failed go on to the shelf.
        let longest = if self.keys(now).is_some() { LONGEST_FETCH } else { LONGEST_FLIGHT };
        // An older one was frozen with the environment, and its connection is dead.
        (age(now, flight.begun_at) <= longest).then(|| flight.landing.clone())
    }

    /// Begins a fetch that somebody waits for: while a request runs, nothing is frozen.
    fn depart_awaited(&mut self, now: SystemTime) -> Departure {
        self.asked_at = Some(now);
        self.depart(now)
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

/// Whether a fetch that began then and has gone on to the shelf is older than it can be.
pub(crate) fn was_frozen(begun_at: SystemTime, now: SystemTime) -> bool {
    age(now, begun_at) > LONGEST_FLIGHT
}

/// Whether nothing happened for the length of that pause.
fn rested(since: Option<SystemTime>, pause: Duration, now: SystemTime) -> bool {
    since.is_none_or(|at| age(now, at) >= pause)
}

/// How long ago; zero if the clock was set back since.
fn age(now: SystemTime, then: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}
