//! A random question for a list, and what the right answer to it is: a filter and a sort of all tasks
//! in memory, made from the contract and not from the product.

use std::cmp::Ordering;

use domain::Role;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use testing::Random;
use uuid::Uuid;

use super::crowd::{self, LABELS, PRIORITIES, STATUSES, one_of};

const SORTS: [&str; 8] = [
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "due_at",
    "-due_at",
    "priority",
    "-priority",
];

/// A question: parameters, in the order in which they are sent.
pub(super) struct Question {
    pub(super) role: Role,
    caller: Uuid,
    pub(super) parameters: Vec<(&'static str, String)>,
}

impl Question {
    /// One that the caller may ask.
    pub(super) fn random(random: &mut Random, role: Role, caller: Uuid, people: &[Uuid]) -> Self {
        let reads_all = role != Role::User;
        let mut asked: Vec<(&'static str, String)> = Vec::new();
        let scopes: &[&str] =
            if reads_all { &["all", "all", "owned", "assigned"] } else { &["owned", "assigned"] };
        if random.percent(70) {
            asked.push(("scope", (*one_of(random, scopes)).to_owned()));
        }
        if random.percent(25) {
            let mut words = some_of(random, &STATUSES);
            if random.percent(50) {
                words = words.replace("in_progress", "in-progress");
            }
            asked.push(("status", words));
        }
        if random.percent(20) {
            asked.push(("priority", some_of(random, &PRIORITIES)));
        }
        while random.percent(15) {
            asked.push(("label", (*one_of(random, &LABELS)).to_owned()));
        }
        let person = |random: &mut Random| {
            let stranger = random.percent(10);
            if stranger { crowd::id(random) } else { *one_of(random, people) }.to_string()
        };
        if random.percent(20) {
            asked.push((
                "assignee_id",
                match random.below(3) {
                    0 => "me".to_owned(),
                    1 => "none".to_owned(),
                    _ => person(random),
                },
            ));
        }
        if reads_all && random.percent(20) {
            asked.push(("user_id", person(random)));
        }
        if random.percent(25) {
            asked.push(("q", search(random)));
        }
        for (name, year) in [
            ("created_after", 2026),
            ("created_before", 2026),
            ("updated_after", 2026),
            ("due_after", 2020),
            ("due_before", 2090),
        ] {
            if random.percent(8) {
                asked.push((name, crowd::time(random, year)));
            }
        }
        if random.percent(15) {
            asked.push(("overdue", random.percent(50).to_string()));
        }
        if role == Role::Admin && random.percent(30) {
            asked.push(("deleted", random.percent(80).to_string()));
        }
        if random.percent(75) {
            asked.push(("sort", (*one_of(random, &SORTS)).to_owned()));
        }
        Self { role, caller, parameters: asked }
    }

    /// The path that asks it, with how to page.
    pub(super) fn path(&self, paging: &[(&str, String)]) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let own = self.parameters.iter().map(|(name, value)| (*name, value));
        let all = own.chain(paging.iter().map(|(name, value)| (*name, value)));
        let pairs: Vec<String> =
            all.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        format!("/v1/tasks?{}", pairs.join("&"))
    }

