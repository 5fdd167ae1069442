//! Those who write and those who read, on a few hot tasks.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use domain::Role;
use futures_util::future::{join, join_all, join3};
use serde_json::{Value, json};
use testing::{Call, Caller, Random, Reply};
use uuid::Uuid;

use super::history::{History, Outcome, Question, Read, Shown, Write};
use super::house::{House, Kill};
use crate::support::{id_of, known};

/// How many stages there are at a time, with so many people and tasks each.
const STAGES: usize = 2;
const PEOPLE: usize = 4;
const TASKS: usize = 3;
const MOST_TASKS: usize = 4;
/// A killed writer leaves its fences, behind which nothing is cached. So its stage goes on for so many
/// operations, and then makes way for another one.
const AFTERMATH: usize = 50;
/// When a writer is killed, if it is: in the middle of its work.
const KILLED_WITHIN_US: u64 = 60_000;
const STATUSES: [&str; 3] = ["pending", "in_progress", "completed"];

/// Some people and the tasks that are between them.
pub(crate) struct Stage<'a> {
    people: Vec<Caller<'a>>,
    tasks: RefCell<Vec<Uuid>>,
    /// How many operations there will be here yet, since a writer was killed.
    left: Cell<Option<usize>>,
}

/// Everybody.
pub(crate) struct Clients<'a> {
    house: &'a House<'a>,
    history: &'a History,
    admin: Caller<'a>,
    stages: RefCell<Vec<Rc<Stage<'a>>>>,
    /// The stages that made way.
    past: RefCell<Vec<Rc<Stage<'a>>>>,
    /// The last state of each task that anybody was told of.
    last: RefCell<BTreeMap<Uuid, Value>>,
    requests: Cell<usize>,
    kills: Kills,
}

/// When processes are killed.
#[derive(Clone, Copy)]
pub(crate) enum Kills {
    Never,
    /// So many of a hundred changes, at any moment of the work.
    Sometime(u64),
    /// So many of a hundred changes, as soon as they are committed.
    OnceCommitted(u64),
}

impl<'a> Clients<'a> {
    pub(crate) async fn of(house: &'a House<'a>, history: &'a History, kills: Kills) -> Self {
        let clients = Self {
            house,
            history,
            admin: house.app.caller(Role::Admin),
            stages: RefCell::default(),
            past: RefCell::default(),
            last: RefCell::default(),
            requests: Cell::new(0),
            kills,
        };
        known(house.app, clients.admin.id()).await;
        for _ in 0..STAGES {
            let stage = clients.build().await;
            clients.stages.borrow_mut().push(stage);
        }
        clients
    }

