//! The app with everything behind it, and what must be true when all is quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use domain::Role;
use mailbox::{Credentials, Mailbox, Settings, TlsFiles};
use serde_json::{Value, json};
use services::Folder;
use testing::{Caller, Scene, Setup, Stage, TestApp};
use uuid::Uuid;

use crate::redis_faults::breakable::BreakableRedis;
use crate::support::{own_folder, path_of, say};

/// A mail, by what it tells of and to whom.
pub(super) type Mailed = (Uuid, String);

pub(super) struct World {
    pub(super) app: TestApp,
    pub(super) stage: Stage,
    pub(super) mails: Mailbox,
    /// How often each mail was taken, as far as it is known.
    taken: Mutex<BTreeMap<Mailed, usize>>,
    folder: Folder,
    /// Of its own: in the one that all tests share, writers always hear a relay.
    _redis: BreakableRedis,
}

const USER: &str = "mailer";
const PASSWORD: &str = "a secret";

/// A mail server of the test's own, which demands TLS and a password, and the settings that lead there.
fn mail_server() -> (Mailbox, Folder, Vec<(&'static str, String)>) {
    let folder = own_folder(&format!("chaos-{}", clock::Clock::system().new_id()));
    let files = folder.certificates().expect("certificates");
    let mailbox = Mailbox::start(Settings {
        tls: Some(TlsFiles { certificate: files.certificate_file, key: files.key_file }),
        credentials: Some(Credentials { username: USER.into(), password: PASSWORD.into() }),
        ..Settings::default()
    });
    let mailbox = mailbox.expect("a mail server");
    let secret = json!({"username": USER, "password": PASSWORD}).to_string();
    let settings = vec![
        ("MAIL_TRANSPORT", "smtp".to_owned()),
        ("SMTP_HOST", "127.0.0.1".to_owned()),
        ("SMTP_PORT", mailbox.smtp_address().port().to_string()),
        ("SMTP_CA_FILE", files.ca_file.display().to_string()),
        ("SMTP_CREDENTIALS", secret),
    ];
    (mailbox, folder, settings)
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.folder.remove();
    }
}

impl World {
    pub(super) async fn open(scene: Scene) -> Self {
        Self::with(Setup::default(), scene).await
    }

    pub(super) async fn with(setup: Setup, scene: Scene) -> Self {
        let (mails, folder, settings) = mail_server();
        let env = setup.env.into_iter().chain(settings).collect();
        let redis =
            BreakableRedis::start(&format!("chaos-redis-{}", clock::Clock::system().new_id()));
        let setup = Setup { own_relay: true, redis_port: Some(redis.port()), env, ..setup };
        let mut app = TestApp::with(setup).await;
        app.db.outlaw(); // The relay takes the rows away, by which the laws are judged.
        let stage = Stage::open(&app, scene).await;
        Self { app, stage, mails, taken: Mutex::default(), folder, _redis: redis }
    }