    fn asked(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    /// The whole list, as it should be.
    pub(super) fn answer(&self, tasks: &[Value]) -> Vec<Value> {
        let mut list: Vec<Value> = tasks.iter().filter(|task| self.holds(task)).cloned().collect();
        let sort = self.asked("sort").unwrap_or("-created_at");
        let (key, descending) = sort.strip_prefix('-').map_or((sort, false), |key| (key, true));
        list.sort_by(|a, b| order(a, b, key, descending));
        for task in &mut list {
            // Only the trash shows when a task was deleted.
            let members = task.as_object_mut().expect("an object");
            members.retain(|name, value| name != "deleted_at" || !value.is_null());
        }
        list
    }

    fn holds(&self, task: &Value) -> bool {
        let text = |name: &str| task[name].as_str();
        let me = self.caller.to_string();
        let scope = self.asked("scope").unwrap_or(match self.role {
            Role::Viewer => "all",
            _ if self.asked("user_id").is_some() => "all",
            Role::User | Role::Admin => "owned",
        });
        let in_scope = match scope {
            "owned" => text("user_id") == Some(&me),
            "assigned" => text("assignee_id") == Some(&me),
            _ => true,
        };
        let open = ["pending", "in_progress"].contains(&text("status").expect("a status"));
        // The tasks are due years ago, or in many years.
        let overdue = open && text("due_at").is_some_and(|due| due < "2021");
        let deleted = self.asked("deleted") == Some("true");
        in_scope
            && task["deleted_at"].is_null() != deleted
            && self.parameters.iter().all(|(name, asked)| match *name {
                "status" => asked.replace('-', "_").split(',').any(|s| Some(s) == text("status")),
                "priority" => asked.split(',').any(|p| Some(p) == text("priority")),
                "label" => task["labels"].as_array().expect("labels").iter().any(|l| l == asked),
                "assignee_id" => match asked.as_str() {
                    "none" => text("assignee_id").is_none(),
                    "me" => text("assignee_id") == Some(&me),
                    id => text("assignee_id") == Some(id),
                },
                "user_id" => text("user_id") == Some(asked),
                "q" => ["title", "description"].into_iter().any(|field| {
                    text(field).is_some_and(|t| t.to_lowercase().contains(&asked.to_lowercase()))
                }),
                "created_after" => text("created_at") > Some(asked),
                "created_before" => text("created_at") < Some(asked),
                "updated_after" => text("updated_at") > Some(asked),
                "due_after" => text("due_at").is_some_and(|due| due > asked.as_str()),
                "due_before" => text("due_at").is_some_and(|due| due < asked.as_str()),
                "overdue" => overdue == (asked == "true"),
                _ => true,
            })
    }
}

/// What has no date comes last whatever the direction; the id decides between equals, in it.
fn order(a: &Value, b: &Value, key: &str, descending: bool) -> Ordering {
    let directed = |order: Ordering| if descending { order.reverse() } else { order };
    let rank = |task: &Value| PRIORITIES.iter().position(|p| task["priority"] == *p);
    let by_key = if key == "priority" {
        directed(rank(a).cmp(&rank(b)))
    } else {
        // In UTC and of one length: the order of the texts is that of the times.
        match (a[key].as_str(), b[key].as_str()) {
            (Some(a), Some(b)) => directed(a.cmp(b)),
            (a, b) => a.is_none().cmp(&b.is_none()),
        }
    };
    by_key.then_with(|| directed(a["id"].as_str().cmp(&b["id"].as_str())))
}

/// Some of a list of words with commas between them, in any order; some twice.
fn some_of(random: &mut Random, words: &[&str]) -> String {
    let count = 1 + random.below(3);
    let words: Vec<&str> = (0..count).map(|_| *one_of(random, words)).collect();
    words.join(",")
}

/// A part of a text that some task could have, in any case; at times only what `LIKE` has a use for.
fn search(random: &mut Random) -> String {
    if random.percent(20) {
        return (*one_of(random, &["%", "_", "\\", "'", "\"", "5_5", "a%", "\\temp"])).to_owned();
    }
    let text: Vec<char> = crowd::text(random).chars().collect();
    let start = usize::try_from(random.below(text.len() as u64)).expect("an index");
    let length = 1 + usize::try_from(random.below(6)).expect("a length");
    let part: String = text.into_iter().skip(start).take(length).collect();
    // White space alone is no question.
    match part.trim() {
        "" => "alpha".to_owned(),
        _ if random.percent(30) => part.to_uppercase(),
        _ if random.percent(30) => part.to_lowercase(),
        _ => part,
    }
}
