//! How often the issuer is asked, and when new keys are noticed.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::issuer::Issuer;
use super::signer::{EC, RSA, RSA_2, encoded};
use super::*;
use crate::Reason;

pub(super) const UNKNOWN: Result<(), Refusal> = Err(Refusal::Invalid(Reason::UnknownKey.text()));

pub(super) fn rotated(clock: &Clock) -> String {
    RSA_2.token("RS256", &claims(clock.unix_seconds()))
}

/// A token of the right form with a key id that nobody has.
fn stranger(token: &str, number: usize) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    let header = header("RS256", &format!("stranger-{number}")).to_string();
    format!("{}.{rest}", encoded(header.as_bytes()))
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn a_hundred_requests_cost_one_fetch() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    let token = good(clock.unix_seconds());
    for _ in 0..100 {
        assert_eq!(is_send(ask(&verifier, &token)).await, Ok(()));
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn first_requests_at_the_same_time_share_one_fetch() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    let token = good(clock.unix_seconds());
    let answers = join_all((0..100).map(|_| ask(&verifier, &token))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn a_warm_process_does_not_fetch_for_its_first_request() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    is_send(verifier.warm_up()).await;
    assert_eq!(issuer.fetches(), 1);
    issuer.answer(500, "");
    assert_eq!(ask(&verifier.clone(), &good(clock.unix_seconds())).await, Ok(()));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn the_next_request_after_a_rotation_works() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    issuer.publish(&[&RSA, &RSA_2]);
    let token = rotated(&clock);
    let answers = join_all((0..20).map(|_| ask(&verifier, &token))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn a_key_that_is_no_longer_published_no_longer_counts() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    issuer.publish(&[&RSA_2]);
    assert_eq!(ask(&verifier, &rotated(&clock)).await, Ok(()));
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, UNKNOWN);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch_in_thirty_seconds() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    let token = good(clock.unix_seconds());
    verifier.warm_up().await;
    for number in 0..10_000 {
        clock.advance(Duration::from_millis(1));
        assert_eq!(ask(&verifier, &stranger(&token, number)).await, UNKNOWN);
        if number % 100 == 0 {
            assert_eq!(ask(&verifier, &token).await, Ok(()));
        }
    }
    assert_eq!(issuer.fetches(), 2);
    clock.advance(Duration::from_secs(19));
    assert_eq!(ask(&verifier, &stranger(&token, 10_000)).await, UNKNOWN);
    assert_eq!(issuer.fetches(), 2);
    clock.advance(Duration::from_millis(1001));
    for number in 10_001..10_100 {
        assert_eq!(ask(&verifier, &stranger(&token, number)).await, UNKNOWN);
    }
    assert_eq!(issuer.fetches(), 3);
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
}

#[tokio::test]
async fn a_flood_at_one_moment_shares_one_fetch_and_holds_up_no_good_token() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    let token = good(clock.unix_seconds());
    verifier.warm_up().await;
    issuer.hold();
    let flood = {
        let (verifier, token) = (verifier.clone(), token.clone());
        tokio::spawn(async move {
            let strangers: Vec<String> = (0..1000).map(|n| stranger(&token, n)).collect();
            join_all(strangers.iter().map(|token| ask(&verifier, token))).await
        })
    };
    eventually("the fetch", || issuer.fetches() == 2).await;
    // The issuer does not answer, and good tokens do not wait for it.
    assert_eq!(ask(&verifier, &token).await, Ok(()));
    assert!(!flood.is_finished());
    issuer.resume();
    assert!(flood.await.unwrap().iter().all(|answer| *answer == UNKNOWN));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn one_stale_token_leaves_room_for_a_rotation() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    let stale = stranger(&good(clock.unix_seconds()), 0);
    verifier.warm_up().await;
    assert_eq!(ask(&verifier, &stale).await, UNKNOWN);
    assert_eq!(issuer.fetches(), 2);
    clock.advance(Duration::from_secs(31));
    // Known to be unknown, it spends nothing.
    assert_eq!(ask(&verifier, &stale).await, UNKNOWN);
    assert_eq!(issuer.fetches(), 2);
    issuer.publish(&[&RSA, &RSA_2]);
    assert_eq!(ask(&verifier, &rotated(&clock)).await, Ok(()));
    assert_eq!(issuer.fetches(), 3);
    // But not for ever.
    clock.advance(Duration::from_secs(31));
    assert_eq!(ask(&verifier, &stale).await, UNKNOWN);
    assert_eq!(issuer.fetches(), 4);
}

