//! X14: reads through a lagging reader, while tasks change and change hands. No read that starts after
//! a change was acknowledged shows what was before it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use domain::Role;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use testing::{Caller, Random, TestApp, lines_of};

use crate::cluster::Cluster;
use crate::support::say;

const USERS: usize = 16;
const WRITERS: usize = 4;
/// How many tasks each writer has; all of them fit on one page.
const TASKS: usize = 5;
const READS: usize = 1000;

/// A version of a task: what it was, and when somebody could know of it at the earliest and at the
/// latest. A deleted task is null.
struct Version {
    task: Value,
    started: u64,
    ended: u64,
}

/// What was asked for.
#[derive(Clone, Debug)]
enum Question {
    Get { by: Value, task: String },
    Owned { by: Value, status: Option<&'static str> },
    Assigned { by: Value },
    Everything,
}

impl Question {
    /// Whether a task in this state is part of the answer.
    fn is_about(&self, id: &str, task: &Value) -> bool {
        if task.is_null() {
            return false;
        }
        match self {
            Self::Get { by, task: one } => {
                one == id && (task["user_id"] == *by || task["assignee_id"] == *by)
            }
            Self::Owned { by, status } => {
                task["user_id"] == *by && status.is_none_or(|status| task["status"] == status)
            }
            Self::Assigned { by } => task["assignee_id"] == *by,
            Self::Everything => true,
        }
    }
}

/// A question and its answer.
struct Read {
    question: Question,
    shown: BTreeMap<String, Value>,
    started: u64,
    ended: u64,
}

/// Everybody and everything that happened. Time is the order of what happened here.
struct World<'a> {
    users: Vec<Caller<'a>>,
    admin: Caller<'a>,
    viewer: Caller<'a>,
    now: Cell<u64>,
    versions: RefCell<BTreeMap<String, Vec<Version>>>,
    reads: RefCell<Vec<Read>>,
    /// How many reads took so many statements.
    trips: RefCell<BTreeMap<u64, usize>>,
    found: RefCell<Vec<String>>,
    over: Cell<bool>,
}

impl<'a> World<'a> {
    fn of(app: &'a TestApp) -> Self {
        Self {
            users: (0..USERS).map(|_| app.caller(Role::User)).collect(),
            admin: app.caller(Role::Admin),
            viewer: app.caller(Role::Viewer),
            now: Cell::new(0),
            versions: RefCell::default(),
            reads: RefCell::default(),
            trips: RefCell::default(),
            found: RefCell::default(),
            over: Cell::new(false),
        }
    }

    fn tick(&self) -> u64 {
        self.now.replace(self.now.get() + 1)
    }

    fn user(&self, id: &Value) -> &Caller<'a> {
        self.users.iter().find(|user| json!(user.id()) == *id).expect("one of the users")
    }

    fn learn(&self, id: &str, task: Value, started: u64) {
        let version = Version { task, started, ended: self.tick() };
        self.versions.borrow_mut().entry(id.to_owned()).or_default().push(version);
    }

    async fn create(&self, owner: &Caller<'_>) -> String {
        let started = self.tick();
        let task = owner.create(&json!({"title": "new"})).await;
        let id = task["id"].as_str().expect("an id").to_owned();
        self.learn(&id, task, started);
        id
    }

    /// Changes a task in one way or another. Nobody else changes it meanwhile.
    async fn change(&self, id: &str, random: &mut Random) {
        let last = |at: usize| {
            let versions = self.versions.borrow();
            let all = &versions[id];
            all.len().checked_sub(at).map(|index| all[index].task.clone())
        };
        let path = format!("/v1/tasks/{id}");
        let started = self.tick();
        let now = last(1).expect("a version");
        if now.is_null() {
            let restore = self.admin.call("POST", &format!("{path}/restore"));
            return self.learn(id, restore.send().await.expect(200).json(), started);
        }
        let owner = self.user(&now["user_id"]);
        let other = random.index(USERS);
        let other = json!(self.users[other].id());
        let statuses = ["pending", "in_progress", "completed", "rejected"];
        let status = json!({"status": statuses[random.index(4)]});
        let call = match random.below(8) {
            0 => owner.patch(&path, &json!({"title": format!("at {started}")})),
            1 if now["assignee_id"].is_null() => owner.patch(&path, &status),
            1 => self.user(&now["assignee_id"]).patch(&path, &status),
            2..=4 => owner.patch(&path, &json!({"assignee_id": other})),
            5 => owner.patch(&path, &json!({"assignee_id": null})),
            6 => self.admin.patch(&path, &json!({"user_id": other})),
            _ => {
                self.admin.delete(&path).send().await.expect(204);
                return self.learn(id, Value::Null, started);
            }
        };
        let task = call.send().await.expect(200).json();
        // It may have been so already.
        if task != now {
            self.learn(id, task, started);
        }
    }

    /// Asks something, and keeps the answer.
    async fn read(&self, random: &mut Random) {
        let user = &self.users[random.index(USERS)];
        let by = json!(user.id());
        let ids: Vec<String> = self.versions.borrow().keys().cloned().collect();
        let task = ids[random.index(ids.len())].clone();
        let list = |more: &str| format!("/v1/tasks?page_size=100&{more}");
        let (caller, path, question) = match random.below(10) {
            0..3 => (user, format!("/v1/tasks/{task}"), Question::Get { by, task }),
            3..5 => (user, list("scope=owned"), Question::Owned { by, status: None }),
            5 => {
                let question = Question::Owned { by, status: Some("pending") };
                (user, list("status=pending"), question)
            }
            6..9 => (user, list("scope=assigned"), Question::Assigned { by }),
            _ if random.percent(50) => (&self.admin, list("scope=all"), Question::Everything),
            _ => (&self.viewer, list("sort=updated_at"), Question::Everything),
        };
        let started = self.tick();
        let reply = caller.get(&path).send().await;
        let ended = self.tick();
        let trips = lines_of(reply.header("x-request-id").expect("an id"))[0]["db_round_trips"]
            .as_u64()
            .expect("a number");
        *self.trips.borrow_mut().entry(trips).or_default() += 1;
        if matches!(question, Question::Everything) && trips != 1 {
            self.found.borrow_mut().push(format!("{trips} statements for everything"));
        }
        let shown = match (&question, reply.status()) {
            (Question::Get { .. }, 404) => Vec::new(),
            (Question::Get { .. }, 200) => vec![reply.json()],
            (_, 200) => {
                let body = reply.json();
                let items = body["items"].as_array().expect("items").clone();
                if body["total"] != items.len() {
                    let said = format!("{question:?}: {} of {}", items.len(), body["total"]);
                    self.found.borrow_mut().push(said);
                }
                items
            }
            (_, status) => {
                self.found.borrow_mut().push(format!("{question:?}: {status}"));
                return;
            }
        };
        let shown = shown.into_iter().map(|task| (id_of(&task), task)).collect();
        self.reads.borrow_mut().push(Read { question, shown, started, ended });
    }

    /// Whether an answer shows a task in a state that was possible at that time.
    fn is_possible(read: &Read, id: &str, versions: &[Version]) -> bool {
        let shown = read.shown.get(id).unwrap_or(&Value::Null);
        let known = versions.iter().rposition(|version| version.ended < read.started);
        let possible = versions[known.unwrap_or(0)..].iter().filter(|v| v.started < read.ended);
        let mut states = possible.map(|version| &version.task);
        let fits = |task: &Value| {
            if read.question.is_about(id, task) { task == shown } else { shown.is_null() }
        };
        // Before it was made, nobody could be shown it.
        (known.is_none() && shown.is_null()) || states.any(fits)
    }

    /// What was wrong.
    fn findings(&self) -> Vec<String> {
        let mut found = self.found.borrow().clone();
        let versions = self.versions.borrow();
        for read in self.reads.borrow().iter() {
            for (id, versions) in versions.iter() {
                if matches!(&read.question, Question::Get { task, .. } if task != id) {
                    continue;
                }
                if !Self::is_possible(read, id, versions) {
                    found.push(format!("{:?} showed {id} as it was", read.question));
                }
            }
        }
        found
    }
}

