//! X15: many ask at once for what is not cached.

use std::time::Duration;

use domain::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testing::{Caller, Reply, Setup, TestApp, lines_of};

use super::breakable::{BreakableRedis, setup};
use crate::support::{path_of, patiently, say};

const READERS: usize = 200;
/// How many connections to the database they share. (Each environment of a function has one.) Who does
/// not get one in time, on a busy machine, asks again.
const CONNECTIONS: usize = 64;

fn line_of(reply: &Reply) -> Value {
    lines_of(reply.header("x-request-id").expect("an id"))[0].clone()
}

/// All at once, and one after them.
async fn all_at_once(what: &str, callers: &[Caller<'_>], path: &str) -> Vec<Reply> {
    let replies = join_all(callers.iter().map(|caller| {
        let call = caller.get(path);
        async move { patiently(&call).await.expect(200) }
    }))
    .await;
    let lines: Vec<Value> = replies.iter().map(line_of).collect();
    let asked = |line: &Value| line["db_round_trips"].as_u64().expect("a number");
    let mut slowest: Vec<f64> =
        lines.iter().map(|line| line["duration_ms"].as_f64().expect("a number")).collect();
    slowest.sort_by(f64::total_cmp);
    say(&format!(
        "X15 {what}: {} at once, {} statements, {} hits, slowest but one in a hundred {:?}",
        lines.len(),
        lines.iter().map(asked).sum::<u64>(),
        lines.iter().filter(|line| line["cache"] == "hit").count(),
        Duration::from_secs_f64(slowest[slowest.len() * 99 / 100] / 1000.0),
    ));
    assert!(lines.iter().all(|line| asked(line) <= 1), "{what}: more than one statement");
    let after = callers[0].get(path).send().await.expect(200);
    let line = line_of(&after);
    assert_eq!((&line["cache"], asked(&line)), (&json!("hit"), 0), "{what}, afterwards");
    assert_eq!(after.json(), replies[0].json());
    replies
}

#[tokio::test]
async fn many_who_ask_at_once_for_what_is_not_cached_ask_the_database_once_each_at_most() {
    let redis = BreakableRedis::start("stampede");
    let mut setup = setup(redis.port(), "5000");
    setup.env.push(("AWS_LAMBDA_MAX_CONCURRENCY", CONNECTIONS.to_string()));
    let app = TestApp::with(Setup { ..setup }).await;
    let alice = app.caller(Role::User);
    let task = alice.create(&json!({"title": "hot"})).await;
    // The connections are made before, and everybody is known.
    let readers: Vec<_> = (0..READERS).map(|_| app.caller(Role::Viewer)).collect();
    for some in readers.chunks(CONNECTIONS) {
        for path in [path_of(&task), "/v1/tasks".to_owned()] {
            let warm = some.iter().map(|reader| reader.get(&path));
            join_all(warm.map(async |call| patiently(&call).await.expect(200))).await;
        }
    }
    redis.does(|redis| redis.flush()).await;
    for reply in all_at_once("one task", &readers, &path_of(&task)).await {
        assert_eq!(reply.json(), task);
    }

    redis.does(|redis| redis.flush()).await;
    let alices = vec![alice; READERS];
    for reply in all_at_once("one list", &alices, "/v1/tasks").await {
        assert_eq!(reply.json()["items"], json!([task]));
    }
}
