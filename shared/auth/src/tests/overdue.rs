//! Keys so old that a request waits for newer ones.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::issuer::Issuer;
use super::log::Log;
use super::rotation::{UNKNOWN, rotated};
use super::signer::{RSA, RSA_2};
use super::*;

/// The age at which keys are due, and at which they are overdue.
const DUE: Duration = Duration::from_mins(10);
const OVERDUE: Duration = Duration::from_mins(20);
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_withdrawn_key_is_refused_at_the_first_request_after_twenty_minutes() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    issuer.publish(&[&RSA_2]);
    clock.advance(OVERDUE + SECOND);
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, UNKNOWN);
    assert_eq!(ask(&verifier, &rotated(&clock)).await, Ok(()));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn until_then_nobody_waits() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    issuer.hold();
    // At 10 minutes, at 10 and a second, at 20.
    for step in [DUE, SECOND, Duration::from_secs(599)] {
        clock.advance(step);
        let token = good(clock.unix_seconds());
        assert_eq!(ask(&verifier, &token).now_or_never(), Some(Ok(())), "{step:?}");
    }
}

#[tokio::test]
async fn requests_at_the_same_time_wait_for_one_fetch() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    issuer.publish(&[&RSA, &RSA_2]);
    clock.advance(OVERDUE + SECOND);
    let token = good(clock.unix_seconds());
    let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(ask(&verifier, &token))).collect();
    assert!(waiting.iter_mut().all(|request| request.now_or_never().is_none()));
    assert!(join_all(waiting).await.iter().all(Result::is_ok));
    assert_eq!(ask(&verifier, &rotated(&clock)).await, Ok(()));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn a_refresh_under_way_is_waited_for() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    issuer.publish(&[&RSA, &RSA_2]);
    issuer.hold();
    clock.advance(OVERDUE);
    let token = good(clock.unix_seconds());
    assert_eq!(ask(&verifier, &token).now_or_never(), Some(Ok(())));
    clock.advance(SECOND);
    let mut request = Box::pin(ask(&verifier, &token));
    assert_eq!(request.as_mut().now_or_never(), None);
    issuer.resume();
    assert_eq!(request.await, Ok(()));
    assert_eq!(ask(&verifier, &rotated(&clock)).await, Ok(()));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn a_failing_issuer_delays_one_request_and_then_the_old_keys_serve() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    issuer.answer(503, "");
    clock.advance(OVERDUE + SECOND);
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    assert_eq!(issuer.fetches(), 2, "it did not wait");
    for pause in [Duration::ZERO, SECOND, Duration::from_secs(28)] {
        clock.advance(pause);
        let token = good(clock.unix_seconds());
        assert_eq!(ask(&verifier, &token).now_or_never(), Some(Ok(())), "{pause:?}");
    }
    clock.advance(SECOND);
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    assert_eq!(issuer.fetches(), 3);
    issuer.publish(&[&RSA_2]);
    clock.advance(Duration::from_secs(30));
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, UNKNOWN);
    assert_eq!(issuer.fetches(), 4);
}

#[tokio::test]
async fn a_silent_issuer_is_waited_for_no_longer_than_a_fetch_takes() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = Verifier::new(settings_for(&issuer.address), clock.clone(), None).unwrap();
    verifier.warm_up().await;
    issuer.hold();
    clock.advance(OVERDUE + SECOND);
    let token = good(clock.unix_seconds());
    assert_eq!(tokio::time::timeout(LONG, ask(&verifier, &token)).await, Ok(Ok(())));
    assert_eq!(ask(&verifier, &token).now_or_never(), Some(Ok(())));
}

#[tokio::test]
async fn a_request_with_an_unknown_key_waits_in_vain_only_once() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    issuer.answer(503, "");
    clock.advance(OVERDUE + SECOND);
    assert_eq!(ask(&verifier, &rotated(&clock)).await, UNKNOWN);
    assert_eq!(issuer.fetches(), 2);
}

/// A refresh is begun behind a request at 19:50 and frozen; the next request comes at 20:01.
/// Whether the refresh is found still under way then, or failed at once when it thawed.
async fn thaw(failed_first: bool) {
    let (log, _guard) = Log::start();
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    issuer.hold();
    clock.advance(Duration::from_secs(1190));
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).now_or_never(), Some(Ok(())));
    eventually("the refresh", || issuer.fetches() == 2).await;
    clock.advance(11 * SECOND);
    let token = good(clock.unix_seconds());
    if failed_first {
        issuer.answer(503, "");
        issuer.resume();
        eventually("its end", || log.text().contains("was frozen")).await;
        issuer.publish(&[&RSA_2]);
        assert_eq!(ask(&verifier, &token).await, UNKNOWN);
    } else {
        issuer.publish(&[&RSA_2]);
        let mut request = Box::pin(ask(&verifier, &token));
        assert_eq!(request.as_mut().now_or_never(), None);
        eventually("the fetch in its place", || issuer.fetches() == 3).await;
        issuer.resume();
        assert_eq!(request.await, UNKNOWN);
    }
    assert_eq!(issuer.fetches(), 3);
    let loud = |line: &String| line.contains("WARN") || line.contains("INFO");
    assert!(!log.ours().iter().any(loud), "{:?}", log.ours());
}

#[tokio::test]
async fn a_frozen_refresh_is_replaced_by_one_that_is_waited_for() {
    thaw(false).await;
}

#[tokio::test]
async fn a_refresh_that_dies_of_the_frost_is_neither_an_outage_nor_a_try() {
    thaw(true).await;
}