    /// Somebody whom mails can reach.
    pub(super) async fn somebody(&self, role: Role) -> Caller<'_> {
        let caller = self.app.caller(role);
        caller.get("/v1/me").send().await.expect(200);
        caller
    }

    /// Some tasks that go through everything that is counted and told of.
    pub(super) async fn stories(&self, owner: &Caller<'_>, count: usize) {
        let admin = self.somebody(Role::Admin).await;
        let me = admin.get("/v1/me").send().await.json();
        for number in 0..count {
            let task = owner.create(&json!({"title": format!("story {number}")})).await;
            let path = path_of(&task);
            owner.patch(&path, &json!({"assignee_id": me["id"]})).send().await.expect(200);
            owner.patch(&path, &json!({"status": "in_progress"})).send().await.expect(200);
            owner.patch(&path, &json!({"status": "completed"})).send().await.expect(200);
            if number % 5 == 4 {
                admin.delete(&path).send().await.expect(204);
                admin.call("POST", &format!("{path}/restore")).send().await.expect(200);
            }
        }
    }

    /// The leases of mails pass: for those who have killed the only worker that held one.
    pub(super) async fn mail_leases_pass(&self) {
        let sql = "UPDATE app.deliveries SET lease_until = now() - interval '1 s'
            WHERE state = 'sending' AND holder IS NOT NULL";
        self.app.db.run(sql).await;
    }

    /// The mails that are being sent.
    pub(super) async fn being_sent(&self) -> BTreeSet<Mailed> {
        self.mailed("WHERE d.state = 'sending' AND d.holder IS NOT NULL").await
    }

    async fn mailed(&self, condition: &str) -> BTreeSet<Mailed> {
        let sql = format!("SELECT d.event_id, d.user_id FROM app.deliveries AS d {condition}");
        let rows = self.app.db.rows(&sql, &[]).await;
        rows.iter().map(|row| (row.get(0), row.get::<_, Uuid>(1).to_string())).collect()
    }

    /// How often each mail was taken by the mail server: an event, and the reader, both of which the
    /// message id names. The server keeps no more than a thousand, so they are taken from it now and then.
    pub(super) fn taken(&self) -> BTreeMap<Mailed, usize> {
        let mut taken = self.taken.lock().expect("nobody panicked");
        for mail in self.mails.mails() {
            let id = mail.message_id.clone().expect("a message id");
            let (of, _) = id.split_once('@').expect("an address");
            let (event, user) = of.split_once('.').expect("an event and a reader");
            let event = event.parse().expect("the id of an event");
            *taken.entry((event, user.to_owned())).or_default() += 1;
            self.mails.delete(mail.id).expect("it goes");
        }
        taken.clone()
    }

    /// What must be true when all is quiet. `killed_with`: the mails that were being sent when their worker
    /// was killed; only those may have been sent twice. Returns how many were.
    pub(super) async fn judged(&self, what: &str, killed_with: &BTreeSet<Mailed>) -> usize {
        let committed = self.events_of_tasks().await;
        let audited = self.audited().await;
        let missing: Vec<_> = committed.difference(&audited).collect();
        let phantom: Vec<_> = audited.difference(&committed).collect();
        assert!(missing.is_empty(), "{what}: lost events {missing:?}");
        assert!(phantom.is_empty(), "{what}: events of nothing {phantom:?}");
        let twice = "SELECT count(*) - count(DISTINCT (task_id, version)) FROM app.audit
            WHERE task_id IS NOT NULL";
        assert_eq!(self.app.db.count(twice, &[]).await, 0, "{what}: double effects in the audit");
        self.counts_are_right(what).await;

        let told = self.mailed("WHERE d.state = 'sent'").await;
        let left = self.mailed("WHERE d.state NOT IN ('sent', 'skipped')").await;
        assert!(left.is_empty(), "{what}: mails that were not sent {left:?}");
        let taken = self.taken();
        let missing: Vec<_> = told.iter().filter(|mail| !taken.contains_key(*mail)).collect();
        assert!(missing.is_empty(), "{what}: marked and not taken {missing:?}");
        let unknown: Vec<_> = taken.keys().filter(|mail| !told.contains(*mail)).collect();
        assert!(unknown.is_empty(), "{what}: taken and not marked {unknown:?}");
        self.everybody_was_told(what, &told).await;
        let twice: Vec<_> = taken.iter().filter(|(_, times)| **times > 1).collect();
        for (mail, times) in &twice {
            assert!(killed_with.contains(*mail), "{what}: {mail:?} was sent {times} times");
        }
        for name in ["task-notifications", "task-analytics", "task-audit", "task-exports"] {
            let name = format!("{}-{name}-dlq", self.app.db.name());
            assert_eq!(self.stage.depth(&name).await, 0, "{what}: dead letters in {name}");
        }
        let (events, mails) = (audited.len(), taken.len());
        let twice = twice.len();
        say(&format!(
            "{what}: {events} events, 0 lost, 0 of nothing, 0 double effects; {mails} mails, {twice} of them twice"
        ));
        twice
    }

    /// Each version of each task.
    async fn events_of_tasks(&self) -> BTreeSet<(Uuid, i64)> {
        let sql = "SELECT id, v FROM app.tasks, generate_series(1, version) AS v";
        let rows = self.app.db.rows(sql, &[]).await;
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    async fn audited(&self) -> BTreeSet<(Uuid, i64)> {
        let sql = "SELECT task_id, version FROM app.audit WHERE task_id IS NOT NULL";
        let rows = self.app.db.rows(sql, &[]).await;
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// The statistics against the tasks themselves.
    async fn counts_are_right(&self, what: &str) {
        let sql = "SELECT
                (SELECT coalesce(sum(created), 0)::bigint FROM app.daily_totals),
                (SELECT count(*) FROM app.tasks),
                (SELECT coalesce(sum(completed), 0)::bigint FROM app.daily_totals),
                (SELECT count(*) FROM app.audit WHERE event = 'task.completed')";
        let row = &self.app.db.rows(sql, &[]).await[0];
        let [created, tasks, completed, completions] = [0, 1, 2, 3].map(|at| row.get::<_, i64>(at));
        assert_eq!((created, completed), (tasks, completions), "{what}: the daily counts");
        let sql = "SELECT s.status FROM app.status_totals AS s
            WHERE s.tasks <> (
                SELECT count(*) FROM app.tasks AS t WHERE t.status = s.status AND t.deleted_at IS NULL
            )";
        let wrong = self.app.db.rows(sql, &[]).await.len();
        assert_eq!(wrong, 0, "{what}: statuses whose count is wrong");
    }

    /// Every event that concerns somebody with an address has been told to the owner.
    async fn everybody_was_told(&self, what: &str, told: &BTreeSet<Mailed>) {
        let sql = "SELECT a.id, a.owner_id FROM app.audit AS a
            JOIN app.users AS u ON u.id = a.owner_id AND u.active AND u.email IS NOT NULL
            JOIN app.tasks AS t ON t.id = a.task_id AND t.deleted_at IS NULL
            WHERE a.event IN ('task.created', 'task.status_changed', 'task.completed')";
        let rows = self.app.db.rows(sql, &[]).await;
        let due = rows.iter().map(|row| (row.get(0), row.get::<_, Uuid>(1).to_string()));
        let missing: Vec<Mailed> = due.filter(|mail| !told.contains(mail)).collect();
        assert!(missing.is_empty(), "{what}: nobody was told {missing:?}");
    }

    /// Waits for something that must come.
    pub(super) async fn comes<F: Future<Output = bool>>(what: &str, mut come: impl FnMut() -> F) {
        const PATIENCE: Duration = Duration::from_mins(1);
        let waiting = async {
            while !come().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "it never came: {what}");
    }

    /// What the app is told of an export that it was asked for.
    pub(super) async fn asked_for_an_export(&self, caller: &Caller<'_>) -> Value {
        let body = json!({"kind": "tasks", "format": "jsonl"});
        caller.post("/v1/exports", &body).send().await.expect(202).json()
    }
}
