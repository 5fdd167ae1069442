//! An issuer that is down, slow, or sends rubbish.

use std::time::Duration;

use serde_json::json;

use super::issuer::Issuer;
use super::log::Log;
use super::signer::{EC, RSA, RSA_2};
use super::*;
use crate::Reason;

#[tokio::test]
async fn old_keys_serve_for_a_day() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    issuer.answer(503, "");
    for _ in 0..23 {
        clock.advance(Duration::from_hours(1));
        assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    }
    clock.advance(Duration::from_mins(59));
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    clock.advance(Duration::from_mins(2));
    let token = good(clock.unix_seconds());
    assert_eq!(ask(&verifier, &token).await, Err(Refusal::Unavailable));
    issuer.publish(&[&RSA]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(ask(&verifier, &token).await, Ok(()));
}

#[tokio::test]
async fn a_failing_issuer_is_not_pressed() {
    let (log, _guard) = Log::start();
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    issuer.answer(503, "");
    clock.advance(Duration::from_secs(601));
    for _ in 0..100 {
        assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    }
    eventually("the refresh", || issuer.fetches() == 2).await;
    eventually("its failure", || log.ours().len() == 1).await;
    clock.advance(Duration::from_secs(29));
    for _ in 0..100 {
        assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
        // Room for a fetch that should not be.
        tokio::task::yield_now().await;
    }
    assert_eq!(issuer.fetches(), 2);
    clock.advance(Duration::from_secs(2));
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
    eventually("the next try", || issuer.fetches() == 3).await;
}

#[tokio::test]
async fn without_keys_nobody_is_told_that_the_token_is_bad() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    issuer.answer(500, "");
    let verifier = verifier(&issuer.address, &clock);
    let token = good(clock.unix_seconds());
    verifier.warm_up().await;
    for _ in 0..20 {
        assert_eq!(ask(&verifier, &token).await, Err(Refusal::Unavailable));
    }
    assert_eq!(issuer.fetches(), 1, "at most one try a second");
    // What no key could make good is refused all the same.
    let malformed = Err(Refusal::Invalid(Reason::Parts.text()));
    assert_eq!(ask(&verifier, "rubbish").await, malformed);
    assert_eq!(verifier.verify(&[]).await.unwrap_err(), Refusal::Missing);
    assert_eq!(issuer.fetches(), 1);
    clock.advance(Duration::from_secs(1));
    issuer.publish(&[&RSA]);
    assert_eq!(ask(&verifier, &token).await, Ok(()));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_or_is_not_there_is_given_up() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    issuer.hold();
    let slow = Verifier::new(settings_for(&issuer.address), clock.clone(), None).unwrap();
    let token = good(clock.unix_seconds());
    let answer = tokio::time::timeout(LONG, ask(&slow, &token)).await;
    assert_eq!(answer, Ok(Err(Refusal::Unavailable)));
    assert_eq!(issuer.fetches(), 1);
    let gone = verifier("http://127.0.0.1:1/certs", &clock);
    assert_eq!(ask(&gone, &good(clock.unix_seconds())).await, Err(Refusal::Unavailable));
}

#[tokio::test]
async fn rubbish_replaces_nothing() {
    let elsewhere = Issuer::with(&[&RSA_2]).await;
    let many: Vec<Value> = (0..33)
        .map(|i| {
            let mut jwk = RSA_2.jwk();
            jwk["kid"] = json!(if i == 0 { "rsa-2".to_owned() } else { format!("k-{i}") });
            jwk
        })
        .collect();
    let mut encryption = RSA_2.jwk();
    encryption["use"] = json!("enc");
    let mut large = jwks(&[&RSA_2]);
    large.push_str(&" ".repeat(150 * 1024));
    let rubbish = [
        ("an error", 500, jwks(&[&RSA_2])),
        ("not OK", 203, jwks(&[&RSA_2])),
        ("HTML", 200, "<html>Sign in</html>".to_owned()),
        ("nothing", 200, String::new()),
        ("no keys", 200, json!({"keys": []}).to_string()),
        ("too many keys", 200, json!({ "keys": many }).to_string()),
        ("too large", 200, large),
        ("for encryption", 200, json!({ "keys": [encryption] }).to_string()),
        ("for another algorithm", 200, jwks(&[&EC])),
        ("cut off", 200, jwks(&[&RSA_2])[..300].to_owned()),
        ("a redirect", 302, String::new()),
    ];
    for (what, status, body) in rubbish {
        let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
        let verifier = verifier(&issuer.address, &clock);
        verifier.warm_up().await;
        issuer.answer(status, body);
        if status == 302 {
            issuer.redirect(&elsewhere.address);
        }
        let token = RSA_2.token("RS256", &claims(clock.unix_seconds()));
        let unknown = Err(Refusal::Invalid(Reason::UnknownKey.text()));
        assert_eq!(ask(&verifier, &token).await, unknown, "{what}");
        assert_eq!(issuer.fetches(), 2, "{what}");
        assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()), "{what}");
    }
    assert_eq!(elsewhere.fetches(), 0, "a redirect was followed");
}

#[tokio::test]
async fn a_set_of_exactly_the_largest_size_is_read() {
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let mut set = jwks(&[&RSA]);
    set.push_str(&" ".repeat(150 * 1024 - set.len()));
    issuer.answer(200, set);
    let verifier = verifier(&issuer.address, &clock);
    assert_eq!(ask(&verifier, &good(clock.unix_seconds())).await, Ok(()));
}

#[tokio::test]
async fn an_outage_is_logged_once_and_without_secrets() {
    let (log, _guard) = Log::start();
    let (clock, issuer) = (Clock::stopped(), Issuer::with(&[&RSA]).await);
    let verifier = verifier(&issuer.address, &clock);
    verifier.warm_up().await;
    let token = good(clock.unix_seconds());
    let other = RSA_2.token("RS256", &claims(clock.unix_seconds()));
    issuer.answer(503, jwks(&[&RSA_2]));
    for _ in 0..3 {
        clock.advance(Duration::from_secs(31));
        assert!(ask(&verifier, &token).await.is_ok());
        assert!(ask(&verifier, &other).await.is_err());
    }
    assert_eq!(issuer.fetches(), 4);
    issuer.publish(&[&RSA_2]);
    clock.advance(Duration::from_secs(31));
    assert!(ask(&verifier, &other).await.is_ok());

    let (text, ours) = (log.text(), log.ours());
    assert_eq!(ours.len(), 2, "{ours:?}");
    assert!(ours[0].contains("WARN") && ours[0].contains("503"), "{ours:?}");
    assert!(ours[1].contains("INFO"), "{ours:?}");
    let modulus = RSA_2.jwk()["n"].as_str().unwrap().to_owned();
    let signature = token.rsplit('.').next().unwrap();
    let payload = token.split('.').nth(1).unwrap();
    for secret in [modulus.as_str(), signature, payload, "alice"] {
        assert!(!text.contains(secret), "{text}");
    }
}
