//! The keys of this process: fetched once for all who wait, refreshed before they are too old.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clock::Clock;
use tokio::time::timeout;

use crate::fetch::{FetchError, Source};
use crate::state::{Any, Departure, Landing, Search, State, was_frozen};
use crate::{Alg, KeySet, KeyShelf, Shelved, TARGET};

/// What the shelf may take, for all that is done there after one fetch. Callers may wait for it.
const SHELF_TIMEOUT: Duration = Duration::from_secs(2);
/// An unchanged set is kept again when it lay there for this long. Otherwise keys that never change
/// would look too old in the one outage that the shelf is for.
const SHELF_AGE: Duration = Duration::from_hours(1);

pub(crate) struct Store {
    clock: Clock,
    source: Source,
    algorithms: Vec<Alg>,
    shelf: Option<Arc<dyn KeyShelf>>,
    /// What was last seen on the shelf.
    shelved: Mutex<Option<Shelved>>,
    state: Mutex<State>,
}

impl Store {
    pub(crate) fn new(
        clock: Clock,
        source: Source,
        algorithms: Vec<Alg>,
        shelf: Option<Arc<dyn KeyShelf>>,
    ) -> Self {
        let state = Mutex::new(State::default());
        Self { clock, source, algorithms, shelf, shelved: Mutex::new(None), state }
    }

    /// Gets keys, and has them lie on the shelf at the end.
    ///
    /// Only this waits for the shelf. It runs while the environment starts, and what it leaves
    /// running may be frozen until a first request comes, which may be hours. A request never waits:
    /// it would pay for a cold start of somebody else's, and most of the time nothing is written at
    /// all. A write behind it that is frozen costs a database connection, which the pool replaces.
    pub(crate) async fn warm_up(self: &Arc<Self>) {
        let step = self.state().any(self.clock.now());
        match step {
            Any::Fetch(departure) | Any::Refresh(_, departure) => {
                // A task all the same: this may be cancelled, the fetch should not be.
                let _ = tokio::spawn(self.flying(departure).fly()).await;
            }
            Any::Wait(landing) => landing.wait().await,
            Any::Use(_) | Any::GiveUp => {}
        }
    }

    /// Keys, whichever they are. None if there are none to be had.
    pub(crate) async fn any(self: &Arc<Self>) -> Option<Arc<KeySet>> {
        let step = self.state().any(self.clock.now());
        let landing = match step {
            Any::Use(keys) => return Some(keys),
            Any::Refresh(keys, departure) => {
                self.launch(departure);
                return Some(keys);
            }
            Any::Fetch(departure) => self.launch(departure),
            Any::Wait(landing) => landing,
            Any::GiveUp => return None,
        };
        landing.wait().await;
        self.state().keys(self.clock.now())
    }

    /// Keys with the one of that id, if the issuer has it and may be asked now; else the keys there
    /// are.
    pub(crate) async fn holding(self: &Arc<Self>, kid: &str) -> Option<Arc<KeySet>> {
        let arrived = self.state().flights();
        let mut keys = self.any().await?;
        // At most: a fetch under way that may have asked too early, then one of our own, then the
        // verdict.
        for _ in 0..3 {
            if keys.has(kid) {
                break;
            }
            let step = self.state().search(kid, arrived, self.clock.now());
            match step {
                Search::Fetch(departure) => self.launch(departure).wait().await,
                Search::Wait(landing) => landing.wait().await,
                Search::GiveUp => break,
            }
            keys = self.state().keys(self.clock.now())?;
        }
        Some(keys)
    }

    /// Makes a fetch, as a task of its own: it goes on when the request that began it is cancelled.
    fn launch(self: &Arc<Self>, departure: Departure) -> Landing {
        let landing = departure.landing.clone();
        tokio::spawn(self.flying(departure).fly());
        landing
    }

    fn flying(self: &Arc<Self>, departure: Departure) -> Flying {
        Flying { store: Arc::clone(self), departure }
    }

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let body = self.source.fetch().await?;
        Ok(KeySet::read(&body, &self.algorithms)?)
    }

    /// Takes the keys from the shelf, with the age that they have there.
    async fn unshelve(&self) {
        let Ok(Some(shelved)) = timeout(SHELF_TIMEOUT, self.load()).await else { return };
        let now = self.clock.now();
        let kept = Duration::from_secs(u64::try_from(shelved.kept_at_unix).unwrap_or_default());
        let kept_at = UNIX_EPOCH.checked_add(kept).map_or(now, |at| at.min(now));
        if let Ok(keys) = KeySet::read(shelved.json.as_bytes(), &self.algorithms) {
            self.state().learn(keys, kept_at, 0);
        }
    }

    /// Puts a good set on the shelf, unless it lies there already.
    async fn shelve(&self, json: String, begun_at: SystemTime) {
        let _ = timeout(SHELF_TIMEOUT, self.put(json, begun_at)).await;
    }

    async fn put(&self, json: String, begun_at: SystemTime) {
        let Some(place) = &self.shelf else { return };
        if self.lies_there(&json) {
            return;
        }
        // Another process may have done it.
        self.load().await;
        // The shelf takes what it is given for new. After a frost that would be a lie, and a key that
        // was withdrawn meanwhile would come back with it.
        let frozen = was_frozen(begun_at, self.clock.now());
        if !frozen && !self.lies_there(&json) {
            place.keep(&json).await;
        }
    }

    async fn load(&self) -> Option<Shelved> {
        let place = self.shelf.as_ref()?;
        let shelved = place.load().await;
        self.shelved().clone_from(&shelved);
        shelved
    }

    fn lies_there(&self, json: &str) -> bool {
        let oldest = self.clock.unix_seconds() - SHELF_AGE.as_secs().cast_signed();
        self.shelved().as_ref().is_some_and(|s| s.json == json && s.kept_at_unix >= oldest)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelved(&self) -> MutexGuard<'_, Option<Shelved>> {
        self.shelved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one fetch under way. Those who wait go on when it is dropped, even if it never ended.
struct Flying {
    store: Arc<Store>,
    departure: Departure,
}

impl Flying {
    async fn fly(self) {
        let store = Arc::clone(&self.store);
        match store.fetch().await {
            Ok(keys) => {
                let json = keys.to_json();
                let begun_at = self.departure.begun_at;
                self.succeeded(keys);
                // From here on, who waits for the keys has them.
                drop(self);
                store.shelve(json, begun_at).await;
            }
            Err(why) => self.failed(&why).await,
        }
    }

    fn succeeded(&self, keys: KeySet) {
        let mut state = self.store.state();
        // Good even after a frost: they count from when the issuer was asked.
        state.learn(keys, self.departure.begun_at, self.departure.number);
        if state.note(false) {
            tracing::info!(target: TARGET, "the issuer's keys are there again");
        }
    }

    async fn failed(&self, why: &FetchError) {
        let (news, keyless) = {
            let now = self.store.clock.now();
            let mut state = self.store.state();
            let frozen = self.departure.fetch_was_frozen(now);
            if frozen {
                // A connection that died meanwhile is no news of the issuer.
                tracing::debug!(target: TARGET, reason = %why, "a fetch of keys was frozen");
            }
            (!frozen && state.note(true), state.keys(now).is_none())
        };
        // Once for an outage, not once for each attempt.
        if news {
            tracing::warn!(target: TARGET, reason = %why, "the issuer's keys could not be fetched");
        }
        if keyless {
            self.store.unshelve().await;
        }
    }
}

impl Drop for Flying {
    fn drop(&mut self) {
        self.store.state().land(&self.departure, self.store.clock.now());
    }
}
