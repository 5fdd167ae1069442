//! One page of a list, and walks through all of it in every way that there is.

use serde_json::{Value, json};
use testing::Caller;

use super::question::Question;
use crate::support::patiently;

/// A question, who asks it, and the whole list that should come of it.
pub(super) struct Inquiry<'a> {
    pub(super) caller: Caller<'a>,
    pub(super) question: Question,
    pub(super) expected: Vec<Value>,
}

/// A way to ask for a part of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Paging {
    /// Nothing said.
    Usual,
    Page(usize, usize),
    Skip(usize, usize),
    /// By cursor, from the beginning.
    Limit(usize),
}

impl Paging {
    fn parameters(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Usual => vec![],
            Self::Page(page, size) => {
                vec![("page", page.to_string()), ("page_size", size.to_string())]
            }
            Self::Skip(skip, limit) => {
                vec![("skip", skip.to_string()), ("limit", limit.to_string())]
            }
            Self::Limit(limit) => vec![("limit", limit.to_string())],
        }
    }
}

impl Inquiry<'_> {
    /// Asks for a part of the list and compares all that is answered. Returns the cursor.
    pub(super) async fn part(&self, paging: Paging) -> Option<String> {
        let (start, size) = match paging {
            Paging::Usual => (0, 10),
            Paging::Page(page, size) => ((page - 1) * size, size),
            Paging::Skip(skip, limit) => (skip, limit),
            Paging::Limit(limit) => (0, limit),
        };
        let total = self.expected.len();
        let mut expected = match paging {
            Paging::Usual => json!({"total": total, "page": 1, "page_size": 10}),
            Paging::Page(page, size) => json!({"total": total, "page": page, "page_size": size}),
            Paging::Skip(skip, limit) => json!({"total": total, "skip": skip, "limit": limit}),
            Paging::Limit(_) => json!({}),
        };
        self.compare(&paging.parameters(), &mut expected, start, size).await
    }

    /// The same for what comes after `start` rows, by the cursor that says so.
    async fn after(&self, cursor: String, start: usize, size: usize) -> Option<String> {
        let paging = [("cursor", cursor), ("limit", size.to_string())];
        self.compare(&paging, &mut json!({}), start, size).await
    }

    async fn compare(
        &self,
        paging: &[(&'static str, String)],
        expected: &mut Value,
        start: usize,
        size: usize,
    ) -> Option<String> {
        let path = self.question.path(paging);
        let mut answer = patiently(&self.caller.get(&path)).await.expect(200).json();
        let cursor = answer.as_object_mut().expect("an object").remove("next_cursor");
        let cursor = cursor.expect("a member next_cursor");
        let items: Vec<_> = self.expected.iter().skip(start).take(size).collect();
        expected["items"] = json!(items);
        let asked = (self.question.role, &self.question.parameters);
        assert_eq!(ids(&answer), ids(expected), "{path}\n{asked:?}");
        assert_eq!(answer, *expected, "{path}\n{asked:?}");
        assert_eq!(cursor.is_null(), start + size >= self.expected.len(), "{path}: {cursor}");
        cursor.as_str().map(str::to_owned)
    }

    /// Goes on by cursor to the end. Every part is compared, and so the whole is. Returns how many
    /// requests it took.
    async fn go_on(&self, mut next: Option<String>, mut start: usize, size: usize) -> usize {
        let mut requests = 0;
        while let Some(cursor) = next {
            next = self.after(cursor, start, size).await;
            start += size;
            requests += 1;
        }
        requests
    }

    /// Walks by cursor.
    pub(super) async fn walk_by_cursor(&self, size: usize) -> usize {
        1 + self.go_on(self.part(Paging::Limit(size)).await, size, size).await
    }

    /// Walks by page, or by position, as long as there is a cursor: the one sign of the end.
    pub(super) async fn walk_by(&self, size: usize, paging: fn(usize, usize) -> Paging) -> usize {
        let mut parts = 1;
        while self.part(paging(parts - 1, size)).await.is_some() {
            parts += 1;
        }
        parts
    }

    /// Begins by page, and goes on by cursor with parts of another size.
    pub(super) async fn change_over(&self, size: usize, other: usize) -> usize {
        1 + self.go_on(self.part(Paging::Page(1, size)).await, size, other).await
    }
}

/// The tasks of a page.
fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items").iter();
    items.map(|task| task["id"].as_str().expect("an id")).collect()
}