fn id_of(task: &Value) -> String {
    task["id"].as_str().expect("an id").to_owned()
}

/// Writers in bursts, after each of which the reader catches up; and all the time readers. What is left
/// alone meanwhile is what the reader answers for.
async fn run(cluster: &Cluster, cached: bool, delay: Duration, bursts: usize, changes: usize) {
    cluster.replica_delay(delay).await;
    let (writer, reader) = cluster.proxies().await;
    let setup = cluster.setup_through(&writer, &reader);
    let app = if cached { TestApp::with(setup).await } else { TestApp::uncached(setup).await };
    let world = World::of(&app);
    for caller in world.users.iter().chain([&world.admin, &world.viewer]) {
        caller.get("/v1/me").send().await.expect(200);
    }
    let writing = async {
        let mut tasks = vec![Vec::new(); WRITERS];
        for (count, owner) in world.users.iter().cycle().take(WRITERS * TASKS).enumerate() {
            tasks[count % WRITERS].push(world.create(owner).await);
        }
        let mut randoms: Vec<_> = (0..).take(WRITERS).map(Random::seeded).collect();
        for _ in 0..bursts {
            cluster.caught_up().await;
            let burst = tasks.iter().zip(&mut randoms).map(async |(tasks, random)| {
                for _ in 0..changes {
                    let task = &tasks[random.index(TASKS)];
                    world.change(task, random).await;
                }
            });
            join_all(burst).await;
        }
        cluster.caught_up().await;
        world.over.set(true);
    };
    let readers = (0..4).map(async |reader| {
        let mut random = Random::seeded(100 + reader);
        while !world.over.get() || world.reads.borrow().len() < READS {
            if world.versions.borrow().is_empty() {
                tokio::task::yield_now().await;
            } else {
                world.read(&mut random).await;
            }
        }
    });
    join(writing, join_all(readers)).await;

    let found = world.findings();
    let (reads, trips) = (world.reads.borrow().len(), world.trips.borrow().clone());
    let changes = world.versions.borrow().values().map(Vec::len).sum::<usize>();
    // Who asks two asks the reader in vain and then the writer.
    let count = |statements| trips.get(&statements).copied().unwrap_or_default();
    let asked = usize::try_from(reader.round_trips()).expect("a number");
    let (from_cache, too_old) = (count(0), count(2));
    let from_reader = asked.saturating_sub(too_old);
    say(&format!(
        "X14: {delay:?} behind, cached: {cached}: {changes} changes, {reads} reads, {from_cache} from the \
         cache, {from_reader} from the reader, {too_old} from the writer after it, wrong: {} {:?}",
        found.len(),
        found.first()
    ));
    assert!(reads >= READS);
    let enough = if cached { [from_cache, too_old] } else { [from_reader, too_old] };
    assert!(enough.iter().all(|times| *times >= 50), "{enough:?}: the test shows little");
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn no_read_is_older_than_what_was_acknowledged_before_it() {
    let cluster = Cluster::with_replica("stale-reads", Duration::ZERO).await;
    for cached in [false, true] {
        run(&cluster, cached, Duration::from_millis(300), 6, 4).await;
    }
    run(&cluster, false, Duration::from_secs(5), 1, 2).await;
}
