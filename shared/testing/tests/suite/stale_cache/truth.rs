//! What the database did: every version of every task, as the outbox tells of it.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Envelope, Kind};
use testing::TestApp;
use uuid::Uuid;

/// A version of a task.
pub(crate) struct Version {
    pub(crate) request: String,
    pub(crate) actor: Option<Uuid>,
    pub(crate) owner: Option<Uuid>,
    pub(crate) assignee: Option<Uuid>,
    pub(crate) pending: bool,
    pub(crate) title: String,
    pub(crate) deleted: bool,
}

/// The versions of each task; the first one is number 1.
pub(crate) struct Truth(pub(crate) BTreeMap<Uuid, Vec<Version>>);

impl Truth {
    pub(crate) async fn of(app: &TestApp) -> Self {
        let sql = "SELECT payload FROM app.outbox WHERE type LIKE 'task.%'
                   ORDER BY aggregate_id, aggregate_version";
        let mut all: BTreeMap<Uuid, Vec<Version>> = BTreeMap::new();
        for row in app.db.rows(sql, &[]).await {
            let event: Envelope = serde_json::from_value(row.get(0)).expect("an envelope");
            let versions = all.entry(event.task_id.expect("a task")).or_default();
            let summary = event.task.expect("a summary");
            let deleted = match event.event {
                Kind::TaskDeleted => true,
                Kind::TaskRestored => false,
                _ => versions.last().is_some_and(|version| version.deleted),
            };
            versions.push(Version {
                request: event.request_id,
                actor: event.user_id,
                owner: event.owner_id,
                assignee: event.assignee_id,
                pending: summary.status == domain::Status::Pending,
                title: summary.title.expose().clone(),
                deleted,
            });
            let count = i64::try_from(versions.len()).expect("a number");
            assert_eq!(event.version, count, "each version has its event");
        }
        Self(all)
    }

    /// One version; none if there is not (yet) such a one.
    pub(crate) fn version(&self, task: Uuid, number: i64) -> Option<&Version> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.0.get(&task)?.get(index)
    }

    /// For each user the tasks that they own or are assigned to, or did once.
    pub(crate) fn tasks_of_all(&self) -> BTreeMap<Uuid, BTreeSet<Uuid>> {
        let mut all: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
        for (task, versions) in &self.0 {
            for user in versions.iter().flat_map(|version| [version.owner, version.assignee]) {
                all.entry(user.unwrap_or_default()).or_default().insert(*task);
            }
        }
        all
    }

    /// In whose lists a version has changed something.
    pub(crate) fn touched(&self, task: Uuid, number: i64) -> BTreeSet<Uuid> {
        let both = [self.version(task, number - 1), self.version(task, number)];
        let people = both.into_iter().flatten().flat_map(|v| [v.owner, v.assignee]);
        let actor = self.version(task, number).and_then(|version| version.actor);
        people.chain([actor]).flatten().collect()
    }
}
