//! What many measurements come to.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Measured times, in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// One more.
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time.as_secs_f64() * 1000.0);
    }

    /// The time since then is one more.
    pub(crate) fn since(&mut self, begin: Instant) {
        self.add(begin.elapsed());
    }

    /// All of another's.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// So many of a hundred are not above this.
    pub(crate) fn percentile(&self, hundredths: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let rank = (hundredths / 100.0 * real(sorted.len())).ceil();
        let below = (1..sorted.len()).take_while(|place| real(*place) < rank).count();
        sorted.get(below).copied().unwrap_or(f64::NAN)
    }

    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn p50(&self) -> f64 {
        self.percentile(50.0)
    }

    pub(crate) fn p99(&self) -> f64 {
        self.percentile(99.0)
    }

    pub(crate) fn most(&self) -> f64 {
        self.percentile(100.0)
    }

    /// In short, for the file of raw numbers.
    pub(crate) fn summary(&self) -> Value {
        json!({
            "count": self.0.len(),
            "min_ms": self.percentile(0.0),
            "p50_ms": self.p50(),
            "p90_ms": self.percentile(90.0),
            "p99_ms": self.p99(),
            "max_ms": self.most(),
        })
    }
}

/// The one in the middle; of an even number, the mean of the two.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.get(half) {
        None => f64::NAN,
        Some(middle) if sorted.len() % 2 == 1 => *middle,
        Some(above) => f64::midpoint(sorted[half - 1], *above),
    }
}

/// A count, to calculate with.
pub(crate) fn real(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "small whole numbers are exact")]
mod tests {
    use super::*;

    fn samples(values: impl IntoIterator<Item = u64>) -> Samples {
        let mut samples = Samples::default();
        values.into_iter().for_each(|ms| samples.add(Duration::from_millis(ms)));
        samples
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let hundred = samples((1..=100).rev());
        assert_eq!((hundred.p50(), hundred.p99(), hundred.most()), (50.0, 99.0, 100.0));
        assert_eq!(hundred.percentile(0.0), 1.0);
        let few = samples([30, 10, 20]);
        assert_eq!((few.p50(), few.p99()), (20.0, 30.0));
        let one = samples([7]);
        assert_eq!((one.percentile(0.0), one.p50(), one.p99()), (7.0, 7.0, 7.0));
        assert!(samples([]).p50().is_nan());
    }

    #[test]
    fn samples_of_several_rounds_are_one() {
        let mut all = samples([1, 2]);
        all.extend(&samples([3]));
        assert_eq!(all.summary()["count"], 3);
        assert_eq!(all.p50(), 2.0);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