#[tokio::test]
async fn a_key_id_is_not_taken_for_absent_when_the_fetch_failed() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    issuer.answer(503, "");
    assert_eq!(ask(&verifier, &rotated(&clock)).await, UNKNOWN);
    assert_eq!(ask(&verifier, &rotated(&clock)).await, UNKNOWN);
    assert_eq!(issuer.fetches(), 2);
    issuer.publish(&[&RSA_2]);
    clock.advance(Duration::from_secs(31));
    assert_eq!(ask(&verifier, &rotated(&clock)).await, Ok(()));
}

#[tokio::test]
async fn an_unknown_key_at_a_cold_start_costs_no_second_fetch() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    assert_eq!(ask(&verifier, &stranger(&good(clock.unix_seconds()), 0)).await, UNKNOWN);
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn keys_are_refreshed_behind_a_request() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    clock.advance(Duration::from_secs(590));
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    assert_eq!(issuer.fetches(), 1);

    clock.advance(Duration::from_secs(20));
    issuer.publish(&[&RSA, &RSA_2]);
    issuer.hold();
    let token = good(clock.unix_seconds());
    let answers = join_all((0..100).map(|_| ask(&verifier, &token))).await;
    // The requests went on with the old keys while the issuer had not answered.
    assert!(answers.iter().all(Result::is_ok));
    eventually("the refresh", || issuer.fetches() == 2).await;
    issuer.resume();
    // The new key came with the refresh: nobody had to ask for it.
    assert_eq!(ask(&verifier, &rotated(&clock)).await, Ok(()));
    assert_eq!(ask(&verifier, &token).await, Ok(()));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn a_cancelled_request_does_not_take_the_fetch_with_it() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    let token = good(clock.unix_seconds());
    issuer.hold();
    let request = {
        let (verifier, token) = (verifier.clone(), token.clone());
        tokio::spawn(async move { ask(&verifier, &token).await })
    };
    eventually("the fetch", || issuer.fetches() == 1).await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    issuer.resume();
    assert_eq!(ask(&verifier, &token).await, Ok(()));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn a_fetch_that_was_frozen_with_its_environment_is_replaced() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    issuer.hold();
    clock.advance(Duration::from_secs(601));
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    eventually("the refresh", || issuer.fetches() == 2).await;
    // An hour later the first answer is still not there.
    clock.advance(Duration::from_hours(1));
    issuer.publish(&[&RSA_2]);
    let request = {
        let (verifier, token) = (verifier.clone(), rotated(&clock));
        tokio::spawn(async move { ask(&verifier, &token).await })
    };
    eventually("the fetch in its place", || issuer.fetches() == 3).await;
    issuer.resume();
    assert_eq!(request.await.unwrap(), Ok(()));
}

#[test]
fn a_runtime_that_ends_takes_its_fetch_along() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let clock = Clock::stopped();
    let (first, second) = (runtime(), runtime());
    let issuer = second.block_on(Issuer::with(&[&RSA]));
    let verifier = verifier(&issuer.address, &clock);
    let token = good(clock.unix_seconds());
    // Begins the fetch, and is dropped before it could end.
    first.block_on(async { assert_eq!(ask(&verifier, &token).now_or_never(), None) });
    drop(first);
    clock.advance(Duration::from_secs(1));
    assert_eq!(second.block_on(ask(&verifier, &token)), Ok(()));
}

#[tokio::test]
async fn another_algorithm_can_be_rotated_in() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let settings = Settings { algorithms: Alg::ALL.to_vec(), ..settings_for(&issuer.address) };
    let verifier = patient(settings, &clock, None);
    verifier.warm_up().await;
    issuer.publish(&[&EC]);
    assert_eq!(ask(&verifier, &EC.token("ES256", &claims(clock.unix_seconds()))).await, Ok(()));
}
