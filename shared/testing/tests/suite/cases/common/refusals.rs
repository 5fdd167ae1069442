//! What is wrong with the request or its caller. Nothing is broken, so the app can be shared.

use config::defaults::BODY_LIMIT;
use domain::Role;
use route::{Kind, Permission};
use testing::{Call, Reply, Setup, TestApp, rig};

use crate::cases::case::success_of;
use crate::cases::subject::Subject;

pub(super) async fn meet(kind: Kind, subject: &Subject, app: &TestApp) -> Option<Reply> {
    Some(match kind {
        Kind::Unauthenticated => unauthenticated(subject, app).await,
        Kind::InvalidToken => invalid_token(subject, app).await,
        Kind::Forbidden => forbidden(subject, app).await,
        Kind::TokenRevoked => token_revoked(subject, app).await,
        Kind::AccountDisabled => account_disabled(subject, app).await,
        Kind::UnsupportedMediaType => {
            good(subject, app).await.header("content-type", "text/plain").send().await
        }
        Kind::PayloadTooLarge => payload_too_large(subject, app).await,
        Kind::MalformedJson => malformed_json(subject, app).await,
        Kind::InvalidIdempotencyKey => good(subject, app).await.key("\"open").send().await,
        Kind::IdempotencyInProgress => idempotency_in_progress(subject, app).await,
        Kind::IdempotencyKeyReused => idempotency_key_reused(subject, app).await,
        Kind::PreconditionFailed => precondition_failed(subject, app).await,
        Kind::TaskNotFound => missing(subject, app, "Task not found").await,
        Kind::UserNotFound => missing(subject, app, "User not found").await,
        Kind::RateLimited => rate_limited(subject).await,
        Kind::ValidationFailed => unknown_parameter(subject, app).await,
        _ => return None,
    })
}

/// The good request of somebody who may do everything.
async fn good<'a>(subject: &Subject, app: &'a TestApp) -> Call<'a> {
    subject.call(app, &app.caller(Role::Admin)).await
}

async fn unauthenticated(subject: &Subject, app: &TestApp) -> Reply {
    let reply = subject.call(app, &app.anonymous()).await.send().await;
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    reply
}

async fn invalid_token(subject: &Subject, app: &TestApp) -> Reply {
    let reply = subject.call(app, &app.bearing("Bearer not.a.token")).await.send().await;
    assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    assert_eq!(reply.json()["detail"], "Invalid or expired token");
    reply
}

async fn forbidden(subject: &Subject, app: &TestApp) -> Reply {
    let reply = subject.call(app, &app.without_role()).await.send().await;
    let required = subject.entry.spec.access.required().map(Permission::name);
    let challenge = match required {
        Some(name) => format!("Bearer error=\"insufficient_scope\", scope=\"{name}\""),
        None => "Bearer error=\"insufficient_scope\"".to_owned(),
    };
    assert_eq!(reply.header("www-authenticate"), Some(challenge.as_str()));
    assert_eq!(reply.json()["required"].as_str(), required);
    reply
}

async fn token_revoked(subject: &Subject, app: &TestApp) -> Reply {
    let caller = app.caller(Role::Admin);
    let session = caller.person().sid.as_ref().expect("a session").to_string();
    let call = subject.call(app, &caller).await;
    app.db
        .rows(
            "INSERT INTO app.revocations (jti, session_id, not_before, expires_at)
             VALUES ($1, $1, now(), now() + interval '1 day')",
            &[&session],
        )
        .await;
    call.send().await
}

async fn account_disabled(subject: &Subject, app: &TestApp) -> Reply {
    let caller = app.caller(Role::Admin);
    let call = subject.call(app, &caller).await;
    app.db
        .rows(
            "INSERT INTO app.users (id, username, active) VALUES ($1, 'somebody', false)
             ON CONFLICT (id) DO UPDATE SET active = false",
            &[&caller.id()],
        )
        .await;
    call.send().await
}

