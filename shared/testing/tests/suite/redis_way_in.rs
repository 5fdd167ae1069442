//! Redis that asks for a password and speaks TLS, as it does on AWS.

use clock::Clock;
use config::defaults::BREAKER_PAUSE;
use domain::Role;
use serde_json::json;
use services::{Folder, Redis, free_port};
use testing::{Caller, Setup, TestApp, lines_of};

use crate::support::{own_folder, path_of};

fn protected(name: &str) -> (Folder, Redis) {
    let folder = own_folder(name);
    let port = free_port().expect("a port");
    let mut redis = Redis::create_tls(&folder, port).expect("a Redis with TLS");
    redis.start().expect("Redis starts");
    (folder, redis)
}

fn setup(folder: &Folder, redis: &Redis, secret: &str) -> Setup {
    let ca_file = folder.certificates().expect("certificates").ca_file;
    Setup {
        env: vec![
            ("REDIS_URL", redis.address().url),
            ("REDIS_CLUSTER", "false".to_owned()),
            ("REDIS_CA_FILE", ca_file.display().to_string()),
            ("REDIS_CREDENTIALS", secret.to_owned()),
        ],
        clock: Some(Clock::stopped()),
        ..Setup::default()
    }
}

/// What the cache did for a read of a task, which must succeed.
async fn cached(caller: &Caller<'_>, task: &str) -> Option<String> {
    let reply = caller.get(task).send().await.expect(200);
    let id = reply.header("x-request-id").expect("an id");
    lines_of(id)[0]["cache"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn it_is_reached_over_tls_with_the_password_of_the_secret() {
    let (folder, redis) = protected("redis-tls");
    let credentials = redis.credentials().expect("a password");
    let secret = json!({"username": credentials.username, "password": credentials.password});
    let app = TestApp::with(setup(&folder, &redis, &secret.to_string())).await;
    let alice = app.caller(Role::User);
    let task = path_of(&alice.create(&json!({"title": "x"})).await);
    cached(&alice, &task).await;
    assert_eq!(cached(&alice, &task).await.as_deref(), Some("hit"));
    let health = app.anonymous().get("/health").send().await.expect(200).json();
    assert_eq!(health["checks"]["redis"], "up");
}

/// Whoever cannot get in goes on without it, and the log does not tell the password.
#[tokio::test]
async fn a_wrong_password_costs_the_cache_and_nothing_else() {
    let (folder, redis) = protected("redis-shut");
    let secret = json!({"username": "default", "password": "hunter2-wrong"}).to_string();
    let app = TestApp::with(setup(&folder, &redis, &secret)).await;
    let alice = app.caller(Role::User);
    let task = path_of(&alice.create(&json!({"title": "x"})).await);
    for _ in 0..3 {
        assert_eq!(cached(&alice, &task).await.as_deref(), Some("unknown"));
        app.clock.advance(BREAKER_PAUSE);
    }
    assert!(!testing::anything_holds("hunter2"));
}

/// The secret is read anew when Redis refuses what it said before.
#[tokio::test]
async fn a_password_that_was_changed_needs_no_restart() {
    let (folder, redis) = protected("redis-rotated");
    let file = folder.path().join("secret.json");
    let write = |password: &str| {
        std::fs::write(&file, json!({"password": password}).to_string()).expect("a secret");
    };
    write("the one before");
    let mut setup = setup(&folder, &redis, "");
    setup.env.push(("REDIS_CREDENTIALS_FILE", file.display().to_string()));
    let app = TestApp::with(setup).await;
    let alice = app.caller(Role::User);
    let task = path_of(&alice.create(&json!({"title": "x"})).await);
    assert_eq!(cached(&alice, &task).await.as_deref(), Some("unknown"));

    write(&redis.credentials().expect("a password").password);
    app.clock.advance(BREAKER_PAUSE);
    cached(&alice, &task).await;
    assert_eq!(cached(&alice, &task).await.as_deref(), Some("hit"));
}
