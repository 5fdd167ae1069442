//! `GET /health`: whether the service can work.
//!
//! Public, so it says what works and never why something does not. Only the writer takes the service
//! down: everything can be done without the reader, and without Redis.

use db::ReadDb;
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
}

impl Route for Health {
    const SPEC: Spec = Spec::get(env!("CARGO_PKG_NAME"), "/health", Access::Public)
        .unlimited()
        .summary("Tell whether the service works");
    type Deps = ReadDb;
    type Input = ();
    type Output = Report;

    async fn handle(cx: Cx<'_, Self>, (): ()) -> Result<Report, Problem> {
        let (health, redis) = tokio::join!(cx.deps.health(), cx.redis_is_up());
        Ok(Report::of(health, redis))
    }
}

impl Report {
    fn of(health: db::Health, redis: bool) -> Self {
        let word = |up| if up { "up" } else { "down" };
        let status = match health {
            db::Health { writer: false, .. } => "down",
            db::Health { reader: Some(false), .. } => "degraded",
            _ if !redis => "degraded",
            _ => "ok",
        };
        let checks = Checks {
            database: word(health.writer),
            replica: health.reader.map_or("none", word),
            redis: word(redis),
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
        let status =
            |writer, reader, redis| Report::of(db::Health { writer, reader }, redis).status;
        assert_eq!(status(true, None, true), "ok");
        assert_eq!(status(true, Some(true), true), "ok");
        assert_eq!(status(true, Some(false), true), "degraded");
        assert_eq!(status(true, None, false), "degraded");
        assert_eq!(status(false, Some(true), true), "down");
    }
}
