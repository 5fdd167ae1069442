//! X16 (e): a Redis that lies. What does not belong where it lies is not believed, what has a form that
//! it cannot have harms nobody, and both are replaced.

use std::time::Duration;

use config::defaults::BREAKER_FIRST_PAUSE;
use domain::Role;
use serde_json::{Value, json};
use testing::{Call, Caller, Reply, TestApp, lines_of};

use super::breakable::{BreakableRedis, setup};
use crate::support::{path_of, say};

/// How many requests it may take until everything is as it should be.
const TRIES: usize = 12;

/// Somebody with a task and a list, both of which are cached.
struct Victim<'a> {
    user: Caller<'a>,
    task: Value,
    redis: &'a BreakableRedis,
}

/// An app that gives Redis as much time as it takes: these tests are not about time, and what a busy
/// machine fails would look like poison.
async fn app(redis: &BreakableRedis) -> TestApp {
    TestApp::with(setup(redis.port(), "5000")).await
}

fn line_of(reply: &Reply) -> Value {
    lines_of(reply.header("x-request-id").expect("an id"))[0].clone()
}

impl<'a> Victim<'a> {
    async fn of(app: &'a TestApp, redis: &'a BreakableRedis) -> Self {
        let user = app.caller(Role::User);
        let task = user.create(&json!({"title": "mine", "assignee_id": null})).await;
        let victim = Self { user, task, redis };
        for call in [victim.get(), victim.list()] {
            call.send().await.expect(200);
            let reply = call.send().await.expect(200);
            assert_eq!(line_of(&reply)["cache"], "hit", "{}", line_of(&reply));
        }
        victim
    }

    fn get(&self) -> Call<'a> {
        self.user.get(&path_of(&self.task))
    }

    fn list(&self) -> Call<'a> {
        self.user.get("/v1/tasks")
    }

    /// A key of the task's shelf.
    fn of_task(&self, part: &str) -> String {
        format!("{part}:{{t:{}}}", self.task["id"].as_str().expect("an id"))
    }

    /// A key of the user's.
    fn of_user(&self, part: &str) -> String {
        format!("{part}:{{u:{}}}", self.user.id())
    }

    /// What is cached under a key, with the field.
    async fn cached(&self, key: &str) -> (String, String) {
        let field = self.eval("return redis.call('HKEYS', KEYS[1])[1]", &[key]).await;
        let value = self.redis.ask(&["HGET", key, &field]).await;
        (field, value)
    }

    async fn eval(&self, script: &str, keys: &[&str]) -> String {
        let count = keys.len().to_string();
        self.redis.ask(&[&["EVAL", script, &count], keys].concat()).await
    }

    /// Everything is answered right. What the log says of each.
    async fn is_served(&self, what: &str) -> [Value; 2] {
        let [get, list] = [self.get().send().await, self.list().send().await];
        for reply in [&get, &list] {
            assert_eq!(reply.status(), 200, "{what}: {} {}", reply.text(), line_of(reply));
        }
        assert_eq!(get.json(), self.task, "{what}");
        assert_eq!(list.json()["items"], json!([self.task]), "{what}");
        [line_of(&get), line_of(&list)]
    }

    /// Changes the task, which must go well.
    async fn change(&mut self, what: &str, title: &str) {
        let reply = self.user.patch(&path_of(&self.task), &json!({"title": title})).send().await;
        assert_eq!(reply.status(), 200, "{what}: {}", reply.text());
        self.task = reply.json();
    }

    /// After some requests everything is answered by the cache again.
    async fn heals(&self, what: &str) {
        let mut last = Value::Null;
        for _ in 0..TRIES {
            let lines = self.is_served(what).await;
            let well = |line: &Value| line["cache"] == "hit" && line["redis_failed"].is_null();
            if lines.iter().all(well) {
                return;
            }
            last = json!(lines);
            if lines.iter().any(|line| line["redis_skipped"].is_u64()) {
                self.user.app().clock.advance(BREAKER_FIRST_PAUSE * 3 / 2);
            }
        }
        panic!("{what}: it does not heal: {last}");
    }
}

