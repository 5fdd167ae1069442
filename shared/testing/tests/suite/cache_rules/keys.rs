//! The keys: each falls by itself, and those of one script lie in one slot.

use cache::{Stale, Told, Touch};
use domain::AccountState;
use redis::Value;

use super::place::Place;

/// Everything that a cache does, in a usual order.
async fn everything(place: &Place) {
    let [a, b, _] = place.processes();
    for entry in [place.entry.clone(), place.list()] {
        let room = a.look(&entry).await.room();
        a.fill(&entry, &room, 1).await;
    }
    let fence = b.fence(place.task).await;
    assert_every_key_falls(place).await;
    b.lift(&fence, place.task, 2, place.only_own(2)).await;
    assert_every_key_falls(place).await;
    b.fence(place.task).await;
    assert!(a.cache.drop(&[place.stale(3)]).await);
    a.cache.count("2001:db8:1:2:3::4", 2).await.expect("Redis counts");
    a.cache.count("203.0.113.9", 1).await.expect("Redis counts");
    let (greeting, _) = a.cache.greet(a.bearer(), &[], None, &Touch::Nothing).await;
    let cache::Standing::Unknown(Some(epoch)) = greeting.standing else { panic!("{greeting:?}") };
    let state = AccountState { active: true, not_before: 0, sessions: vec![] };
    a.cache.keep(Some(&Told { user: place.user, epoch, state }), None).await;
    assert_every_key_falls(place).await;
    let judged = Stale { standings: vec![place.user], ..Stale::default() };
    assert!(a.cache.drop(&[judged]).await);
}

async fn assert_every_key_falls(place: &Place) {
    for key in place.redis.keys().await {
        let life: i64 = place.redis.ask(&["PTTL", &key]).await;
        // -1 is for ever; -2, that it has just fallen.
        assert_ne!(life, -1, "{key} stays for ever");
    }
}

/// The part that decides on which node of a cluster a key lies; all of it, if it has no braces.
fn tag(key: &str) -> &str {
    match (key.find('{'), key.rfind('}')) {
        (Some(from), Some(to)) => &key[from..to],
        _ => key,
    }
}

#[tokio::test]
async fn no_key_stays_for_ever() {
    let place = Place::new().await;
    everything(&place).await;
    let keys = place.redis.keys().await;
    assert!(keys.len() >= 9, "{keys:?}");
    assert_every_key_falls(&place).await;
}

#[tokio::test]
async fn the_keys_of_a_script_lie_in_one_slot() {
    let place = Place::new().await;
    for (setting, value) in [("slowlog-log-slower-than", "0"), ("slowlog-max-len", "10000")] {
        place.redis.server.set(setting, value).expect("a setting");
    }
    everything(&place).await;
    let log: Vec<Vec<Value>> = place.redis.ask(&["SLOWLOG", "GET", "-1"]).await;
    let mut scripts = 0;
    for entry in log {
        let words: Vec<Vec<u8>> = redis::from_redis_value(entry[3].clone()).expect("words");
        // Long ones are cut, wherever that is.
        let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
        if !words[0].to_uppercase().starts_with("EVAL") {
            continue;
        }
        scripts += 1;
        let count: usize = words[2].parse().expect("a number");
        let keys = &words[3..3 + count];
        assert!(count >= 1 && keys.iter().all(|key| tag(key) == tag(&keys[0])), "{words:?}");
    }
    assert!(scripts >= 20, "{scripts} scripts");
}