    /// A new stage.
    async fn build(&self) -> Rc<Stage<'a>> {
        let people: Vec<_> = (0..PEOPLE).map(|_| self.house.app.caller(Role::User)).collect();
        for person in &people {
            known(self.house.app, person.id()).await;
        }
        let stage = Stage { people, tasks: RefCell::default(), left: Cell::new(None) };
        let mut random = Random::seeded(0);
        // A create may have no answer.
        while stage.tasks.borrow().len() < TASKS {
            self.create(&stage, &mut random).await;
        }
        Rc::new(stage)
    }

    /// Changes something, over and over.
    pub(crate) async fn write(&self, seed: u64, enough: usize) {
        let mut random = Random::seeded(seed);
        while self.history.operations() < enough {
            let stage = self.stage(&mut random).await;
            self.change(&stage, &mut random).await;
        }
    }

    /// Asks something, over and over.
    pub(crate) async fn read(&self, seed: u64, enough: usize) {
        let mut random = Random::seeded(seed);
        while self.history.operations() < enough {
            let stage = self.stage(&mut random).await;
            self.ask(&stage, &mut random).await;
        }
    }

    /// Everybody looks at everything.
    pub(crate) async fn look_at_everything(&self) {
        let mut stages = self.stages.borrow().clone();
        stages.extend(self.past.borrow().iter().rev().take(STAGES).cloned());
        for stage in stages {
            let tasks = stage.tasks.borrow().clone();
            for person in stage.people.iter().chain([&self.admin]) {
                for task in &tasks {
                    self.look_at(person, *task).await;
                }
            }
            self.look_at_lists(&stage).await;
        }
    }

    async fn stage(&self, random: &mut Random) -> Rc<Stage<'a>> {
        let index = random.index(STAGES);
        let stage = Rc::clone(&self.stages.borrow()[index]);
        match stage.left.get() {
            Some(0) => {
                stage.left.set(None);
                // Whoever is at it goes on meanwhile.
                let next = self.build().await;
                self.past.borrow_mut().push(Rc::clone(&stage));
                self.stages.borrow_mut()[index] = next;
            }
            Some(left) => stage.left.set(Some(left - 1)),
            None => {}
        }
        stage
    }

    fn named(&self, call: Call<'a>) -> (Call<'a>, String) {
        self.requests.set(self.requests.get() + 1);
        let request = format!("stale-{}", self.requests.get());
        (call.header("x-request-id", &request), request)
    }

    fn learn(&self, task: &Value) {
        let mut last = self.last.borrow_mut();
        let known = last.entry(id_of(task)).or_default();
        if known["version"].as_i64() < task["version"].as_i64() {
            known.clone_from(task);
        }
    }

    async fn create(&self, stage: &Stage<'a>, random: &mut Random) {
        let owner = &stage.people[random.index(PEOPLE)];
        let assignee = stage.people[random.index(PEOPLE)].id();
        let call = owner.post("/v1/tasks", &json!({"title": "new", "assignee_id": assignee}));
        let reply = self.send(stage, owner, call, None, None).await;
        if let Some(reply) = reply.filter(|reply| reply.status() == 201) {
            stage.tasks.borrow_mut().push(id_of(&reply.json()));
        }
    }

    async fn change(&self, stage: &Stage<'a>, random: &mut Random) {
        let count = stage.tasks.borrow().len();
        if count < MOST_TASKS && random.percent(3) {
            return self.create(stage, random).await;
        }
        let task = stage.tasks.borrow()[random.index(count)];
        let now = self.last.borrow().get(&task).cloned().unwrap_or_default();
        let path = format!("/v1/tasks/{task}");
        let person = |name: &str| stage.people.iter().find(|who| json!(who.id()) == now[name]);
        let owner = person("user_id").unwrap_or(&stage.people[0]);
        let other = json!(stage.people[random.index(PEOPLE)].id());
        let status = json!({"status": STATUSES[random.index(STATUSES.len())]});
        let (by, call) = match random.below(20) {
            _ if now["deleted"] == true => {
                (&self.admin, self.admin.call("POST", &format!("{path}/restore")))
            }
            0..8 => {
                let title = json!({"title": format!("title {}", self.requests.get())});
                (owner, owner.patch(&path, &title))
            }
            8..10 => (owner, owner.patch(&path, &status)),
            10..12 => {
                let by = person("assignee_id").unwrap_or(owner);
                (by, by.patch(&path, &status))
            }
            12..15 => (owner, owner.patch(&path, &json!({"assignee_id": other}))),
            15 => (owner, owner.patch(&path, &json!({"assignee_id": null}))),
            16..19 => (&self.admin, self.admin.patch(&path, &json!({"user_id": other}))),
            _ => (&self.admin, self.admin.delete(&path)),
        };
        let tag = format!("\"{}\"", now["version"]);
        let call = if random.percent(25) { call.header("if-match", tag) } else { call };
        let killed = match self.kills {
            _ if call.function() != "tasks-update" => None,
            Kills::Never => None,
            Kills::Sometime(percent) => random
                .percent(percent)
                .then(|| Kill::After(Duration::from_micros(random.below(KILLED_WITHIN_US)))),
            Kills::OnceCommitted(percent) => {
                random.percent(percent).then_some(Kill::Committed(task))
            }
        };
        let over = Cell::new(killed.is_none());
        if killed.is_some() {
            // Whatever was cached of the others is what they may be shown after it.
            self.look_at_lists(stage).await;
        }
        let done = async {
            let done = self.send(stage, by, call, Some(task), killed).await;
            over.set(true);
            done
        };
        let done = join(done, self.rush(by, task, &over)).await.0;
        if done.is_none() {
            // Twice: at first not even the test knows that the change is committed.
            for _ in 0..2 {
                self.look_at_lists(stage).await;
                self.look_at(by, task).await;
            }
        } else if done.is_some_and(|reply| reply.status() < 300) {
            // The writer looks at once, and so does somebody else.
            let other = &stage.people[random.index(PEOPLE)];
            for who in [by, other] {
                if who.id() != self.admin.id() && random.percent(40) {
                    self.ask_for_list(who, random).await;
                }
            }
        }
    }

    /// Asks for a task, and for what the writer owns, over and over while it is being changed: what is
    /// read between the writer's first call of Redis and its commit is to be filled by nobody.
    async fn rush(&self, writer: &Caller<'a>, task: Uuid, over: &Cell<bool>) {
        let gets = async || {
            while !over.get() {
                self.look_at(&self.admin, task).await;
            }
        };
        let lists = async {
            while !over.get() {
                self.look_at_list(writer, true).await;
            }
        };
        join3(gets(), gets(), lists).await;
    }

    async fn look_at(&self, by: &Caller<'a>, task: Uuid) {
        self.put(by, Question::Get { task }, &format!("/v1/tasks/{task}"), None).await;
    }

    async fn look_at_list(&self, by: &Caller<'a>, owned: bool) {
        let scope = if owned { "owned" } else { "assigned" };
        let question = Question::List { owned, pending: false, whole: true };
        self.put(by, question, &format!("/v1/tasks?scope={scope}&page_size=100"), None).await;
    }

    /// Everybody looks at all that is theirs.
    async fn look_at_lists(&self, stage: &Stage<'a>) {
        let looks = stage
            .people
            .iter()
            .flat_map(|person| [true, false].map(|owned| self.look_at_list(person, owned)));
        join_all(looks).await;
    }

    /// Sends a change and keeps what came of it.
    async fn send(
        &self,
        stage: &Stage<'a>,
        by: &Caller<'a>,
        call: Call<'a>,
        task: Option<Uuid>,
        kill: Option<Kill>,
    ) -> Option<Reply> {
        let (call, request) = self.named(call);
        let started = self.history.tick();
        let reply = self.house.answer(&call, kill).await.ok();
        let at = self.history.tick();
        let result = match reply.as_ref().map(Reply::status) {
            Some(200 | 201) => {
                let body = reply.as_ref().expect("an answer").json();
                let mut known = body.clone();
                known["deleted"] = json!(false);
                self.learn(&known);
                Outcome::Done { at, version: body["version"].as_i64() }
            }
            Some(204) => {
                let mut last = self.last.borrow_mut();
                if let Some(known) = task.and_then(|task| last.get_mut(&task)) {
                    known["deleted"] = json!(true);
                }
                Outcome::Done { at, version: None }
            }
            Some(403 | 404 | 409 | 412) => {
                // Perhaps it is deleted, or was restored.
                let mut last = self.last.borrow_mut();
                if let Some(known) = task.and_then(|task| last.get_mut(&task)) {
                    known["deleted"] = json!(reply.as_ref().is_some_and(|r| r.status() == 404));
                }
                Outcome::Refused
            }
            None | Some(503 | 504) => {
                stage.left.set(stage.left.get().or(Some(AFTERMATH)));
                Outcome::Unknown
            }
            Some(status) => {
                let text = reply.as_ref().map(Reply::text).unwrap_or_default();
                self.history.wrong.borrow_mut().push(format!("{request}: {status} {text}"));
                Outcome::Unknown
            }
        };
        let write = Write { request, task, actor: by.id(), started, result };
        self.history.writes.borrow_mut().push(write);
        reply
    }

    async fn ask(&self, stage: &Stage<'a>, random: &mut Random) {
        let by = match random.index(PEOPLE + 1) {
            PEOPLE => &self.admin,
            index => &stage.people[index],
        };
        if by.id() != self.admin.id() && random.percent(50) {
            return self.ask_for_list(by, random).await;
        }
        let task = {
            let tasks = stage.tasks.borrow();
            tasks[random.index(tasks.len())]
        };
        let known = self.last.borrow().get(&task).and_then(|task| task["version"].as_i64());
        let known = known.filter(|_| random.percent(30));
        self.put(by, Question::Get { task }, &format!("/v1/tasks/{task}"), known).await;
    }

    async fn ask_for_list(&self, by: &Caller<'a>, random: &mut Random) {
        let owned = random.percent(60);
        let scope = if owned { "owned" } else { "assigned" };
        let (more, pending, whole) = match random.below(10) {
            0..5 => ("page_size=100", false, true),
            5..7 => ("page_size=100&status=pending", true, true),
            7 => ("page_size=2&page=1", false, false),
            8 => ("page_size=2&page=2", false, false),
            _ => ("limit=2&sort=-updated_at", false, false),
        };
        let question = Question::List { owned, pending, whole };
        let path = format!("/v1/tasks?scope={scope}&{more}");
        self.put(by, question, &path, None).await;
    }

    /// Asks a question and keeps the answer; `known` is the version that the client has already.
    async fn put(&self, by: &Caller<'a>, question: Question, path: &str, known: Option<i64>) {
        let mut call = by.get(path);
        if let Some(version) = known {
            call = call.header("if-none-match", format!("\"{version}\""));
        }
        let (call, request) = self.named(call);
        let (started, asked) = (self.history.tick(), Instant::now());
        let reply = self.house.answer(&call, None).await.expect("an answer");
        let ended = self.history.tick();
        let version = |task: &Value| task["version"].as_i64().expect("a version");
        let whole = |task: &Value| {
            (id_of(task), Shown { version: version(task), task: Some(task.clone()) })
        };
        let (shown, total) = match (question, reply.status()) {
            (Question::Get { .. }, 200) => ([whole(&reply.json())].into(), None),
            (Question::Get { .. }, 404) => (BTreeMap::new(), None),
            (Question::Get { task }, 304) => {
                let shown = Shown { version: known.expect("a condition"), task: None };
                ([(task, shown)].into(), None)
            }
            (Question::List { .. }, 200) => {
                let body = reply.json();
                let items = body["items"].as_array().expect("items");
                (items.iter().map(whole).collect(), body["total"].as_i64())
            }
            // The database was out of reach.
            (_, 503) => return,
            (_, status) => {
                let said = format!("{request}: {question:?}: {status} {}", reply.text());
                return self.history.wrong.borrow_mut().push(said);
            }
        };
        for task in shown.values().filter_map(|shown| shown.task.as_ref()) {
            self.learn(task);
        }
        let (by, sees_all) = (by.id(), by.id() == self.admin.id());
        let read = Read { request, by, sees_all, question, shown, total, started, ended, asked };
        self.history.reads.borrow_mut().push(read);
    }
}