#[tokio::test]
async fn a_value_that_lies_where_it_does_not_belong_is_not_believed() {
    let redis = BreakableRedis::start("poison-values");
    let app = app(&redis).await;
    let other = Victim::of(&app, &redis).await;
    let victim = Victim::of(&app, &redis).await;
    victim.user.get("/v1/tasks?page_size=7").send().await.expect(200);

    let (tasks, lists) = (victim.of_task("v"), victim.of_user("l"));
    let (task_field, task) = victim.cached(&tasks).await;
    let (_, foreign) = other.cached(&other.of_task("v")).await;
    let renamed = |text: &str| {
        let name = |text: &str| serde_json::from_str::<Value>(text).unwrap()["name"].clone();
        text.replace(name(text).as_str().unwrap(), name(&task).as_str().unwrap())
    };
    let (own_field, foreign_field) = {
        let (field, _) = other.cached(&other.of_user("l")).await;
        // The same question has the same field for everybody.
        (field.clone(), field)
    };
    let own = redis.ask(&["HGET", &lists, &own_field]).await;
    let foreign_list = redis.ask(&["HGET", &other.of_user("l"), &foreign_field]).await;
    let (victims, others) = (victim.user.id().to_string(), other.user.id().to_string());
    let page = victim
        .eval(
            "for _, f in ipairs(redis.call('HKEYS', KEYS[1])) do
               if f ~= KEYS[2] then return redis.call('HGET', KEYS[1], f) end
             end",
            &[&lists, &own_field],
        )
        .await;
    assert!(page.len() > 10 && own != page);
    let older = |text: &str| text.replacen("\"schema\":1", "\"schema\":0", 1);
    let lies = [
        ("another's task", &tasks, &task_field, foreign.clone()),
        ("another's task under this one's name", &tasks, &task_field, renamed(&foreign)),
        ("a task with another name", &tasks, &task_field, task.replace("{t:", "{x:")),
        ("an older form of a task", &tasks, &task_field, older(&task)),
        ("half a task", &tasks, &task_field, task[..task.len() / 2].to_owned()),
        ("a list for a task", &tasks, &task_field, own.clone()),
        ("nothing", &tasks, &task_field, String::new()),
        ("null", &tasks, &task_field, "null".to_owned()),
        ("another's list", &lists, &own_field, foreign_list.clone()),
        (
            "another's list under this one's name",
            &lists,
            &own_field,
            foreign_list.replacen(&others, &victims, 1),
        ),
        ("another page", &lists, &own_field, page),
        ("an older form of a list", &lists, &own_field, older(&own)),
        ("garbage", &lists, &own_field, "\u{0}garbage".to_owned()),
    ];
    for (what, key, field, lie) in &lies {
        redis.ask(&["HSET", key, field, lie]).await;
        let [get, list] = victim.is_served(what).await;
        let (told, other) = if *key == &tasks { (get, list) } else { (list, get) };
        assert_eq!(
            (&told["cache"], &other["cache"]),
            (&json!("poisoned"), &json!("hit")),
            "{what}"
        );
        let after = victim.is_served(what).await;
        assert!(after.iter().all(|line| line["cache"] == "hit"), "{what}: it stayed");
    }
    // What is no text at all.
    for (key, field) in [(&tasks, &task_field), (&lists, &own_field)] {
        victim.eval("return redis.call('HSET', KEYS[1], KEYS[2], '\\255\\0')", &[key, field]).await;
        let told = victim.is_served("no text").await;
        assert!(told.iter().any(|line| line["cache"] == "poisoned"), "{told:?}");
        victim.heals("no text").await;
    }
    // Who may not see the task is not shown it because it is cached, whatever it says there.
    let stranger = app.caller(Role::User);
    stranger.get("/v1/tasks").send().await.expect(200);
    for lie in [&task, &foreign, &renamed(&foreign)] {
        redis.ask(&["HSET", &tasks, &task_field, lie]).await;
        stranger.get(&path_of(&victim.task)).send().await.expect_problem("task-not-found");
    }
    victim.heals("in the end").await;
    say(&format!("X16e: {} lies, none believed", lies.len() + 5));
}

