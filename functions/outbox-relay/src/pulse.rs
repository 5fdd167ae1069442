//! Whether anybody is awake, as writers hear it.

use std::time::{Duration, SystemTime};

use cache::Cache;
use clock::Clock;
use config::defaults;
use tokio::time::sleep;

/// The heartbeat of one relay.
pub(crate) struct Pulse<'a> {
    clock: &'a Clock,
    cache: &'a Cache,
    /// Tells this relay from others.
    name: String,
    /// When there was last something to do.
    worked: SystemTime,
    /// Whether writers may hear it.
    beating: bool,
}

impl<'a> Pulse<'a> {
    pub(crate) fn new(clock: &'a Clock, cache: &'a Cache) -> Self {
        let (name, worked) = (clock.new_id().to_string(), clock.now());
        Self { clock, cache, name, worked, beating: false }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Beats. Says whether it is this relay that writers hear; if Redis does not say, it must be taken
    /// for that.
    pub(crate) async fn beat(&mut self) -> bool {
        let heard = self.cache.beat(&self.name).await.unwrap_or(true);
        self.beating |= heard;
        heard
    }

    /// There was something to do.
    pub(crate) fn worked(&mut self) {
        self.worked = self.now();
    }

    /// For how long there was nothing to do.
    pub(crate) fn idle(&self) -> Duration {
        self.now().duration_since(self.worked).unwrap_or_default()
    }

    /// How long to wait before looking again.
    pub(crate) fn pause(&self) -> Duration {
        let [first, later] = defaults::RELAY_LOOK;
        if self.idle() < defaults::RELAY_IDLE / 2 { first } else { later }
    }

    /// Stops beating. When it returns nobody hears this relay any more.
    pub(crate) async fn rest(&mut self) {
        if self.beating && !self.cache.rest(&self.name).await {
            // Redis may still say that it is awake, until the last beat is forgotten.
            sleep(defaults::RELAY_HEARTBEAT).await;
        }
        self.beating = false;
        self.worked = self.now();
    }
}
