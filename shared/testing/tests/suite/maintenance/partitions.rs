//! The next partitions are there, old ones go, and nobody waits for that.

use futures_util::future::join;
use serde_json::{Value, json};
use testing::{TestApp, rig};
use tokio::sync::oneshot;
use tokio_postgres::Client;

use super::run;

/// An app where the job has run: everything is as it leaves it.
async fn tidy() -> TestApp {
    let app = TestApp::start().await;
    run(&app, "partitions").await;
    app
}

/// The partitions of `app.inbox` by their names: oldest first, those that are attached.
async fn attached(app: &TestApp) -> Vec<String> {
    let sql =
        "SELECT c.relname::text FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'app.inbox'::regclass AND NOT i.inhdetachpending ORDER BY 1";
    app.db.rows(sql, &[]).await.iter().map(|row| row.get(0)).collect()
}

/// The name of the partition of a week: this one is 0, the last one -1.
async fn week(app: &TestApp, n: i32) -> String {
    let sql = "SELECT 'inbox_p' || to_char(
        date_trunc('week', now() AT TIME ZONE 'UTC') + $1 * interval '1 week', 'YYYYMMDD')";
    app.db.rows(sql, &[&f64::from(n)]).await[0].get(0)
}

/// Makes the partition of a week, as the owner would have at that time, with a row in it.
async fn make(app: &TestApp, n: i32) -> String {
    let name = week(app, n).await;
    app.db
        .run(&format!(
            "SET ROLE app_owner;
             DO $$
             DECLARE
                 t timestamptz := (date_trunc('week', now() AT TIME ZONE 'UTC') + ({n}) * interval '1 week')
                     AT TIME ZONE 'UTC';
             BEGIN
                 EXECUTE format(
                     'CREATE TABLE app.{name} PARTITION OF app.inbox FOR VALUES FROM (%L) TO (%L)',
                     app.uuid_at(t), app.uuid_at(t + interval '1 week')
                 );
                 INSERT INTO app.inbox VALUES ('test', app.uuid_at(t + interval '1 day'));
             END $$;
             RESET ROLE;"
        ))
        .await;
    name
}

/// Removes the partition of a week, as if it had never been made.
async fn remove(app: &TestApp, n: i32) -> String {
    let name = week(app, n).await;
    app.db.run(&format!("DROP TABLE app.{name}")).await;
    name
}

/// Every partition that there should be.
async fn wanted(app: &TestApp, from: i32) -> Vec<String> {
    let mut names = Vec::new();
    for n in from..=7 {
        names.push(week(app, n).await);
    }
    names
}

fn answer(made: u32, dropped: u32) -> Value {
    json!({"job": "partitions", "made": made, "dropped": dropped, "waiting": []})
}

/// Reads and writes the table: an error if that means waiting for anybody.
async fn use_it(client: &Client) {
    client
        .batch_execute(
            "SET lock_timeout = '100ms';
             SELECT count(*) FROM app.inbox;
             INSERT INTO app.inbox VALUES ('test', app.new_id());",
        )
        .await
        .unwrap_or_else(|error| panic!("a reader or a writer had to wait: {error:?}"));
}

#[tokio::test]
async fn what_is_missing_is_made_and_only_that() {
    let app = tidy().await;
    assert_eq!(run(&app, "partitions").await, answer(0, 0));
    for n in [0, 5, 7] {
        remove(&app, n).await;
    }
    assert_eq!(run(&app, "partitions").await, answer(3, 0));
    assert_eq!(attached(&app).await, wanted(&app, -1).await);
    assert_eq!(run(&app, "partitions").await, answer(0, 0));
    // Each takes the rows of its week, once, and belongs to whom it should.
    for n in [0, 5, 7] {
        let name = week(&app, n).await;
        let insert =
            "INSERT INTO app.inbox VALUES ('test', app.uuid_at(now() + $1 * interval '1 week'))
            ON CONFLICT DO NOTHING RETURNING tableoid::regclass::text";
        let rows = app.db.rows(insert, &[&f64::from(n)]).await;
        assert_eq!(rows[0].get::<_, String>(0), format!("app.{name}"));
        let keys = "SELECT count(*) FROM pg_class AS c JOIN pg_index AS i ON i.indrelid = c.oid
            WHERE c.relname = $1 AND i.indisprimary AND c.relowner = 'app_owner'::regrole";
        assert_eq!(app.db.count(keys, &[&name]).await, 1);
    }
}

#[tokio::test]
async fn what_is_too_old_goes_and_the_rest_stays() {
    let app = tidy().await;
    for n in [-40, -8, -7, -5, -3] {
        make(&app, n).await;
    }
    // Of the week that ended five weeks before this one began, thirty-five days or more have passed.
    assert_eq!(run(&app, "partitions").await, answer(0, 3));
    let mut kept = vec![week(&app, -5).await, week(&app, -3).await];
    kept.extend(wanted(&app, -1).await);
    assert_eq!(attached(&app).await, kept);
    let rows = "SELECT count(*) FROM app.inbox WHERE consumer = 'test'";
    assert_eq!(app.db.count(rows, &[]).await, 2);
    let left =
        "SELECT count(*) FROM pg_class WHERE relname ~ '^inbox_p[0-9]{8}$' AND relkind = 'r'";
    assert_eq!(app.db.count(left, &[]).await, 2 + 9);
    assert_eq!(run(&app, "partitions").await, answer(0, 0));
}

