//! A load: some clients who create, change, read and list tasks, and whose every answer is judged.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testing::{Call, Caller, Fleet, Random, Reply, TestApp, lines_of};

use super::history::{History, Line, Question, Read, Shown, id_of};
use crate::support::say;

const USERS: usize = 6;
pub(crate) const CLIENTS: usize = 6;
/// How many tasks a user has at most; all of them fit on one page.
const TASKS: usize = 40;
pub(super) const TRIES: usize = 400;
pub(super) const PAUSE: Duration = Duration::from_millis(20);
/// How much time goes by with each operation, where the clock stands otherwise.
const STEP: Duration = Duration::from_millis(20);

/// The functions that the load calls.
pub(crate) const FUNCTIONS: [&str; 4] = ["tasks-create", "tasks-update", "tasks-get", "tasks-list"];

/// What was shown of tasks, by their ids.
type Tasks = BTreeMap<String, Shown>;

/// Everybody, and what they did.
pub(crate) struct World<'a> {
    pub(super) app: &'a TestApp,
    users: Vec<Caller<'a>>,
    /// Who finds out whether Redis is used again: one changes, one reads. The load leaves them alone, so
    /// that no fence of a failed change is in their way.
    pub(super) probes: [(Caller<'a>, Value); 2],
    /// Real processes, one fleet per function; without them the functions run in this process.
    pub(super) fleets: BTreeMap<&'static str, Fleet>,
    pub(super) history: History,
    /// What each user was told of as the tag of a list, and what that was.
    tags: RefCell<BTreeMap<String, (String, Tasks)>>,
    requests: RefCell<Vec<String>>,
    pub(super) lines: RefCell<BTreeMap<String, Line>>,
    /// How much of `requests` was told before.
    told: Cell<usize>,
    /// Those whose answer does not say what the limit says.
    uncounted: RefCell<BTreeSet<String>>,
    operations: Cell<usize>,
    seed: Cell<u64>,
    /// Whether time goes on for functions of this process.
    moving: Cell<bool>,
}

impl<'a> World<'a> {
    pub(crate) async fn of(app: &'a TestApp, seed: u64) -> Self {
        let probe = async || {
            let user = app.caller(Role::User);
            let task = user.create(&json!({"title": "a probe"})).await;
            (user, task)
        };
        let world = Self {
            app,
            users: (0..USERS).map(|_| app.caller(Role::User)).collect(),
            probes: [probe().await, probe().await],
            fleets: BTreeMap::new(),
            history: History::default(),
            tags: RefCell::default(),
            requests: RefCell::default(),
            lines: RefCell::default(),
            told: Cell::new(0),
            uncounted: RefCell::default(),
            operations: Cell::new(0),
            seed: Cell::new(seed),
            moving: Cell::new(true),
        };
        // Tasks are assigned only to those who are known.
        for user in &world.users {
            user.get("/v1/me").send().await.expect(200);
        }
        world
    }

    /// The same, answered by so many processes of each function.
    pub(crate) async fn of_processes(app: &'a TestApp, seed: u64, count: usize) -> Self {
        let mut world = Self::of(app, seed).await;
        for function in FUNCTIONS {
            let fleet = Fleet::start(function, &app.env_of(function), count);
            world.fleets.insert(function, fleet);
        }
        world
    }

    pub(crate) const fn operations(&self) -> usize {
        self.operations.get()
    }

    /// Lets the time of functions of this process go on with each operation, or stand.
    pub(crate) fn move_time(&self, moving: bool) {
        self.moving.set(moving);
    }

    /// How often processes have written that they go on without Redis.
    pub(crate) fn given_up(&self) -> u64 {
        let lines = self.fleets.values().flat_map(Fleet::output);
        lines.filter(|line| line.contains("going on without Redis")).count() as u64
    }

    /// Has the clients do so much together.
    pub(crate) async fn load(&self, operations: usize) {
        let clients = (0..CLIENTS).map(async |_| {
            let seed = self.seed.replace(self.seed.get() + 1);
            let mut random = Random::seeded(seed);
            for _ in 0..operations / CLIENTS {
                self.step(&mut random).await;
            }
        });
        join_all(clients).await;
    }

    async fn step(&self, random: &mut Random) {
        self.operations.set(self.operations.get() + 1);
        if self.moving.get() {
            // What a busy machine has failed is tried again after a while.
            self.app.clock.advance(STEP);
        }
        let user = &self.users[random.index(USERS)];
        let task = {
            let versions = self.history.versions.borrow();
            let ids: Vec<&String> = versions.keys().collect();
            (!ids.is_empty()).then(|| ids[random.index(ids.len())].clone())
        };
        let Some(task) = task else { return self.create(user, random).await };
        let by = json!(user.id());
        match random.below(20) {
            0..2 if self.history.versions.borrow().len() < USERS * TASKS => {
                self.create(user, random).await;
            }
            0..6 => self.change(&task, random).await,
            6..9 => self.list(user, "owned", Question::Owned { by }, random).await,
            9..12 => self.list(user, "assigned", Question::Assigned { by }, random).await,
            12..14 => self.get("HEAD", user, task, random).await,
            _ => self.get("GET", user, task, random).await,
        }
    }

    /// Sends a call, and looks at what is the same for all answers.
    pub(super) async fn send(&self, call: Call<'_>) -> (String, Option<Reply>) {
        let id = self.app.clock.new_id().to_string();
        let call = call.header("x-request-id", &id);
        self.requests.borrow_mut().push(id.clone());
        let http = &call.event.request_context.http;
        let (function, _) = self.app.route(&http.method, &call.event.raw_path);
        let reply = match self.fleets.get(function) {
            None => Ok(call.send().await),
            Some(fleet) => fleet.answer(&call.event).await,
        };
        if let Ok(reply) = &reply
            && reply.header("ratelimit").is_none()
        {
            self.uncounted.borrow_mut().insert(id.clone());
        }
        match reply {
            Ok(reply) if matches!(reply.status(), 200 | 201 | 304 | 404) => (id, Some(reply)),
            Ok(reply) => {
                self.history.found(format!("{function}: {} {}", reply.status(), reply.text()));
                (id, None)
            }
            Err(why) => {
                self.history.found(format!("{function}: {why}"));
                (id, None)
            }
        }
    }

    async fn create(&self, owner: &Caller<'_>, random: &mut Random) {
        let started = self.history.tick();
        let body = json!({"title": canary(owner, random), "labels": [canary(owner, random)]});
        if let (id, Some(reply)) = self.send(owner.post("/v1/tasks", &body)).await {
            self.history.learn(reply.json(), started, id);
        }
    }

    /// Changes a task, as its owner.
    async fn change(&self, task: &str, random: &mut Random) {
        let owner = {
            let versions = self.history.versions.borrow();
            let by = &versions[task][0].task["user_id"];
            self.users.iter().find(|user| json!(user.id()) == *by).expect("one of the users")
        };
        let other = &self.users[random.index(USERS)];
        let body = match random.below(4) {
            0 => json!({"assignee_id": other.id()}),
            1 => json!({"assignee_id": null}),
            _ => json!({"title": canary(owner, random)}),
        };
        let started = self.history.tick();
        let call = owner.patch(&format!("/v1/tasks/{task}"), &body);
        if let (id, Some(reply)) = self.send(call).await {
            self.history.learn(reply.json(), started, id);
        }
    }

    async fn get(&self, method: &str, user: &Caller<'_>, task: String, random: &mut Random) {
        let mut call = user.call(method, &format!("/v1/tasks/{task}"));
        if random.percent(30) {
            let versions = self.history.versions.borrow();
            let last = versions[&task].last().expect("a version");
            call = call.header("if-none-match", format!("\"{}\"", last.task["version"]));
        }
        let started = self.history.tick();
        let (_, Some(reply)) = self.send(call).await else { return };
        self.no_canary_of_others(user, &reply);
        let tag = reply.header("etag").and_then(|tag| tag.trim_matches('"').parse().ok());
        let shown = match (reply.status(), tag) {
            (404, _) => None,
            (200, _) if method == "GET" => Some(Shown::Task(reply.json())),
            (_, Some(version)) => Some(Shown::Version(version)),
            (status, None) => {
                return self.history.found(format!("{method}: {status} without a tag"));
            }
        };
        let shown = shown.map(|shown| (task.clone(), shown)).into_iter().collect();
        self.note(Question::Get { by: json!(user.id()), task }, shown, started);
    }

    async fn list(&self, user: &Caller<'_>, scope: &str, question: Question, random: &mut Random) {
        let name = format!("{scope} of {}", user.id());
        let known = self.tags.borrow().get(&name).cloned().filter(|_| random.percent(30));
        let mut call = user.get(&format!("/v1/tasks?page_size=100&scope={scope}"));
        if let Some((tag, _)) = &known {
            call = call.header("if-none-match", tag);
        }
        let started = self.history.tick();
        let (_, Some(reply)) = self.send(call).await else { return };
        self.no_canary_of_others(user, &reply);
        let shown = match (reply.status(), known) {
            (304, Some((_, shown))) => shown,
            (200, _) => {
                let body = reply.json();
                let items = body["items"].as_array().expect("items");
                if body["total"] != items.len() {
                    self.history.found(format!("{name}: {} of {}", items.len(), body["total"]));
                }
                let shown: Tasks =
                    items.iter().map(|task| (id_of(task), Shown::Task(task.clone()))).collect();
                if let Some(tag) = reply.header("etag") {
                    self.tags.borrow_mut().insert(name, (tag.to_owned(), shown.clone()));
                }
                shown
            }
            (status, _) => return self.history.found(format!("{name}: {status}")),
        };
        self.note(question, shown, started);
    }

    fn note(&self, question: Question, shown: Tasks, started: u64) {
        let ended = self.history.tick();
        self.history.reads.borrow_mut().push(Read { question, shown, started, ended });
    }

    /// Each title names its owner: nobody is shown one of another, but in a task that is assigned to
    /// them.
    fn no_canary_of_others(&self, user: &Caller<'_>, reply: &Reply) {
        if reply.text().is_empty() {
            return;
        }
        let body = reply.json();
        let items = body["items"].as_array().map_or(std::slice::from_ref(&body), Vec::as_slice);
        let own = json!(user.id());
        for task in items.iter().filter(|task| task["user_id"].is_string()) {
            let text = task.to_string();
            let owner = task["user_id"].as_str().unwrap_or_default();
            let foreign =
                text.match_indices("canary-").any(|(at, _)| !text[at + 7..].starts_with(owner));
            if foreign || task["user_id"] != own && task["assignee_id"] != own {
                self.history.found(format!("{own} was shown {text}"));
            }
        }
    }

    /// The log lines of everything that was done. Those of processes come through a pipe.
    pub(super) async fn learn_lines(&self) {
        let requests = self.requests.borrow().clone();
        for _ in 0..TRIES {
            let written = self.fleets.values().flat_map(Fleet::output);
            let written: BTreeMap<String, Line> = written
                .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
                .filter_map(|line| Some((line["request_id"].as_str()?.to_owned(), Line::of(&line))))
                .collect();
            let missing = {
                let mut lines = self.lines.borrow_mut();
                for id in &requests {
                    if lines.contains_key(id) {
                        continue;
                    }
                    let here = lines_of(id).first().map(Line::of);
                    if let Some(line) = here.or_else(|| written.get(id).cloned()) {
                        lines.insert(id.clone(), line);
                    }
                }
                requests.len() - lines.len()
            };
            if missing == 0 {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("some requests left no line");
    }

    /// Judges all that was read since the last time, tells the numbers, and returns the lines of what was
    /// done since then.
    pub(crate) async fn judged(&self, what: &str) -> Vec<Line> {
        self.learn_lines().await;
        let (reads, excused) = self.history.judge(&self.lines.borrow());
        let requests = self.requests.borrow();
        let lines = self.lines.borrow();
        let before = self.told.replace(requests.len());
        let fresh: Vec<Line> = requests[before..].iter().map(|id| lines[id].clone()).collect();
        for id in &requests[before..] {
            if lines[id].bypassed != self.uncounted.borrow().contains(id) {
                self.history.found(format!("bypassed and yet counted: {:?}", lines[id]));
            }
        }
        let mut cache = BTreeMap::<&str, usize>::new();
        for line in fresh.iter().filter(|line| !line.cache.is_empty()) {
            *cache.entry(&line.cache).or_default() += 1;
        }
        let failed: u64 = fresh.iter().map(|line| line.failed).sum();
        let skipped: u64 = fresh.iter().map(|line| line.skipped).sum();
        say(&format!(
            "{what}: {} requests, {reads} reads judged, {excused} excused, Redis failed {failed} and was \
             skipped {skipped} times, {cache:?}",
            fresh.len()
        ));
        let found = self.history.found.take();
        assert!(
            found.is_empty(),
            "{what}: {} wrong: {:#?}",
            found.len(),
            &found[..found.len().min(3)]
        );
        fresh
    }
}

fn canary(owner: &Caller<'_>, random: &mut Random) -> String {
    format!("canary-{}-{:x}", owner.id(), random.below(1 << 20))
}