/// What can lie under any key, as a script that puts it there.
const FORMS: [(&str, &str); 13] = [
    ("a text", "redis.call('SET', KEYS[1], 'garbage')"),
    ("an empty text", "redis.call('SET', KEYS[1], '')"),
    ("no text", "redis.call('SET', KEYS[1], '\\255\\0')"),
    ("a list", "redis.call('RPUSH', KEYS[1], 'x')"),
    ("a set", "redis.call('SADD', KEYS[1], 'x')"),
    ("a hash", "redis.call('HSET', KEYS[1], 'x', 'y')"),
    ("a sorted set", "redis.call('ZADD', KEYS[1], 1, 'x')"),
    ("a stream", "redis.call('XADD', KEYS[1], '*', 'x', 'y')"),
    ("not a number", "redis.call('SET', KEYS[1], 'nan')"),
    ("more than any number", "redis.call('SET', KEYS[1], 'inf')"),
    ("less than any number", "redis.call('SET', KEYS[1], '-inf')"),
    ("a far future", "redis.call('SET', KEYS[1], '9000000000000000000')"),
    ("words", "redis.call('SET', KEYS[1], 'active words words')"),
];

/// These are a full meter, see the next test.
const FULL: [&str; 2] = ["more than any number", "a far future"];

#[tokio::test]
async fn what_no_key_can_be_harms_nobody_and_is_replaced() {
    let redis = BreakableRedis::start("poison-keys");
    let app = app(&redis).await;
    let mut victim = Victim::of(&app, &redis).await;
    let mut count = 0;
    let mut seen = 0;
    for (form, script) in FORMS {
        let of_task = ["v", "e", "f", "s"].map(|part| victim.of_task(part));
        let of_user = ["l", "le", "lf", "ls", "rv", "re", "rl"].map(|part| victim.of_user(part));
        for key in of_task.iter().chain(&of_user) {
            if key.starts_with("rl:") && FULL.contains(&form) {
                continue;
            }
            let what = format!("{form} as {}", &key[..key.find(':').expect("a part")]);
            for change_first in [false, true] {
                redis.ask(&["DEL", key]).await;
                victim.eval(&format!("{script} return 1"), &[key]).await;
                if change_first {
                    victim.change(&what, &format!("{what}, {count}")).await;
                }
                let lines = victim.is_served(&what).await;
                seen += usize::from(lines.iter().any(|line| line["cache"] != "hit"));
                victim.heals(&what).await;
                victim.change(&what, &format!("{what} after, {count}")).await;
                victim.heals(&what).await;
                count += 1;
            }
        }
    }
    say(&format!("X16e: {count} keys poisoned, {seen} times the database was asked"));
}

/// A meter that is full for ages shuts nobody out for longer than the window.
#[tokio::test]
async fn a_meter_that_cannot_be_shuts_nobody_out() {
    let redis = BreakableRedis::start("poison-meters");
    let mut setup = setup(redis.port(), "5000");
    setup.env.push(("RATE_LIMITS", r#"{"user": "5/2"}"#.to_owned()));
    let app = TestApp::with(setup).await;
    for meter in
        ["garbage", "nan", "-nan", "inf", "-inf", "9000000000000000000", "0x7fffffffffffffff", "-1"]
    {
        let alice = app.caller(Role::User);
        let key = format!("rl:{{u:{}}}", alice.id());
        redis.ask(&["SET", &key, meter]).await;
        let mut status = 0;
        for _ in 0..200 {
            let reply = alice.get("/v1/me").send().await;
            status = reply.status();
            if status == 200 {
                break;
            }
            assert_eq!(status, 429, "{meter}: {}", reply.text());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(status, 200, "{meter}: shut out");
    }
}