/// The limit of the locks is two seconds; so that the test needs no clock, the others' is a tenth of one.
#[tokio::test]
async fn nobody_waits_for_it_and_it_goes_on_when_the_reader_is_gone() {
    let app = tidy().await;
    let old = [make(&app, -9).await, make(&app, -8).await];
    let missing = remove(&app, 6).await;
    let (mut reader, user) = (rig().admin(app.db.name()).await, rig().admin(app.db.name()).await);
    let reading = reader.transaction().await.unwrap();
    reading.execute("SELECT count(*) FROM app.inbox", &[]).await.unwrap();
    reading.execute("INSERT INTO app.inbox VALUES ('test', app.new_id())", &[]).await.unwrap();

    let (ended, mut end) = oneshot::channel();
    let job = async {
        let answer = run(&app, "partitions").await;
        ended.send(()).unwrap();
        answer
    };
    let meanwhile = async {
        let mut times = 0;
        while end.try_recv().is_err() {
            use_it(&user).await;
            times += 1;
        }
        times
    };
    let (answer, times) = join(job, meanwhile).await;
    assert!(times > 10, "{times}");
    // What is needed was made beside the open reader; what is old has to wait for it, and is on its way.
    assert_eq!((&answer["made"], &answer["dropped"]), (&json!(1), &json!(0)), "{answer}");
    assert!(attached(&app).await.contains(&missing));
    let waiting = answer["waiting"].to_string();
    assert!(old.iter().all(|name| waiting.contains(name)), "{waiting}");
    let half = "SELECT count(*) FROM pg_inherits WHERE inhdetachpending";
    assert_eq!(app.db.count(half, &[]).await, 1);
    use_it(&user).await;

    reading.commit().await.unwrap();
    assert_eq!(run(&app, "partitions").await, self::answer(0, 2));
    assert_eq!(attached(&app).await, wanted(&app, -1).await);
}

/// A run can be killed between any two statements. What is there then:
#[tokio::test]
async fn it_goes_on_from_what_a_killed_run_left() {
    let app = tidy().await;
    // a table that was made and not attached, of an older form even
    let bare = remove(&app, 7).await;
    app.db
        .run(&format!(
            "CREATE TABLE app.{bare} (consumer text); ALTER TABLE app.{bare} OWNER TO app_owner"
        ))
        .await;
    // one with rows, which somebody detached
    let full = week(&app, -1).await;
    app.db
        .run(&format!(
            "INSERT INTO app.inbox VALUES ('test', app.uuid_at(now() - interval '7 days'));
             ALTER TABLE app.inbox DETACH PARTITION app.{full}"
        ))
        .await;
    // an old one that was detached and not dropped
    let old = make(&app, -9).await;
    app.db.run(&format!("ALTER TABLE app.inbox DETACH PARTITION app.{old}")).await;
    // an old one that is being detached
    let half = make(&app, -8).await;
    let mut reader = rig().admin(app.db.name()).await;
    let reading = reader.transaction().await.unwrap();
    reading.execute("SELECT count(*) FROM app.inbox", &[]).await.unwrap();
    let killed = rig().admin(app.db.name()).await;
    killed.batch_execute("SET lock_timeout = '50ms'").await.unwrap();
    let detach = format!("ALTER TABLE app.inbox DETACH PARTITION app.{half} CONCURRENTLY");
    killed.batch_execute(&detach).await.expect_err("the reader is in the way");
    reading.rollback().await.unwrap();

    assert_eq!(run(&app, "partitions").await, answer(2, 2));
    assert_eq!(attached(&app).await, wanted(&app, -1).await);
    let rows = "SELECT count(*) FROM app.inbox WHERE tableoid = ('app.' || $1)::regclass";
    assert_eq!(app.db.count(rows, &[&full]).await, 1, "its row is still there");
    assert_eq!(run(&app, "partitions").await, answer(0, 0));
}

/// Also without the lease: the first one's is ended behind its back.
#[tokio::test]
async fn two_runs_at_the_same_time_do_no_harm() {
    let app = tidy().await;
    for round in 0..4 {
        let old = make(&app, -9 - round).await;
        let missing = remove(&app, 7).await;
        let expire = "UPDATE app.jobs SET lease_until = now()";
        let runs = join(run(&app, "partitions"), async {
            app.db.run(expire).await;
            run(&app, "partitions").await
        });
        let (one, two) = runs.await;
        for answer in [&one, &two] {
            let waited = answer["waiting"].as_array().is_some_and(|waiting| !waiting.is_empty());
            assert!(!waited, "{one} {two}");
        }
        // Whoever came first did it all.
        assert_eq!(attached(&app).await, wanted(&app, -1).await, "{old}, {missing}: {one} {two}");
    }
}

#[tokio::test]
async fn a_run_that_finds_another_ones_statement_at_work_leaves_it_alone() {
    let app = tidy().await;
    let missing = remove(&app, 7).await;
    let other = rig().admin(app.db.name()).await;
    other.execute("SELECT pg_advisory_lock(7204161530011914)", &[]).await.unwrap();
    let answer = run(&app, "partitions").await;
    assert_eq!(answer["skipped"], "a statement of another run is still at work");
    assert!(!attached(&app).await.contains(&missing));
}

/// Then the next weeks are in danger, and somebody must hear of it.
#[tokio::test]
async fn a_run_that_leaves_too_few_partitions_ahead_fails() {
    let app = tidy().await;
    for n in 3..=7 {
        remove(&app, n).await;
    }
    let mut other = rig().admin(app.db.name()).await;
    let holding = other.transaction().await.unwrap();
    holding.execute("LOCK TABLE app.inbox IN SHARE UPDATE EXCLUSIVE MODE", &[]).await.unwrap();
    let why = app.run_job("maintenance", json!({"job": "partitions"})).await.unwrap_err();
    assert!(why.contains("app.inbox has only 2 partitions ahead"), "{why}");
    assert!(why.contains("lock timeout"), "{why}");
    // The lease was given back: the next attempt does it.
    holding.rollback().await.unwrap();
    assert_eq!(run(&app, "partitions").await, answer(5, 0));
}
