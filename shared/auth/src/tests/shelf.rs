//! Keys that survive a cold start.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::issuer::Issuer;
use super::signer::{RSA, RSA_2};
use super::*;
use crate::{KeyShelf, Shelved};

/// A shelf in memory.
struct Memory {
    clock: Clock,
    shelved: Mutex<Option<Shelved>>,
    keeps: AtomicUsize,
    loads: AtomicUsize,
}

impl Memory {
    fn empty(clock: &Clock) -> Arc<Self> {
        Arc::new(Self {
            clock: clock.clone(),
            shelved: Mutex::default(),
            keeps: AtomicUsize::new(0),
            loads: AtomicUsize::new(0),
        })
    }

    fn holding(clock: &Clock, json: String) -> Arc<Self> {
        let shelf = Self::empty(clock);
        let kept_at_unix = clock.unix_seconds();
        *shelf.shelved.lock().unwrap() = Some(Shelved { json, kept_at_unix });
        shelf
    }

    fn keeps(&self) -> usize {
        self.keeps.load(Ordering::SeqCst)
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

impl KeyShelf for Memory {
    fn load(&self) -> BoxFuture<'_, Option<Shelved>> {
        async {
            self.loads.fetch_add(1, Ordering::SeqCst);
            self.shelved.lock().unwrap().clone()
        }
        .boxed()
    }

    fn keep(&self, json: &str) -> BoxFuture<'_, ()> {
        let json = json.to_owned();
        async move {
            let kept_at_unix = self.clock.unix_seconds();
            *self.shelved.lock().unwrap() = Some(Shelved { json, kept_at_unix });
            self.keeps.fetch_add(1, Ordering::SeqCst);
        }
        .boxed()
    }
}

fn process(issuer: &Issuer, clock: &Clock, shelf: &Arc<Memory>) -> Verifier {
    let settings = Settings { jwks_url: issuer.address.clone(), http_allowed: true, ..settings() };
    let shelf: Arc<dyn KeyShelf> = Arc::clone(shelf) as _;
    Verifier::new(settings, clock.clone(), Some(shelf)).unwrap()
}

#[tokio::test]
async fn a_cold_start_during_an_outage_takes_keys_from_the_shelf() {
    let (clock, issuer) = (Clock::system(), Issuer::with(&[&RSA]).await);
    let shelf = Memory::empty(&clock);
    process(&issuer, &clock, &shelf).warm_up().await;
    eventually("the keeping", || shelf.keeps() == 1).await;
    issuer.answer(503, "");

    let cold = process(&issuer, &clock, &shelf);
    assert_eq!(ask(&cold, &good(clock.unix_seconds())).await, Ok(()));
    clock.advance(Duration::from_hours(23));
    let cold = process(&issuer, &clock, &shelf);
    assert_eq!(ask(&cold, &good(clock.unix_seconds())).await, Ok(()));
    // From the keeping on, not from the cold start on.
    clock.advance(Duration::from_mins(61));
    assert_eq!(ask(&cold, &good(clock.unix_seconds())).await, Err(Refusal::Unavailable));
    let cold = process(&issuer, &clock, &shelf);
    assert_eq!(ask(&cold, &good(clock.unix_seconds())).await, Err(Refusal::Unavailable));
}

#[tokio::test]
async fn the_issuer_comes_before_the_shelf() {
    let (clock, issuer) = (Clock::system(), Issuer::with(&[&RSA]).await);
    let shelf = Memory::holding(&clock, jwks(&[&RSA_2]));
    let verifier = process(&issuer, &clock, &shelf);
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    let old = RSA_2.token("RS256", &claims(clock.unix_seconds()));
    assert!(matches!(ask(&verifier, &old).await, Err(Refusal::Invalid(_))));
}

#[tokio::test]
async fn keys_from_the_shelf_give_way_to_the_issuers() {
    let (clock, issuer) = (Clock::system(), Issuer::with(&[&RSA_2]).await);
    let shelf = Memory::holding(&clock, jwks(&[&RSA]));
    issuer.answer(503, "");
    clock.advance(Duration::from_secs(2));
    let verifier = process(&issuer, &clock, &shelf);
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    issuer.publish(&[&RSA_2]);
    let new = RSA_2.token("RS256", &claims(clock.unix_seconds()));
    assert_eq!(ask(&verifier, &new).await, Ok(()));
}

#[tokio::test]
async fn an_unusable_shelf_is_no_shelf() {
    let (clock, issuer) = (Clock::system(), Issuer::with(&[&RSA]).await);
    issuer.answer(503, "");
    let unusable = ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"eA"}]}"#];
    for json in unusable {
        let shelf = Memory::holding(&clock, json.to_owned());
        let verifier = process(&issuer, &clock, &shelf);
        let answer = ask(&verifier, &good(clock.unix_seconds())).await;
        assert_eq!(answer, Err(Refusal::Unavailable), "{json}");
    }
}

#[tokio::test]
async fn an_unchanged_set_is_not_kept_at_every_cold_start() {
    let (clock, issuer) = (Clock::system(), Issuer::with(&[&RSA]).await);
    let shelf = Memory::empty(&clock);
    for start in 1..=10 {
        process(&issuer, &clock, &shelf).warm_up().await;
        eventually("the look at the shelf", || shelf.loads() == start).await;
        eventually("the keeping", || shelf.keeps() == 1).await;
    }

    issuer.publish(&[&RSA, &RSA_2]);
    process(&issuer, &clock, &shelf).warm_up().await;
    eventually("the keeping of changed keys", || shelf.keeps() == 2).await;
}

#[tokio::test]
async fn a_set_that_never_changes_does_not_grow_old_on_the_shelf() {
    let (clock, issuer) = (Clock::system(), Issuer::with(&[&RSA]).await);
    let shelf = Memory::empty(&clock);
    let verifier = process(&issuer, &clock, &shelf);
    verifier.warm_up().await;
    eventually("the keeping", || shelf.keeps() == 1).await;
    // A refresh each eleven minutes for five and a half hours: kept about once an hour.
    for round in 2..=31 {
        clock.advance(Duration::from_mins(11));
        assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
        eventually("the refresh", || issuer.fetches() == round).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(shelf.keeps(), 6);
    let kept_at = shelf.shelved.lock().unwrap().as_ref().unwrap().kept_at_unix;
    assert!(clock.unix_seconds() - kept_at < 3600 + 660);
}

/// A shelf whose database is gone.
struct Stuck;

impl KeyShelf for Stuck {
    fn load(&self) -> BoxFuture<'_, Option<Shelved>> {
        std::future::pending().boxed()
    }

    fn keep(&self, _: &str) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}

#[tokio::test]
async fn a_stuck_shelf_holds_nobody_up_for_long() {
    let (clock, issuer) = (Clock::system(), Issuer::with(&[&RSA]).await);
    let settings = Settings { jwks_url: issuer.address.clone(), http_allowed: true, ..settings() };
    let verifier = Verifier::new(settings, clock.clone(), Some(Arc::new(Stuck))).unwrap();
    issuer.answer(503, "");
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Err(Refusal::Unavailable));
    issuer.publish(&[&RSA]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
}
