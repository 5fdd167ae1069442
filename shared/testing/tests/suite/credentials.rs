//! Passwords change while functions run.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_secretsmanager::Client;
use domain::Role;
use serde_json::json;
use testing::{Call, Setup, TestApp, rig};

/// Within the pause between two readings of a secret that was refused, and a little.
async fn soon(call: &Call<'_>) {
    for _ in 0..100 {
        let reply = call.send().await;
        if reply.status() == 201 {
            return;
        }
        reply.expect_problem("database-unavailable");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the new password is not found");
}

#[tokio::test]
async fn what_the_pooler_refuses_is_read_anew_too() {
    let secrets = Client::new(&aws_config::defaults(BehaviorVersion::latest()).load().await);
    let good = secrets.get_secret_value().secret_id(&rig().state.secrets["api_write"]).send().await;
    let good = good.expect("a secret").secret_string.expect("its text");
    let wrong = json!({"username": "api_write", "password": "wrong"}).to_string();
    let name = format!("pooled-{}", clock::Clock::system().new_id());
    let made = secrets.create_secret().name(name).secret_string(&wrong).send().await;
    let arn = made.expect("a secret").arn.expect("its ARN");

    let setup = Setup {
        credentials: vec![("api_write", "DATABASE_CREDENTIALS_ARN", arn.clone())],
        ..Setup::default()
    };
    let app = TestApp::with(setup).await;
    let alice = app.caller(Role::User);
    let create = alice.post("/v1/tasks", &json!({"title": "x"}));
    create.send().await.expect_problem("database-unavailable");
    let put = secrets.put_secret_value().secret_id(&arn).secret_string(good);
    put.send().await.expect("a new value");
    // The wrong one is in the cache for ten minutes: only a refusal makes it be read anew.
    soon(&create).await;
}

#[tokio::test]
async fn a_rotated_password_is_read_anew_and_needs_no_restart() {
    let app_name = format!("rotating_{}", clock::Clock::system().new_id().simple());
    let admin = rig().admin("postgres").await;
    admin
        .batch_execute(&format!("CREATE ROLE {app_name} LOGIN PASSWORD 'one' IN ROLE api_write"))
        .await
        .unwrap();
    let secrets = Client::new(&aws_config::defaults(BehaviorVersion::latest()).load().await);
    let value = |password: &str| json!({"username": app_name, "password": password}).to_string();
    let made = secrets.create_secret().name(&app_name).secret_string(value("one")).send().await;
    let arn = made.expect("a secret").arn.expect("its ARN");

    // Straight to Postgres: the pooler does not know this user.
    let setup = Setup {
        database_port: Some(rig().state.postgres.port),
        credentials: vec![("api_write", "DATABASE_CREDENTIALS_ARN", arn.clone())],
        ..Setup::default()
    };
    let app = TestApp::with(setup).await;
    let alice = app.caller(Role::User);
    let create = || alice.post("/v1/tasks", &json!({"title": "x"}));
    create().send().await.expect(201);

    // The password changes, and old connections end.
    let rotate = |password: &str| {
        format!(
            "ALTER ROLE {app_name} PASSWORD '{password}';
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{app_name}'"
        )
    };
    admin.batch_execute(&rotate("two")).await.unwrap();
    let put = secrets.put_secret_value().secret_id(&arn).secret_string(value("two"));
    put.send().await.expect("a new value");
    create().send().await.expect(201);
    create().send().await.expect(201);

    // A password that the secret does not know yet: unavailable, until it does.
    admin.batch_execute(&rotate("three")).await.unwrap();
    let reply = create().send().await.expect_problem("database-unavailable");
    assert!(!reply.text().contains("password"), "{}", reply.text());
    let put = secrets.put_secret_value().secret_id(&arn).secret_string(value("three"));
    put.send().await.expect("a new value");
    soon(&create()).await;
    drop(app);
    admin.batch_execute(&format!("DROP ROLE {app_name}")).await.unwrap();
}
