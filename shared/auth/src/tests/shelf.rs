//! Keys that survive a cold start.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

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
    /// Whether loading comes to an end.
    open: watch::Sender<bool>,
}

impl Memory {
    fn empty(clock: &Clock) -> Arc<Self> {
        Arc::new(Self {
            clock: clock.clone(),
            shelved: Mutex::default(),
            keeps: AtomicUsize::new(0),
            loads: AtomicUsize::new(0),
            open: watch::Sender::new(true),
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
            self.open.subscribe().wait_for(|open| *open).await.unwrap();
            self.shelved.lock().unwrap().clone()
        }
        .boxed()
    }

    fn keep(&self, json: &str) -> BoxFuture<'_, ()> {
        let json = json.to_owned();
        async move {
            // Nobody is to find it done by chance who did not wait for it.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            let kept_at_unix = self.clock.unix_seconds();
            *self.shelved.lock().unwrap() = Some(Shelved { json, kept_at_unix });
            self.keeps.fetch_add(1, Ordering::SeqCst);
        }
        .boxed()
    }
}

fn process(issuer: &Issuer, clock: &Clock, shelf: &Arc<Memory>) -> Verifier {
    patient(settings_for(&issuer.address), clock, Some(Arc::clone(shelf) as _))
}

#[tokio::test]
async fn a_cold_start_during_an_outage_takes_keys_from_the_shelf() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let shelf = Memory::empty(&clock);
    process(&issuer, &clock, &shelf).warm_up().await;
    assert_eq!(shelf.keeps(), 1, "the environment may be frozen from here on");
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
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let shelf = Memory::holding(&clock, jwks(&[&RSA_2]));
    let verifier = process(&issuer, &clock, &shelf);
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    let old = RSA_2.token("RS256", &claims(clock.unix_seconds()));
    assert!(matches!(ask(&verifier, &old).await, Err(Refusal::Invalid(_))));
}

#[tokio::test]
async fn keys_from_the_shelf_give_way_to_the_issuers() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA_2]).await);
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
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
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
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let shelf = Memory::empty(&clock);
    for start in 1..=10 {
        process(&issuer, &clock, &shelf).warm_up().await;
        assert_eq!((shelf.loads(), shelf.keeps()), (start, 1));
    }

    issuer.publish(&[&RSA, &RSA_2]);
    process(&issuer, &clock, &shelf).warm_up().await;
    assert_eq!(shelf.keeps(), 2);
}

#[tokio::test]
async fn a_set_that_never_changes_does_not_grow_old_on_the_shelf() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let shelf = Memory::empty(&clock);
    let verifier = process(&issuer, &clock, &shelf);
    verifier.warm_up().await;
    // A refresh each eleven minutes for five and a half hours: kept about once an hour. By warming
    // up, which does what a request does and also waits for the shelf.
    for round in 1..=30 {
        clock.advance(Duration::from_mins(11));
        verifier.warm_up().await;
        assert_eq!((issuer.fetches(), shelf.keeps()), (1 + round, 1 + round / 6));
    }
    let kept_at = shelf.shelved.lock().unwrap().as_ref().unwrap().kept_at_unix;
    assert!(clock.unix_seconds() - kept_at < 3600 + 660);
}

#[tokio::test]
async fn keys_whose_way_to_the_shelf_was_frozen_are_not_kept_as_new() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let shelf = Memory::holding(&clock, jwks(&[&RSA_2]));
    shelf.open.send_replace(false);
    let verifier = process(&issuer, &clock, &shelf);
    let warm_up = tokio::spawn(async move { verifier.warm_up().await });
    eventually("the look at the shelf", || shelf.loads() == 1).await;
    clock.advance(Duration::from_hours(1));
    shelf.open.send_replace(true);
    warm_up.await.unwrap();
    assert_eq!(shelf.keeps(), 0);
}

/// A shelf whose database is gone.
#[derive(Default)]
struct Stuck {
    given_up: AtomicUsize,
}

impl Stuck {
    async fn hang(&self) {
        struct Hanging<'a>(&'a Stuck);
        impl Drop for Hanging<'_> {
            fn drop(&mut self) {
                self.0.given_up.fetch_add(1, Ordering::SeqCst);
            }
        }
        let _hanging = Hanging(self);
        std::future::pending::<()>().await;
    }

    fn given_up(&self) -> usize {
        self.given_up.load(Ordering::SeqCst)
    }
}

impl KeyShelf for Stuck {
    fn load(&self) -> BoxFuture<'_, Option<Shelved>> {
        self.hang().map(|()| None).boxed()
    }

    fn keep(&self, _: &str) -> BoxFuture<'_, ()> {
        self.hang().boxed()
    }
}

#[tokio::test]
async fn a_stuck_shelf_holds_nobody_up_for_long() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let shelf = Arc::new(Stuck::default());
    let verifier = patient(settings_for(&issuer.address), &clock, Some(Arc::clone(&shelf) as _));
    issuer.answer(503, "");
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Err(Refusal::Unavailable));
    assert_eq!(shelf.given_up(), 1);
    issuer.publish(&[&RSA]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    assert_eq!(shelf.given_up(), 1, "a request waited for the shelf to be written");
}

#[tokio::test]
async fn a_stuck_shelf_does_not_stop_a_process_from_starting() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let shelf = Arc::new(Stuck::default());
    let verifier = patient(settings_for(&issuer.address), &clock, Some(Arc::clone(&shelf) as _));
    assert_eq!(tokio::time::timeout(LONG, verifier.warm_up()).await, Ok(()));
    assert_eq!((issuer.fetches(), shelf.given_up()), (1, 1));
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
}
