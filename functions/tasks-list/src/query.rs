//! The parameters.

use domain::input::{Fault, parameter};
use domain::listing::{self, Assignee, Filter, Scope, Sort, USUAL_LIMIT};
use route::{FromQuery, Parameters};

/// How many tasks may come before a page: as many as are counted.
pub(crate) const DEEPEST: i64 = db::TOTAL_CAP;

/// What a list is asked for.
pub struct List {
    /// Whose tasks; by default it depends on the caller.
    pub(crate) scope: Option<Scope>,
    pub(crate) filter: Filter,
    pub(crate) sort: Sort,
    pub(crate) mode: Mode,
}

/// How the list is paged.
pub(crate) enum Mode {
    Page { page: u32, page_size: u8 },
    Skip { skip: u32, limit: u8 },
    Cursor { cursor: Option<String>, limit: u8 },
}

impl Mode {
    /// Which part of the list it is, in words that are the same for the same part.
    pub(crate) fn window(&self) -> String {
        match self {
            Self::Page { page, page_size } => {
                let skipped = (u64::from(*page) - 1) * u64::from(*page_size);
                format!("skip {skipped} limit {page_size}")
            }
            Self::Skip { skip, limit } => format!("skip {skip} limit {limit}"),
            Self::Cursor { cursor: None, limit } => format!("limit {limit}"),
            Self::Cursor { cursor: Some(cursor), limit } => format!("after {cursor} limit {limit}"),
        }
    }

    /// How many tasks are shown.
    pub(crate) const fn limit(&self) -> u8 {
        match self {
            Self::Page { page_size: limit, .. }
            | Self::Skip { limit, .. }
            | Self::Cursor { limit, .. } => *limit,
        }
    }
}

impl FromQuery for List {
    const PARAMETERS: &'static [&'static str] = &[
        "scope",
        "status",
        "priority",
        "label",
        "assignee_id",
        "user_id",
        "q",
        "created_after",
        "created_before",
        "updated_after",
        "due_after",
        "due_before",
        "overdue",
        "deleted",
        "sort",
        "page",
        "page_size",
        "skip",
        "limit",
        "cursor",
    ];
    const REPEATABLE: &'static [&'static str] = &["label"];

    fn from_query(p: &mut Parameters) -> Option<Self> {
        let scope = p.optional("scope", Scope::parse);
        let sort = p.optional("sort", Sort::parse).unwrap_or_default();
        let labels = p.all("label", listing::label);
        let filter = Filter {
            statuses: p.optional("status", listing::statuses),
            priorities: p.optional("priority", listing::priorities),
            labels: match listing::labels(labels) {
                Ok(labels) => labels,
                Err(fault) => {
                    p.refuse("label", fault);
                    Vec::new()
                }
            },
            assignee: p.optional("assignee_id", Assignee::parse),
            owner: p.optional("user_id", parameter::uuid),
            text: p.optional("q", listing::search),
            created_after: p.optional("created_after", parameter::timestamp),
            created_before: p.optional("created_before", parameter::timestamp),
            updated_after: p.optional("updated_after", parameter::timestamp),
            due_after: p.optional("due_after", parameter::timestamp),
            due_before: p.optional("due_before", parameter::timestamp),
            overdue: p.optional("overdue", parameter::flag),
            deleted: p.flag("deleted"),
        };
        Some(Self { scope, filter, sort, mode: mode(p)? })
    }
}

/// How to page follows from the parameters that are given; those of two ways do not go together.
fn mode(p: &mut Parameters) -> Option<Mode> {
    let page = p.optional("page", |text| parameter::number(text, 1..=u32::MAX));
    let page_size = p.optional("page_size", listing::limit);
    let skip = p.optional("skip", |text| parameter::number(text, 0..=u32::MAX));
    let limit = p.optional("limit", listing::limit);
    let cursor = p.optional("cursor", |text| Ok(text.to_owned()));

    let by_page = p.is_given("page") || p.is_given("page_size");
    let others: &[&'static str] = match (by_page, p.is_given("skip")) {
        (true, _) => &["skip", "limit", "cursor"],
        (false, true) => &["cursor"],
        (false, false) => &[],
    };
    for name in others {
        if p.is_given(name) {
            let words = "pages are asked for with page and page_size, or skip and limit, or cursor \
                         and limit; these cannot be mixed";
            p.refuse(name, Fault::new("mixed_paging", words));
        }
    }
    let limit = limit.unwrap_or(USUAL_LIMIT);
    Some(if p.is_given("skip") {
        Mode::Skip { skip: skip?, limit }
    } else if p.is_given("limit") || p.is_given("cursor") {
        Mode::Cursor { cursor, limit }
    } else {
        Mode::Page { page: page.unwrap_or(1), page_size: page_size.unwrap_or(USUAL_LIMIT) }
    })
}
