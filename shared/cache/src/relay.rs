//! Whether somebody carries events. Writers look, so that they need not wake who is awake.

use config::defaults;
use redis::Value;

use crate::Cache;
use crate::entry::millis;
use crate::scripts::{Scripts, Step};

/// The heartbeat of the relay that writers hear.
const ALIVE: &str = "relay:alive";

/// What a writer asks.
pub(crate) fn look(scripts: &Scripts) -> Step {
    scripts.awake.step(&[ALIVE])
}

/// The answer to it. What Redis does not say is no.
pub(crate) fn is_awake(answer: Option<&Value>) -> bool {
    matches!(answer, Some(Value::Int(1)))
}

impl Cache {
    /// Lets writers know that this relay is awake. False if they hear another one; nothing if Redis did
    /// not say.
    pub async fn beat(&self, relay: &str) -> Option<bool> {
        let step = self.scripts.beat.step(&[ALIVE]).arg(relay);
        let step = step.arg(millis(defaults::RELAY_HEARTBEAT));
        let answer = self.redis.run(&[step]).await?.pop();
        Some(matches!(answer, Some(Value::Int(1))))
    }

    /// Lets writers know that this relay goes to sleep. Says whether Redis knows.
    pub async fn rest(&self, relay: &str) -> bool {
        let step = self.scripts.rest.step(&[ALIVE]).arg(relay);
        self.redis.run(&[step]).await.is_some()
    }
}
