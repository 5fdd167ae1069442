//! `GET /v1/tasks/{id}/history`: what happened to a task, newest first.
//!
//! Whoever may see the task may see all of its history, also what happened before it was theirs. The
//! history of a task in the trash is there for those who administer tasks. Events arrive with some delay:
//! the newest may be missing for a moment.

use db::ReadDb;
use domain::Task;
use domain::history::HistoryEntry;
use domain::listing;
use route::{
    Access, CacheEntry, Caller, Cursor, Cx, FromQuery, Kind, Listed, Parameters, Path, Permission,
    Problem, Query, Route, Spec, Touch,
};
use serde::Serialize;

/// The route.
pub struct TasksHistory;

/// The parameters.
pub struct Show {
    cursor: Option<String>,
    limit: u8,
}

impl FromQuery for Show {
    const PARAMETERS: &'static [&'static str] = &["cursor", "limit"];

    fn from_query(p: &mut Parameters) -> Option<Self> {
        Some(Self {
            cursor: p.optional("cursor", |text| Ok(text.to_owned())),
            limit: p.optional("limit", listing::limit).unwrap_or(listing::USUAL_LIMIT),
        })
    }
}

/// A page of the history. The order of the fields is the order in the answer.
#[derive(Serialize)]
pub struct Page {
    items: Vec<HistoryEntry>,
    /// What to ask for next; null exactly when nothing follows.
    next_cursor: Option<String>,
}

/// What the cursor says of the order: there is only one.
const NEWEST_FIRST: &str = "-version";

impl Route for TasksHistory {
    const SPEC: Spec = Spec::get(
        env!("CARGO_PKG_NAME"),
        "/v1/tasks/{id}/history",
        Access::Requires(Permission::TasksRead),
    )
    .problems(&[Kind::InvalidCursor])
    .summary("Show what happened to a task");
    type Deps = ReadDb;
    type Input = (Query<Show>, Path<Task>);
    type Output = Listed<Page>;

    fn touches(_: &Self::Input, caller: &Caller) -> Touch {
        // Whose the task is changes with the caller's own counter, if it was or becomes theirs.
        Touch::Read(CacheEntry::uncached_list(caller.sub))
    }

    async fn handle(
        cx: Cx<'_, Self>,
        (Query(show), path): Self::Input,
    ) -> Result<Listed<Page>, Problem> {
        let task = path.id.to_string();
        let read = |text: &String| Cursor::read(text, NEWEST_FIRST, &task, HistoryEntry::read_key);
        let after = match show.cursor.as_ref().map(read).transpose() {
            Ok(after) => after,
            Err(problem) => return Err(cx.refusal(problem).await),
        };
        let identity = cx.identity()?;
        let history =
            |floor| cx.deps.task_history(&identity, path.id, after.as_ref(), show.limit, floor);
        let found = cx.as_far(history).await?;
        let found = found.ok_or_else(|| Problem::new(Kind::TaskNotFound))?;
        let end = found.entries.last().filter(|_| found.more);
        let next_cursor = end.map(|entry| Cursor::after(&entry.position(), NEWEST_FIRST, &task));
        Ok(Listed(Page { items: found.entries, next_cursor }))
    }
}
