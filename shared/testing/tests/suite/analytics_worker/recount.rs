//! A day that is counted anew, from the audit.

use domain::event::Envelope;
use domain::{Day, Timestamp};
use futures_util::future::join;
use serde_json::{Value, json};
use testing::{Random, TestApp};
use time::{OffsetDateTime, Time};

use super::model::{self, Counts, counted};
use super::{WORKER, countable, work};

const AUDIT: &str = "audit-worker";

/// Events of one day, which is today or, while today is too young, a moment that is.
fn of_one_day(app: &TestApp, seed: u64) -> (Day, Vec<Envelope>) {
    let noon =
        OffsetDateTime::from(app.clock.now()).replace_time(Time::from_hms(12, 0, 0).unwrap());
    let at = Timestamp::new(noon).expect("a time");
    let mut events = model::history(&app.clock, &mut Random::seeded(seed));
    for event in &mut events {
        event.at = at;
    }
    (Day::of(noon.date()), events)
}

async fn recount(app: &TestApp, day: Day) -> Value {
    let rows = app.db.rows("SELECT api.recount_day_v1($1)", &[&day.to_date()]).await;
    rows[0].get(0)
}

#[tokio::test]
async fn a_day_that_was_counted_well_stays_as_it_is() {
    let app = TestApp::start().await;
    let (day, events) = of_one_day(&app, 11);
    work(&app, &events, &mut Random::seeded(12)).await;
    assert!(app.work(AUDIT, &events).await.is_empty());
    let all = i64::try_from(events.len()).expect("a number");
    let expected = json!({
        "day": day, "events": all, "uncounted": 0, "unaudited": 0, "drifted": 0, "drift": [],
        "corrected": false,
    });
    assert_eq!(recount(&app, day).await, expected);
    let long_ago = Day::parse("2020-01-01").expect("a day");
    assert_eq!(recount(&app, long_ago).await, json!({"day": "2020-01-01", "too_old": true}));
}

#[tokio::test]
async fn what_drifted_is_named_and_put_right() {
    let app = TestApp::start().await;
    let (day, events) = of_one_day(&app, 21);
    work(&app, &events, &mut Random::seeded(22)).await;
    assert!(app.work(AUDIT, &events).await.is_empty());
    app.db
        .run(
            "UPDATE app.daily_stats SET created = created + 5
             WHERE user_id = (SELECT min(user_id::text)::uuid FROM app.daily_stats);
             UPDATE app.daily_totals SET deleted = 0, restored = restored - 1;
             INSERT INTO app.daily_stats (user_id, day, completed)
             SELECT '00000000-0000-0000-0000-000000000007', day, 3 FROM app.daily_totals",
        )
        .await;
    let found = recount(&app, day).await;
    assert_eq!((&found["drifted"], &found["corrected"]), (&json!(3), &json!(true)), "{found}");
    // A row of zeros is as good as none.
    app.db.run("DELETE FROM app.daily_stats WHERE user_id::text LIKE '%7' AND completed = 0").await;
    assert_eq!(Counts::of(&app).await, counted(&events));
    assert_eq!(recount(&app, day).await["drifted"], 0);
}

/// What is counted and not yet written down might be of that day. What is written down and not yet counted
/// will be.
#[tokio::test]
async fn nothing_is_put_right_while_the_audit_is_behind() {
    let app = TestApp::start().await;
    let (day, events) = of_one_day(&app, 31);
    let (some, rest) = events.split_at(events.len() / 2);
    work(&app, some, &mut Random::seeded(32)).await;
    assert!(app.work(AUDIT, rest).await.is_empty());
    app.db.run("UPDATE app.daily_totals SET created = 99").await;
    let found = recount(&app, day).await;
    assert_eq!((&found["events"], &found["corrected"]), (&json!(0), &json!(false)), "{found}");
    assert_eq!(found["unaudited"], some.len());
    assert_eq!(found["uncounted"], rest.len());
    let created = "SELECT created FROM app.daily_totals";
    assert_eq!(app.db.count(created, &[]).await, 99);
}

/// What is on its way to the counts is left to the worker: otherwise it would be counted twice.
#[tokio::test]
async fn what_was_not_counted_yet_is_not_put_in() {
    let app = TestApp::start().await;
    let (day, events) = of_one_day(&app, 61);
    assert!(app.work(AUDIT, &events).await.is_empty());
    let found = recount(&app, day).await;
    assert_eq!((&found["events"], &found["drifted"]), (&json!(0), &json!(0)), "{found}");
    assert_eq!(found["uncounted"], countable(events.clone()).len());
    assert_eq!(Counts::of(&app).await, counted(&[]));
    work(&app, &events, &mut Random::seeded(62)).await;
    assert_eq!(recount(&app, day).await["drifted"], 0);
    assert_eq!(Counts::of(&app).await, counted(&events));
}

/// Both at once, again and again: nothing is counted twice, and nothing is lost.
#[tokio::test]
async fn the_worker_counts_on_while_a_day_is_put_right() {
    let app = TestApp::start().await;
    let (mut events, mut day) = (Vec::new(), None);
    for seed in 40..52 {
        let (of, mut more) = of_one_day(&app, seed);
        assert!(day.is_none_or(|day| day == of), "midnight came between; run it again");
        day = Some(of);
        events.append(&mut more);
    }
    let day = day.expect("a day");
    assert!(app.work(AUDIT, &events).await.is_empty());
    let working = async {
        for batch in events.chunks(7) {
            assert!(app.work(WORKER, batch).await.is_empty());
        }
    };
    let mending = async {
        let mut corrections = 0;
        for _ in 0..20 {
            app.db.run("UPDATE app.daily_totals SET created = created + 1000").await;
            let found = recount(&app, day).await;
            corrections += i64::from(found["corrected"] == true);
        }
        corrections
    };
    let ((), corrections) = join(working, mending).await;
    assert!(corrections > 0, "nothing was put right");
    assert_eq!(recount(&app, day).await["drifted"], 0);
    assert_eq!(Counts::of(&app).await, counted(&events));
}
