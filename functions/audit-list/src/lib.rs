//! `GET /v1/audit-events`: everything that happened, newest first.
//!
//! Also what happened to tasks that are gone, and to accounts and sessions. Events arrive with some
//! delay: the newest may be missing for a moment. They are kept for some 400 days.

use db::ReadDb;
use domain::history::{self, AuditFilter, HistoryEntry};
use domain::input::parameter;
use domain::listing;
use route::{
    Access, Cursor, Cx, FromQuery, Kind, Listed, Parameters, Permission, Problem, Query, Route,
    Spec,
};
use serde::Serialize;

/// The route.
pub struct AuditList;

/// The parameters.
pub struct Ask {
    filter: AuditFilter,
    cursor: Option<String>,
    limit: u8,
}

impl FromQuery for Ask {
    const PARAMETERS: &'static [&'static str] =
        &["task_id", "actor_id", "event", "request_id", "from", "to", "cursor", "limit"];

    fn from_query(p: &mut Parameters) -> Option<Self> {
        Some(Self {
            filter: AuditFilter {
                task_id: p.optional("task_id", parameter::uuid),
                actor_id: p.optional("actor_id", parameter::uuid),
                event: p.optional("event", history::event),
                request_id: p.optional("request_id", history::request_id),
                from: p.optional("from", parameter::timestamp),
                to: p.optional("to", parameter::timestamp),
            },
            cursor: p.optional("cursor", |text| Ok(text.to_owned())),
            limit: p.optional("limit", listing::limit).unwrap_or(listing::USUAL_LIMIT),
        })
    }
}

/// A page of the audit. The order of the fields is the order in the answer.
#[derive(Serialize)]
pub struct Page {
    items: Vec<HistoryEntry>,
    /// What to ask for next; null exactly when nothing follows.
    next_cursor: Option<String>,
}

/// What the cursor says of the order: there is only one.
const NEWEST_FIRST: &str = "-id";

impl Route for AuditList {
    const SPEC: Spec = Spec::get(
        env!("CARGO_PKG_NAME"),
        "/v1/audit-events",
        Access::Requires(Permission::AuditRead),
    )
    .problems(&[Kind::InvalidCursor])
    .summary("List everything that happened");
    type Deps = ReadDb;
    type Input = Query<Ask>;
    type Output = Listed<Page>;

    async fn handle(cx: Cx<'_, Self>, Query(ask): Self::Input) -> Result<Listed<Page>, Problem> {
        let asked = ask.filter.canonical();
        let read = |text: &String| {
            Cursor::read(text, NEWEST_FIRST, asked.expose(), HistoryEntry::read_no_key)
        };
        let after = match ask.cursor.as_ref().map(read).transpose() {
            Ok(after) => after.map(|row| row.id),
            Err(problem) => return Err(cx.refusal(problem).await),
        };
        let identity = cx.identity()?;
        let found = cx.deps.list_audit(&identity, &ask.filter, after, ask.limit);
        let found = cx.read(found).await?;
        let end = found.entries.last().filter(|_| found.more);
        let next_cursor =
            end.map(|entry| Cursor::after(&entry.place(), NEWEST_FIRST, asked.expose()));
        Ok(Listed(Page { items: found.entries, next_cursor }))
    }
}
