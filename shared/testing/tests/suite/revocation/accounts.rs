//! An admin deactivates an account, and lets it in again: each holds at the next request everywhere.

use std::cell::Cell;

use domain::Role;
use futures_util::future::join;
use serde_json::json;
use testing::TestApp;

use super::everywhere::Everywhere;
use crate::redis_faults::breakable::{BreakableRedis, setup};
use crate::support::{patiently, say};

const ROUNDS: usize = 25;

#[tokio::test]
async fn an_account_that_is_shut_or_opened_is_so_at_the_next_request_everywhere() {
    let redis = BreakableRedis::start("revocation-accounts");
    let app = TestApp::with(setup(redis.port(), "5000")).await;
    let everywhere = Everywhere::start(&app);
    let (admin, bob) = (app.caller(Role::Admin), app.caller(Role::User));
    let task = everywhere.warm(&bob, &redis).await;
    let path = format!("/v1/users/{}", bob.id());
    let set = async |active: bool| {
        let call = admin.patch(&path, &json!({"active": active}));
        patiently(&call).await.expect(200);
    };
    let asked = Cell::new(0);
    for round in 0..ROUNDS {
        for active in [false, true] {
            // Requests that race the change may be answered either way.
            let over = Cell::new(false);
            let racing = async {
                while !over.get() {
                    for reply in everywhere.answers(&bob, &task).await {
                        assert!([200, 201, 403].contains(&reply.status()), "{}", reply.text());
                        asked.set(asked.get() + 1);
                    }
                }
            };
            let changing = async {
                if round % 5 == 4 {
                    redis.does(|redis| redis.flush()).await;
                }
                set(active).await;
                // They race still, and what they learned before must not come back.
                for _ in 0..2 {
                    if active {
                        everywhere.let_in(&bob, &task).await;
                    } else {
                        everywhere.refuse(&bob, &task, "account-disabled").await;
                    }
                }
                over.set(true);
            };
            join(racing, changing).await;
        }
    }
    say(&format!("X24: {} changes of an account, {} racing requests", 2 * ROUNDS, asked.get()));
}
