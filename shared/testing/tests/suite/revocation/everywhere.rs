//! Several warm processes of several functions, each of which can be asked by itself.

use futures_util::future::join_all;
use issuer::Person;
use serde_json::json;
use testing::{Call, Caller, Fleet, Reply, TestApp};

use crate::redis_faults::breakable::BreakableRedis;
use crate::support::{path_of, patiently};

const FUNCTIONS: [&str; 4] = ["tasks-get", "tasks-list", "tasks-create", "me-get"];
/// How many there are of each.
const PROCESSES: usize = 2;
const TRIES: usize = 8;

pub(crate) const PATH: &str = "/oidc/backchannel-logout";

pub(crate) struct Everywhere(Vec<(&'static str, Fleet)>);

impl Everywhere {
    pub(crate) fn start(app: &TestApp) -> Self {
        let mut fleets = Vec::new();
        for function in FUNCTIONS {
            for _ in 0..PROCESSES {
                let fleet = Fleet::start(function, &app.env_of(function), 1);
                fleets.push((function, fleet));
            }
        }
        Self(fleets)
    }

    /// What each process answers somebody, all asked at once. `task` is one of theirs. Who has to wait
    /// for a connection to the database, as on a busy machine, is asked again.
    pub(crate) async fn answers(&self, caller: &Caller<'_>, task: &str) -> Vec<Reply> {
        let answers = self.0.iter().map(async |(function, fleet)| {
            let call = match *function {
                "tasks-get" => caller.get(task),
                "tasks-list" => caller.get("/v1/tasks"),
                "tasks-create" => caller.post("/v1/tasks", &json!({"title": "x"})),
                _ => caller.get("/v1/me"),
            };
            let mut reply = fleet.answer(&call.event).await.expect("an answer");
            for _ in 1..TRIES {
                if reply.code().as_deref() != Some("database-unavailable") {
                    break;
                }
                reply = fleet.answer(&call.event).await.expect("an answer");
            }
            reply
        });
        join_all(answers).await
    }

    /// Somebody's task, after each process has answered them and Redis vouches for them.
    pub(crate) async fn warm(&self, caller: &Caller<'_>, redis: &BreakableRedis) -> String {
        let create = caller.post("/v1/tasks", &json!({"title": "x"})).key("warm");
        let task = path_of(&patiently(&create).await.expect(201).json());
        let key = format!("rv:{{u:{}}}", caller.id());
        for _ in 0..TRIES {
            self.let_in(caller, &task).await;
            if redis.ask(&["EXISTS", &key]).await == "1" {
                return task;
            }
        }
        panic!("Redis does not vouch for them");
    }

    pub(crate) async fn let_in(&self, caller: &Caller<'_>, task: &str) {
        for reply in self.answers(caller, task).await {
            assert!(reply.status() < 300, "{}", reply.text());
        }
    }

    pub(crate) async fn refuse(&self, caller: &Caller<'_>, task: &str, code: &str) {
        for reply in self.answers(caller, task).await {
            reply.expect_problem(code);
        }
    }
}

/// The call with which the issuer tells that a session is over.
pub(crate) fn logout_of<'a>(app: &'a TestApp, person: &Person) -> Call<'a> {
    with_token(app, &app.issuer.mint_logout(person))
}

/// The same without a part of the token: `sid` or `sub`.
pub(crate) fn logout_without<'a>(app: &'a TestApp, person: &Person, claim: &str) -> Call<'a> {
    let mut claims = app.issuer.logout_claims_of(person);
    claims.as_object_mut().expect("claims").remove(claim).expect("the claim");
    with_token(app, &app.issuer.sign(&json!({"typ": "logout+jwt"}), &claims))
}

fn with_token<'a>(app: &'a TestApp, token: &str) -> Call<'a> {
    app.anonymous().call("POST", PATH).form(&[("logout_token", token)])
}
