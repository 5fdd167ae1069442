//! The answer.

use db::TOTAL_CAP;
use domain::Task;
use domain::listing::TaskPage;
use serde::Serialize;

use crate::query::Mode;

/// A page of a list. The order of the fields is the order in the answer.
#[derive(Serialize)]
pub struct Answer {
    /// How many tasks the list has, up to 10,000. Not in cursor mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<i64>,
    /// Whether it has more than that; left out if not.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_capped: Option<bool>,
    /// Which page this is. Only in page mode, like its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_size: Option<u8>,
    /// How many tasks come before. Only in skip mode, like the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    skip: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u8>,
    /// The tasks.
    items: Vec<Task>,
    /// What to ask for next; null exactly when nothing follows.
    next_cursor: Option<String>,
}

impl Answer {
    pub(crate) fn new(mode: &Mode, found: TaskPage, next_cursor: Option<String>) -> Self {
        let mut answer = Self {
            total: found.total.map(|total| total.min(TOTAL_CAP)),
            total_capped: found.total.filter(|total| *total > TOTAL_CAP).map(|_| true),
            page: None,
            page_size: None,
            skip: None,
            limit: None,
            items: found.tasks,
            next_cursor,
        };
        match mode {
            Mode::Page { page, page_size } => {
                (answer.page, answer.page_size) = (Some(*page), Some(*page_size));
            }
            Mode::Skip { skip, limit } => {
                (answer.skip, answer.limit) = (Some(*skip), Some(*limit));
            }
            Mode::Cursor { .. } => {}
        }
        answer
    }
}
