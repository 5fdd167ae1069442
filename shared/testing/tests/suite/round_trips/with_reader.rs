//! With a reader of the database: which of the two servers is asked, and how often.

use std::time::Duration;

use domain::Role;
use serde_json::json;
use testing::{Call, Proxy, TestApp};

use super::{CALLS, Cost, logged};
use crate::cluster::Cluster;
use crate::own_redis::OwnRedis;
use crate::support::{id_of, path_of};

/// What stands before a request: which keys are gone, and whom it asks.
struct Case<'c, 'a> {
    what: &'static str,
    call: &'c Call<'a>,
    gone: Vec<String>,
    logged: Cost,
    /// How often the writer and the reader are asked.
    asked: (u64, u64),
}

#[tokio::test]
async fn only_a_known_floor_lets_the_reader_answer_and_it_is_asked_once() {
    let cluster = Cluster::with_replica("round-trips", Duration::ZERO).await;
    let (writer, reader) = cluster.proxies().await;
    let redis = OwnRedis::start().await;
    let through = Proxy::before(redis.port(), 0).await;
    let mut setup = cluster.setup_through(&writer, &reader);
    setup.redis_port = Some(through.port());
    let app = TestApp::with(setup).await;
    let (alice, admin) = (app.caller(Role::User), app.caller(Role::Admin));
    let task = alice.create(&json!({"title": "x"})).await;
    let path = path_of(&task);
    alice.patch(&path, &json!({"title": "y"})).send().await.expect(200);
    admin.get("/v1/me").send().await.expect(200);
    cluster.caught_up().await;

    let (mine, one) = (alice.get("/v1/tasks"), alice.get(&path));
    let everything = admin.get("/v1/tasks?scope=all");
    let of_task = |part: &str| format!("{part}:{{t:{}}}", id_of(&task));
    let of_lists = |part: &str| format!("{part}:{{u:{}}}", alice.id());
    let case = |what, call, gone, logged, asked| Case { what, call, gone, logged, asked };
    let cases = [
        case("a list, its floor known", &mine, vec![of_lists("l")], (2, 1), (0, 1)),
        case(
            "a list, its floor unknown",
            &mine,
            vec![of_lists("l"), of_lists("ls")],
            (2, 1),
            (1, 0),
        ),
        case("a list in the cache", &mine, vec![], (1, 0), (0, 0)),
        case("a task, its floor known", &one, vec![of_task("v")], (2, 1), (0, 1)),
        case("a task, its floor unknown", &one, vec![of_task("v"), of_task("s")], (2, 1), (1, 0)),
        case("a task in the cache", &one, vec![], (1, 0), (0, 0)),
        case("a list of everything", &everything, vec![], (1, 1), (1, 0)),
    ];
    for Case { what, call, gone, logged: cost, asked } in cases {
        let forget = async || {
            for key in &gone {
                redis.ask::<i64>(&["DEL", key]).await;
            }
        };
        // A first connection may take longer than a request waits for the reader.
        cluster
            .until(what, async || {
                forget().await;
                let before = reader.round_trips();
                call.send().await.expect(200);
                let usual = reader.round_trips() - before == asked.1;
                if !usual {
                    app.clock.advance(config::defaults::BREAKER_FIRST_PAUSE);
                }
                usual
            })
            .await;
        let mut costs = Vec::new();
        for _ in 0..CALLS {
            forget().await;
            let now = || (through.round_trips(), writer.round_trips(), reader.round_trips());
            let before = now();
            let reply = call.send().await.expect(200);
            let after = now();
            let counted = (after.0 - before.0, after.1 - before.1, after.2 - before.2);
            costs.push((logged(&reply), counted));
        }
        let expected = (cost, (cost.0, asked.0, asked.1));
        let usual = costs.iter().filter(|counted| **counted == expected).count();
        assert!(usual >= CALLS * 9 / 10, "{what}: not {expected:?} but {costs:?}");
    }
}