/// One call an hour, and this is the second. The answer says when the next one will do.
async fn rate_limited(subject: &Subject) -> Reply {
    let env = vec![("RATE_LIMITS", r#"{"user": "1/3600", "ip": "1/3600"}"#.to_owned())];
    let app = TestApp::with(Setup { env, ..Setup::default() }).await;
    let caller = app.caller(Role::Admin);
    let from = format!("2001:db8:{:x}::1", app.clock.new_id().as_u128() & 0xffff);
    let first = subject.call(&app, &caller).await.from(&from).send().await;
    first.expect(success_of(&subject.entry));
    let reply = subject.call(&app, &caller).await.from(&from).send().await;
    let policy = if subject.entry.spec.access.has_caller() { "user" } else { "ip" };
    assert_eq!(reply.json()["violated-policies"], serde_json::json!([policy]));
    assert_eq!(reply.json()["detail"], "Rate limit exceeded. Try again later.");
    let policy_header = format!("\"{policy}\";q=1;w=3600");
    assert_eq!(reply.header("ratelimit-policy"), Some(policy_header.as_str()));
    let wait = reply.header("retry-after").expect("a time").to_owned();
    assert_eq!(reply.header("ratelimit"), Some(format!("\"{policy}\";r=0;t={wait}").as_str()));
    assert!((1..=3600).contains(&wait.parse::<u32>().expect("seconds")), "{wait}");
    reply
}

/// The good body, with white space after it: only the size is wrong.
async fn payload_too_large(subject: &Subject, app: &TestApp) -> Reply {
    let call = good(subject, app).await;
    let padded = body_of(&call) + &" ".repeat(BODY_LIMIT);
    call.json(&padded).send().await
}

/// The good body, cut short.
async fn malformed_json(subject: &Subject, app: &TestApp) -> Reply {
    let call = good(subject, app).await;
    let mut body = body_of(&call);
    assert_eq!(body.pop(), Some('}'));
    call.json(&body).send().await
}

fn body_of(call: &Call<'_>) -> String {
    call.event.body.clone().expect("a good request with a body")
}

/// Somebody else's transaction holds the key for longer than the lock timeout.
async fn idempotency_in_progress(subject: &Subject, app: &TestApp) -> Reply {
    let caller = app.caller(Role::Admin);
    let call = subject.call(app, &caller).await.key("k");
    let other = rig().admin(app.db.name()).await;
    let hold = format!(
        "BEGIN; INSERT INTO app.idempotency
             (user_id, key, fingerprint, op_id, status, response, expires_at)
         VALUES ('{}', 'k', '', gen_random_uuid(), 201, '{{}}', now() + interval '1 day')",
        caller.id()
    );
    other.batch_execute(&hold).await.expect("the key is held");
    let reply = call.send().await;
    assert_eq!(reply.header("retry-after"), Some("1"));
    other.batch_execute("ROLLBACK").await.expect("the key is free");
    call.send().await.expect(success_of(&subject.entry));
    reply
}

/// The same key with another condition, which makes it another request for any route.
async fn idempotency_key_reused(subject: &Subject, app: &TestApp) -> Reply {
    let call = good(subject, app).await.key("k");
    call.send().await.expect(success_of(&subject.entry));
    call.header("if-match", "\"4711\"").send().await
}

/// A version that never was. The answer says which one is.
async fn precondition_failed(subject: &Subject, app: &TestApp) -> Reply {
    let reply = good(subject, app).await.header("if-match", "\"4711\"").send().await;
    let version = reply.json()["current_version"].as_i64().expect("a version");
    assert_eq!(reply.header("etag"), Some(format!("\"{version}\"").as_str()));
    reply
}

async fn missing(subject: &Subject, app: &TestApp, detail: &str) -> Reply {
    let admin = app.caller(Role::Admin);
    let path = subject.entry.spec.path;
    let reply = subject.cases.call(&admin, path, app.clock.new_id()).send().await;
    assert_eq!(reply.json()["detail"], detail);
    reply
}

async fn unknown_parameter(subject: &Subject, app: &TestApp) -> Reply {
    let mut call = good(subject, app).await;
    call.event.raw_query_string.push_str("&colour=red");
    let reply = call.send().await;
    assert_eq!(reply.errors(), [("colour".into(), "unknown_parameter".into())]);
    reply
}
