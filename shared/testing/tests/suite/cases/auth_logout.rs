//! `POST /oidc/backchannel-logout`.

use domain::Role;
use issuer::Person;
use serde_json::json;
use testing::{Call, Caller, Reply, Setup, TestApp};

use super::{Named, RouteCases, case};

const PATH: &str = "/oidc/backchannel-logout";

pub(crate) const ROUTE: RouteCases = RouteCases {
    route: "auth-logout",
    // Of somebody who is not there: whoever calls can go on.
    request: |caller, address| {
        let token = caller.app().issuer.mint_logout(&Person::new("nobody", &[]));
        caller.call("POST", address).form(&[("logout_token", &token)])
    },
    names: Named::Nothing,
    own: &[
        case!("200", of_a_session),
        case!("200", of_a_user),
        case!("invalid-logout-token", not_one),
        case!("invalid-logout-token", used_before),
        case!("rate-limited", guessed),
    ],
};

fn log_out<'a>(caller: &Caller<'a>) -> Call<'a> {
    let app = caller.app();
    let token = app.issuer.mint_logout(caller.person());
    app.anonymous().call("POST", PATH).form(&[("logout_token", &token)])
}

/// It ends that session, and leaves the user's others alone.
async fn of_a_session(app: &TestApp) -> Reply {
    let person = Person::new("alice", &["user"]);
    let other = Person { sid: Person::new("alice", &[]).sid, ..person.clone() };
    let (here, there) = (app.person(person), app.person(other));
    for session in [&here, &there] {
        session.get("/v1/tasks").send().await.expect(200);
    }
    let reply = log_out(&here).send().await.expect(200);
    assert_eq!((reply.text(), reply.header("cache-control")), ("", Some("no-store")));
    here.get("/v1/tasks").send().await.expect_problem("token-revoked");
    here.post("/v1/tasks", &json!({"title": "x"})).send().await.expect_problem("token-revoked");
    there.get("/v1/tasks").send().await.expect(200);
    reply
}

/// Without a session it ends all that began until then; who signs in afterwards is let in.
async fn of_a_user(app: &TestApp) -> Reply {
    let before = Person { issued_in: -1, ..Person::new("alice", &["user"]) };
    let after = Person { issued_in: 2, ..before.clone() };
    let early = app.person(before.clone());
    early.get("/v1/tasks").send().await.expect(200);
    let mut claims = app.issuer.logout_claims_of(&before);
    claims.as_object_mut().expect("claims").remove("sid");
    let token = app.issuer.sign(&json!({"typ": "logout+jwt"}), &claims);
    let call = app.anonymous().call("POST", PATH).form(&[("logout_token", &token)]);
    let reply = call.send().await.expect(200);
    early.get("/v1/tasks").send().await.expect_problem("token-revoked");
    app.person(after).get("/v1/tasks").send().await.expect(200);
    reply
}

/// Whatever is wrong with it, the answer says no more, and there is no effect.
async fn not_one(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let good = app.issuer.mint_logout(alice.person());
    let access = app.issuer.mint(alice.person());
    let post = |fields: &[(&str, &str)]| app.anonymous().call("POST", PATH).form(fields);
    let mut last = None;
    for call in [
        post(&[]),
        post(&[("logout_token", "")]),
        post(&[("logout_token", "x.y.z")]),
        post(&[("logout_token", &access)]),
        post(&[("token", &good)]),
        post(&[("logout_token", &good), ("logout_token", &good)]),
        post(&[("logout_token", &good)]).header("content-type", "application/json"),
        post(&[("logout_token", &good), ("padding", &"x".repeat(20_000))]),
        app.anonymous().post(PATH, &json!({"logout_token": good})),
        app.anonymous().call("POST", PATH),
    ] {
        let reply = call.send().await.expect_problem("invalid-logout-token");
        assert!(!reply.text().contains("events"), "{}", reply.text());
        last = Some(reply);
    }
    alice.get("/v1/tasks").send().await.expect(200);
    assert_eq!(
        app.db
            .count("SELECT count(*) FROM app.revocations WHERE user_id = $1", &[&alice.id()])
            .await,
        0
    );
    last.expect("a reply")
}

async fn used_before(app: &TestApp) -> Reply {
    let alice = app.caller(Role::User);
    let call = log_out(&alice);
    call.send().await.expect(200);
    let events = "SELECT count(*) FROM app.outbox WHERE type = 'session.revoked'
                  AND payload #>> '{subject,id}' = $1";
    assert_eq!(app.db.count(events, &[&alice.id().to_string()]).await, 1);
    let reply = call.send().await;
    assert_eq!(app.db.count(events, &[&alice.id().to_string()]).await, 1);
    reply
}

/// Good tokens are not counted, however many there are; bad ones cost two calls each.
async fn guessed(_: &TestApp) -> Reply {
    let env = vec![("RATE_LIMITS", r#"{"ip": "5/3600"}"#.to_owned())];
    let app = TestApp::with(Setup { env, ..Setup::default() }).await;
    let from = format!("2001:db8:{:x}::1", app.clock.new_id().as_u128() & 0xffff);
    for _ in 0..8 {
        let call = log_out(&app.caller(Role::User));
        call.from(&from).send().await.expect(200);
    }
    let bad = app.anonymous().call("POST", PATH).form(&[("logout_token", "x")]).from(&from);
    for _ in 0..2 {
        bad.send().await.expect_problem("invalid-logout-token");
    }
    bad.send().await
}
