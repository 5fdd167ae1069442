//! Everything that is proved on the real services.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends, and says where"
)]

mod analytics_worker;
mod audit_worker;
mod bad_input;
mod cache_rules;
mod cases;
mod change_events;
mod change_races;
mod chaos;
mod cluster;
mod credentials;
mod database;
mod dead_letters;
mod document_003;
mod events;
mod exports;
mod idempotency;
mod limits;
mod list_model;
mod logs;
mod maintenance;
mod matrix;
mod migrations;
mod mutations;
mod notifications;
mod outage;
mod over_http;
mod own_redis;
mod owner_races;
mod page_walk;
mod pipeline;
mod plans;
mod processes;
mod proxy;
mod races;
mod reader;
mod redis_faults;
mod redis_way_in;
mod relay;
mod retries;
mod revocation;
mod rights;
mod round_trips;
mod stale_cache;
mod stale_reads;
mod support;
mod tokens;
mod users;
