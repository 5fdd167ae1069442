//! Which tasks.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Assignee, Scope};
use crate::input::{Fault, parameter, too_long, trimmed};
use crate::task::{LONGEST_LABEL, MOST_LABELS};
use crate::{Priority, Private, Status, Timestamp};

/// How many characters can be searched for at most.
const LONGEST_SEARCH: usize = 200;

/// Which tasks a list holds: those for which everything that is asked is true. Equal questions are
/// equal filters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// In one of these statuses.
    pub statuses: Option<Vec<Status>>,
    /// Of one of these priorities.
    pub priorities: Option<Vec<Priority>>,
    /// With each of these labels.
    pub labels: Vec<Private<String>>,
    /// Assigned to them.
    pub assignee: Option<Assignee>,
    /// Owned by this user.
    pub owner: Option<Uuid>,
    /// With this text in the title or the description, in whatever case.
    pub text: Option<Private<String>>,
    /// Made later than this.
    pub created_after: Option<Timestamp>,
    /// Made earlier than this.
    pub created_before: Option<Timestamp>,
    /// Last changed later than this.
    pub updated_after: Option<Timestamp>,
    /// Due later than this.
    pub due_after: Option<Timestamp>,
    /// Due earlier than this.
    pub due_before: Option<Timestamp>,
    /// Whether it is overdue.
    pub overdue: Option<bool>,
    /// Deleted ones, and no others.
    pub deleted: bool,
}

impl Filter {
    /// The question as one text: the same text for the same question, another for any other.
    ///
    /// A condition that nobody asked for leaves no trace in it, so that cursors outlive a release
    /// that brings a new kind of condition.
    pub fn canonical(&self, scope: Scope) -> Private<String> {
        let mut question = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(conditions) = &mut question {
            conditions.retain(|_, asked| !asked.is_null());
            conditions.insert("scope".to_owned(), scope.name().into());
        }
        Private::new(question.to_string())
    }
}

/// Reads statuses with commas between them.
pub fn statuses(text: &str) -> Result<Vec<Status>, Fault> {
    parameter::words(text, Status::named, Status::NAMES)
}

/// Reads priorities with commas between them.
pub fn priorities(text: &str) -> Result<Vec<Priority>, Fault> {
    parameter::words(text, Priority::named, Priority::NAMES)
}

/// Reads one label.
pub fn label(text: &str) -> Result<Private<String>, Fault> {
    Ok(Private::new(trimmed(text, LONGEST_LABEL)?.to_owned()))
}

/// Brings labels into the form that a filter has them in: each once, sorted.
pub fn labels(mut labels: Vec<Private<String>>) -> Result<Vec<Private<String>>, Fault> {
    labels.sort_unstable_by(|a, b| a.expose().cmp(b.expose()));
    labels.dedup();
    if labels.len() > MOST_LABELS {
        return Err(Fault::new("too_many", format!("must be given at most {MOST_LABELS} times")));
    }
    Ok(labels)
}

/// Reads a text to search for. White space around it counts, but alone it is nothing.
pub fn search(text: &str) -> Result<Private<String>, Fault> {
    if text.trim().is_empty() {
        return Err(Fault::new("too_short", "must not be empty"));
    }
    if text.chars().count() > LONGEST_SEARCH {
        return Err(too_long(LONGEST_SEARCH));
    }
    Ok(Private::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn code<T: std::fmt::Debug>(read: Result<T, Fault>) -> &'static str {
        read.unwrap_err().of_parameter("p").code
    }

    #[test]
    fn equal_lists_of_words_are_equal() {
        let expected = Ok(vec![Status::Pending, Status::InProgress]);
        for text in ["pending,in_progress", "in-progress,pending", "in_progress,pending,pending"] {
            assert_eq!(statuses(text), expected, "{text}");
        }
        assert_eq!(priorities("urgent,low"), Ok(vec![Priority::Low, Priority::Urgent]));
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        for text in ["", ",", "pending,", "done", "Pending", "pending, rejected"] {
            let error = statuses(text).unwrap_err().of_parameter("status");
            assert_eq!(error.code, "invalid_value");
            assert!(error.detail.ends_with("pending, in_progress, completed, rejected"), "{text}");
        }
        assert_eq!(code(priorities("1")), "invalid_value");
    }

    #[test]
    fn labels_are_those_that_a_task_can_have() {
        assert_eq!(label(" a b "), Ok(Private::new("a b".to_owned())));
        assert_eq!(code(label(" ")), "too_short");
        assert!(label(&"ä".repeat(50)).is_ok());
        assert_eq!(code(label(&"ä".repeat(51))), "too_long");
        let many = |n: usize| (0..n).map(|i| Private::new(i.to_string())).collect::<Vec<_>>();
        assert_eq!(labels([many(20), many(20)].concat()).unwrap().len(), 20);
        assert_eq!(code(labels(many(21))), "too_many");
    }

    #[test]
    fn a_search_is_for_something_short() {
        assert_eq!(search(" a"), Ok(Private::new(" a".to_owned())));
        assert_eq!(code(search("")), "too_short");
        assert_eq!(code(search("   ")), "too_short");
        assert!(search(&"ä".repeat(200)).is_ok());
        assert_eq!(code(search(&"ä".repeat(201))), "too_long");
    }

    #[test]
    fn every_condition_changes_the_canonical_text() {
        let time = Timestamp::parse("2026-01-31T09:30:00Z");
        let text = || Some(Private::new("x".to_owned()));
        let none = Filter::default();
        let filters = [
            none.clone(),
            Filter { statuses: Some(vec![Status::Pending]), ..none.clone() },
            Filter { priorities: Some(vec![Priority::Low]), ..none.clone() },
            Filter { labels: text().into_iter().collect(), ..none.clone() },
            Filter { assignee: Some(Assignee::Me), ..none.clone() },
            Filter { owner: Some(Uuid::nil()), ..none.clone() },
            Filter { text: text(), ..none.clone() },
            Filter { created_after: time, ..none.clone() },
            Filter { created_before: time, ..none.clone() },
            Filter { updated_after: time, ..none.clone() },
            Filter { due_after: time, ..none.clone() },
            Filter { due_before: time, ..none.clone() },
            Filter { overdue: Some(true), ..none.clone() },
            Filter { overdue: Some(false), ..none.clone() },
            Filter { deleted: true, ..none },
        ];
        let mut texts: Vec<String> = filters
            .iter()
            .flat_map(|filter| Scope::ALL.map(|scope| filter.canonical(scope).expose().clone()))
            .collect();
        let all = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), all);
    }

    #[test]
    fn what_nobody_asked_for_leaves_no_trace() {
        let text = Filter::default().canonical(Scope::Owned);
        let text: Value = serde_json::from_str(text.expose()).unwrap();
        assert_eq!(text, json!({"scope": "owned", "labels": [], "deleted": false}));
    }

    proptest! {
        #[test]
        fn the_order_of_labels_does_not_matter(
            given in prop::collection::vec("[a-c]{1,2}", 0..12).prop_shuffle(),
        ) {
            let private = |text: &String| Private::new(text.clone());
            let forth = labels(given.iter().map(private).collect()).unwrap();
            let back = labels(given.iter().rev().map(private).collect()).unwrap();
            prop_assert_eq!(forth, back);
        }

        #[test]
        fn any_text_gets_an_answer(text in ".{0,300}") {
            let _ = (statuses(&text), priorities(&text), label(&text));
            if let Ok(found) = search(&text) {
                prop_assert!((1..=200).contains(&found.expose().chars().count()));
            }
        }
    }
}
