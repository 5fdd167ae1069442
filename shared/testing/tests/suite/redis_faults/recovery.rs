//! How a load goes through a fault: when it begins and ends, and when everything is as before.

use cache::Stale;
use config::defaults::BREAKER_FIRST_PAUSE;
use serde_json::{Value, json};
use uuid::Uuid;

use super::breakable::patient_cache;
use super::load::{FUNCTIONS, PAUSE, TRIES, World};
use crate::support::path_of;

impl World<'_> {
    /// Redis answers nobody from now on: nothing that is old may be shown.
    pub(crate) fn silence(&self) {
        self.history.silences.borrow_mut().push((self.history.tick(), u64::MAX));
    }

    /// It may answer again.
    pub(crate) fn end_silence(&self) {
        let now = self.history.tick();
        self.history.silences.borrow_mut().last_mut().expect("a silence").1 = now;
    }

    /// Plays the part of the relay: has every event of this app drop what it made out of date. Nothing
    /// is under way meanwhile. From now on nothing old is excused.
    pub(crate) async fn play_events(&self) {
        let cache = patient_cache(self.app);
        let rows =
            self.app.db.rows("SELECT payload FROM app.outbox ORDER BY created_at", &[]).await;
        for row in rows {
            assert!(cache.drop(&[stale_of(&row.get(0))]).await, "the event is played");
        }
        self.history.healed.set(self.history.tick());
    }

    /// Waits until each function gets on with Redis again, and reads are answered by the cache.
    pub(crate) async fn recovered(&self, what: &str) {
        for function in FUNCTIONS {
            let mut well = 0;
            for count in 0..TRIES {
                // Of several processes each is to have found out.
                if self.probe(function).await {
                    well += 1;
                } else {
                    well = 0;
                    self.rest(count).await;
                }
                if well == 8 {
                    break;
                }
            }
            assert_eq!(well, 8, "{what}: {function} does not come back to Redis");
        }
    }

    /// Lets a pause of the breaker go by, where that takes no time.
    async fn rest(&self, count: usize) {
        if self.fleets.is_empty() && count < 60 {
            self.app.clock.advance(BREAKER_FIRST_PAUSE * 3 / 2);
        } else {
            tokio::time::sleep(PAUSE * 5).await;
        }
    }

    /// Whether a function gets on with Redis, and a reader finds the value that it left before.
    async fn probe(&self, function: &str) -> bool {
        let [(writer, changed), (reader, read)] = &self.probes;
        let call = match function {
            "tasks-create" => writer.post("/v1/tasks", &json!({"title": "x"})),
            "tasks-update" => writer.patch(&path_of(changed), &json!({"title": "x"})),
            "tasks-get" => reader.get(&path_of(read)),
            _ => reader.get("/v1/tasks"),
        };
        let (id, _) = self.send(call).await;
        self.learn_lines().await;
        let line = &self.lines.borrow()[&id];
        let reads = matches!(function, "tasks-get" | "tasks-list");
        line.failed + line.skipped == 0 && (!reads || line.cache == "hit")
    }
}

/// What an event has made out of date.
pub(crate) fn stale_of(event: &Value) -> Stale {
    let id = |pointer: &str| event.pointer(pointer)?.as_str()?.parse::<Uuid>().ok();
    let everybody = [
        "/userId",
        "/ownerId",
        "/assigneeId",
        "/changes/user_id/from",
        "/changes/assignee_id/from",
    ];
    Stale {
        task: id("/taskId").zip(event["version"].as_i64()),
        lists: everybody.into_iter().filter_map(id).collect(),
        standings: id("/subject/id").into_iter().collect(),
    }
}
