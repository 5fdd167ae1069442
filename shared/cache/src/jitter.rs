//! A little chance, so that what began together does not end together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The time, longer or shorter by up to one part in `parts`.
pub(crate) fn give_or_take(time: Duration, parts: u32) -> Duration {
    let spread = u64::try_from(time.as_micros()).unwrap_or(u64::MAX) / u64::from(parts);
    let chance = RandomState::new().hash_one(spread) % (2 * spread + 1);
    time.saturating_sub(Duration::from_micros(spread)) + Duration::from_micros(chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_its_part_and_varies() {
        let times: Vec<_> =
            (0..1000).map(|_| give_or_take(Duration::from_mins(10), 10).as_secs()).collect();
        assert!(times.iter().all(|time| (540..=660).contains(time)), "{times:?}");
        assert!(times.iter().min() < Some(&560) && times.iter().max() > Some(&640));
    }
}
