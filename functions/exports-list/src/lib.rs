//! `GET /v1/exports`: the exports that the caller has asked for, newest first.
//!
//! Where a file is says only the export itself (`GET /v1/exports/{id}`): its address holds for minutes, and a
//! list is kept for longer.

use db::ReadDb;
use domain::{Export, listing};
use route::{
    Access, Cursor, Cx, FromQuery, Kind, Listed, Parameters, Permission, Problem, Query, Route,
    Spec,
};
use serde::Serialize;

/// The route.
pub struct ExportsList;

/// Which part of the list.
pub struct Part {
    cursor: Option<String>,
    limit: u8,
}

impl FromQuery for Part {
    const PARAMETERS: &'static [&'static str] = &["cursor", "limit"];

    fn from_query(p: &mut Parameters) -> Option<Self> {
        Some(Self {
            cursor: p.optional("cursor", |text| Ok(text.to_owned())),
            limit: p.optional("limit", listing::limit).unwrap_or(listing::USUAL_LIMIT),
        })
    }
}

/// A page of exports. The order of the fields is the order in the answer.
#[derive(Serialize)]
pub struct Page {
    items: Vec<Export>,
    /// What to ask for next; null exactly when nothing follows.
    next_cursor: Option<String>,
}

/// What the cursor says of the order, and of the question: there is only one of each.
const NEWEST: &str = "-requested_at";
const OWN: &str = "exports";

impl Route for ExportsList {
    const SPEC: Spec =
        Spec::get(env!("CARGO_PKG_NAME"), "/v1/exports", Access::Requires(Permission::TasksRead))
            .problems(&[Kind::InvalidCursor])
            .summary("List one's exports");
    type Deps = ReadDb;
    type Input = Query<Part>;
    type Output = Listed<Page>;

    async fn handle(cx: Cx<'_, Self>, Query(part): Self::Input) -> Result<Listed<Page>, Problem> {
        let after = part.cursor.as_deref();
        let after = after.map(|text| Cursor::read(text, NEWEST, OWN, Export::read_key)).transpose();
        let after = match after {
            Ok(after) => after,
            Err(problem) => return Err(cx.refusal(problem).await),
        };
        let found = cx.read(cx.deps.list_exports(&cx.identity()?, after, part.limit)).await?;
        let end = found.exports.last().filter(|_| found.more);
        let next_cursor = end.map(|export| Cursor::after(&export.position(), NEWEST, OWN));
        Ok(Listed(Page { items: found.exports, next_cursor }))
    }
}
