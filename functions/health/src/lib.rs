//! `GET /health`: whether the service can work.
//!
//! Public, so it says what works and never why something does not. Only the writer takes the service
//! down: everything can be done without the reader, without Redis, and for a while without the queues.

use db::ReadDb;
use queue::Outbox;
use route::{Access, Cx, Problem, Reply, Response, Route, Spec};
use serde::Serialize;

/// The route.
pub struct Health;

/// How the service is.
#[derive(Serialize)]
pub struct Report {
    /// `ok`, `degraded` (it works, with less) or `down`.
    status: &'static str,
    checks: Checks,
    /// The version that is deployed.
    version: &'static str,
}

#[derive(Serialize)]
struct Checks {
    /// The writer: `up` or `down`.
    database: &'static str,
    /// The reader: `up`, `down`, or `none` if the service runs without one.
    replica: &'static str,
    /// The cache: `up` or `down`.
    redis: &'static str,
    /// The queue that wakes the relay: `up` or `down`.
    queue: &'static str,
}

impl Route for Health {
    const SPEC: Spec = Spec::get(env!("CARGO_PKG_NAME"), "/health", Access::Public)
        .unlimited()
        .summary("Tell whether the service works");
    type Deps = (ReadDb, Outbox);
    type Input = ();
    type Output = Report;

    async fn handle(cx: Cx<'_, Self>, (): ()) -> Result<Report, Problem> {
        let (db, outbox) = cx.deps;
        let (health, redis, queue) = tokio::join!(db.health(), cx.redis_is_up(), outbox.is_up());
        Ok(Report::of(health, redis, queue))
    }
}

impl Report {
    fn of(health: db::Health, redis: bool, queue: bool) -> Self {
        let word = |up| if up { "up" } else { "down" };
        let status = match health {
            db::Health { writer: false, .. } => "down",
            db::Health { reader: Some(false), .. } => "degraded",
            _ if !redis || !queue => "degraded",
            _ => "ok",
        };
        let checks = Checks {
            database: word(health.writer),
            replica: health.reader.map_or("none", word),
            redis: word(redis),
            queue: word(queue),
        };
        Self { status, checks, version: env!("CARGO_PKG_VERSION") }
    }
}

impl Reply for Report {
    const STATUSES: &'static [u16] = &[200, 503];

    fn into_response(self) -> Response {
        if self.status == "down" {
            let retry_after = config::defaults::RETRY_AFTER.to_string();
            Response::json(503, &self).header("retry-after", retry_after)
        } else {
            Response::json(200, &self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_writer_takes_the_service_down() {
        let status = |writer, reader, redis, queue| {
            Report::of(db::Health { writer, reader }, redis, queue).status
        };
        assert_eq!(status(true, None, true, true), "ok");
        assert_eq!(status(true, Some(true), true, true), "ok");
        assert_eq!(status(true, Some(false), true, true), "degraded");
        assert_eq!(status(true, None, false, true), "degraded");
        assert_eq!(status(true, None, true, false), "degraded");
        assert_eq!(status(false, Some(true), true, true), "down");
    }
}
