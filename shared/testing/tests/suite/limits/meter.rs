//! The meter against a model of it.

use std::time::Duration;

use cache::Verdict;
use testing::Random;

use crate::own_redis::OwnRedis;

const CALLS: usize = 1_500;

/// The limit by the book (GCRA), in microseconds.
struct Model {
    interval: u64,
    burst: u64,
}

/// What the book says of a call at one moment.
#[derive(Debug, PartialEq)]
struct Said {
    allowed: bool,
    remaining: u64,
    seconds: u64,
    full_at: u64,
}

impl Model {
    fn said(&self, kept: Option<u64>, now: u64, cost: u64) -> Said {
        let most = self.interval * self.burst;
        let full_at = kept.unwrap_or(now).clamp(now, now + most);
        let wanted = full_at + self.interval * cost;
        let allowed = wanted <= now + most;
        let full_at = if allowed { wanted } else { full_at };
        let remaining = (most - (full_at - now)) / self.interval;
        let wait = if allowed { full_at - now } else { wanted - now - most };
        Said { allowed, remaining, seconds: wait.div_ceil(1_000_000), full_at }
    }
}

/// Redis takes its time at some moment between two that are known; what it says must be what the book
/// says of some moment between them.
fn is_between(said: &Verdict, early: &Said, late: &Said) -> bool {
    let between = |number: u32, a: u64, b: u64| (a.min(b)..=a.max(b)).contains(&u64::from(number));
    if said.allowed != early.allowed && said.allowed != late.allowed {
        return false;
    }
    // Where the two differ, nothing more is said but how it was decided.
    early.allowed != late.allowed
        || between(said.remaining, early.remaining, late.remaining)
            && between(said.seconds, early.seconds, late.seconds)
}

#[tokio::test]
async fn the_meter_says_what_the_book_says() {
    let redis = OwnRedis::start().await;
    let mut random = Random::seeded(27);
    let (mut passed, mut refused) = (0, 0);
    for (limit, interval, burst) in
        [("1/1", 1_000_000, 1), ("3/2", 666_666, 3), ("50/5", 100_000, 50), ("100/1", 10_000, 100)]
    {
        let model = Model { interval, burst };
        let limits = format!("{{\"ip\": \"{limit}\"}}");
        let cache = redis.cache(&[("RATE_LIMITS", &limits)]);
        for _ in 0..CALLS / 4 {
            // A few addresses, so that meters are full and empty.
            let address = format!("192.0.2.{}", random.below(3));
            let key = format!("rl:{{ip:{address}}}");
            match random.below(100) {
                // As another clock, or another limit before a new start, could have left it.
                0 => {
                    let far = (redis.time().await + 86_400_000_000).to_string();
                    redis.ask::<String>(&["SET", &key, &far, "EX", "60"]).await;
                }
                1 => {
                    redis.ask::<String>(&["SET", &key, "1", "EX", "60"]).await;
                }
                2..10 => {
                    let time = Duration::from_micros(random.below(interval / 4));
                    tokio::time::sleep(time).await;
                }
                _ => {}
            }
            // Nobody pays more than there can be.
            let asked = 1 + random.below(2);
            let cost = asked.min(burst);
            // A meter that falls meanwhile was full, which is the same as none.
            let kept: Option<u64> = redis.ask(&["GET", &key]).await;
            let early = model.said(kept, redis.time().await, cost);
            let asked = u32::try_from(asked).expect("a small number");
            let said = cache.count(&address, asked).await.expect("Redis counts");
            let late = model.said(kept, redis.time().await, cost);
            assert!(is_between(&said, &early, &late), "{limit}: {said:?}: {early:?} {late:?}");
            let now: Option<u64> = redis.ask(&["GET", &key]).await;
            if said.allowed {
                passed += 1;
                let least = early.full_at.min(late.full_at);
                let most = early.full_at.max(late.full_at) + cost * interval;
                let life: i64 = redis.ask(&["PTTL", &key]).await;
                let window = i64::try_from(interval * burst / 1000 + 1).expect("a time");
                // -1 is for ever; -2, that it has just fallen.
                assert!(life != -1 && life <= window, "{limit}: a life of {life}");
                // One that has fallen since was full.
                let Some(full_at) = now else { continue };
                assert!((least..=most).contains(&full_at), "{limit}: {full_at}");
            } else {
                refused += 1;
                // Who is refused does not wait longer for it.
                assert!(now.is_none() || now <= kept, "{limit}: {kept:?} became {now:?}");
            }
        }
    }
    assert!(passed >= 200 && refused >= 200, "{passed} passed, {refused} refused");
}

#[tokio::test]
async fn a_burst_is_as_long_as_the_limit_and_counts_down_by_one() {
    let redis = OwnRedis::start().await;
    let cache = redis.cache(&[("RATE_LIMITS", r#"{"ip": "20/86400"}"#)]);
    for left in (0..20).rev() {
        let verdict = cache.count("192.0.2.1", 1).await.expect("Redis counts");
        assert!(verdict.allowed);
        assert_eq!(verdict.remaining, left);
    }
    let meter = async || redis.ask::<String>(&["GET", "rl:{ip:192.0.2.1}"]).await;
    let before = meter().await;
    for cost in [1, 2] {
        let verdict = cache.count("192.0.2.1", cost).await.expect("Redis counts");
        assert!(!verdict.allowed && verdict.remaining == 0, "{verdict:?}");
    }
    assert_eq!(meter().await, before, "what is refused is not counted");
}
