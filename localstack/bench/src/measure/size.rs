//! How long questions take in a large database, against a small one.

use std::time::Instant;

use local::lambda::Function;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Part, step};
use crate::Failed;
use crate::call::{Bearer, Caller, Event, ask, timed};
use crate::plan::Plan;
use crate::rig::Rig;
use crate::stats::Samples;
use crate::table::{Row, Target, ms, times};

pub(super) mod seed;

const FACTOR: f64 = 1.5;
/// So many people ask in turn; the first of them owns one task in twenty.
const PEOPLE: usize = 10;
/// Of so many of their tasks each.
const TASKS: usize = 200;
/// Tokens are made anew after so many questions.
const TOKEN_CALLS: usize = 500;

/// A database, and the functions that use it.
struct Side {
    get: Function,
    list: Function,
    people: Vec<Person>,
    admin: Caller,
}

/// Somebody who owns tasks.
struct Person {
    caller: Caller,
    tasks: Vec<String>,
}

/// A kind of question.
#[derive(Clone, Copy)]
enum Question {
    Get,
    List { admin: bool, query: &'static str },
}

const QUESTIONS: [(&str, Question); 6] = [
    ("get", Question::Get),
    ("list, own, newest", Question::List { admin: false, query: "limit=20" }),
    ("list, own, a page with its total", Question::List { admin: false, query: "" }),
    (
        "list, own, two statuses",
        Question::List { admin: false, query: "status=pending,in_progress&limit=20" },
    ),
    (
        "list, assigned to the caller",
        Question::List { admin: false, query: "scope=assigned&limit=20" },
    ),
    ("list, everybody's (admin)", Question::List { admin: true, query: "scope=all&limit=20" }),
];

pub(super) async fn measure(rig: &Rig, plan: &Plan) -> Result<Part, Failed> {
    let begin = Instant::now();
    step(format_args!("making {} tasks", plan.few_rows));
    let small = Side::make(rig, "small", plan.few_rows).await?;
    step(format_args!("making {} tasks", plan.rows));
    let large = Side::make(rig, "large", plan.rows).await?;
    let seeding = begin.elapsed().as_secs_f64();
    let size = rig.admin("large").await?.query_one(seed::SIZE, &[]).await?.get::<_, f64>(0);
    step(format_args!(
        "that took {seeding:.0} s; {} questions of {} kinds to each",
        plan.questions,
        QUESTIONS.len()
    ));
    let begin = Instant::now();
    let mut samples = vec![(Samples::default(), Samples::default()); QUESTIONS.len()];
    let (mut of_small, mut of_large) = (Bearers::of(&small), Bearers::of(&large));
    // The first questions warm up: all that the callers ask for is read once.
    let first = plan.questions.min(TASKS);
    for number in 0..first + plan.questions {
        if number % TOKEN_CALLS == 0 {
            (of_small, of_large) = (Bearers::of(&small), Bearers::of(&large));
        }
        for ((_, question), (few, many)) in QUESTIONS.iter().zip(&mut samples) {
            let mut unused = Samples::default();
            let warm = number >= first;
            let mut sides = [(&small, &of_small, few), (&large, &of_large, many)];
            if number % 2 == 1 {
                sides.reverse();
            }
            for (side, bearers, samples) in sides {
                let samples = if warm { samples } else { &mut unused };
                let (function, event) = side.question(bearers, *question, number);
                timed(function, event, 200, samples).await?;
            }
        }
    }
    let mut rows = Vec::new();
    let mut raw = Map::new();
    for ((name, _), (few, many)) in QUESTIONS.iter().zip(&samples) {
        let ratio = many.p99() / few.p99();
        rows.push(Row {
            what: format!("{name}, at {} tasks, p99", count(plan.rows)),
            measured: format!("{} (p50 {})", ms(many.p99()), ms(many.p50())),
            other: format!("at {} {} (p50 {})", count(plan.few_rows), ms(few.p99()), ms(few.p50())),
            ratio: times(ratio),
            target: "≤ 1.5 ×".to_owned(),
            met: Some(Target::AtMost(FACTOR).is_met_by(ratio)),
            about: format!(
                "Without the cache, through the Runtime API; {} questions to each database, one at a time and in \
                 turn. In both, people own about 200 tasks each, but for one who owns a twentieth of all and asks \
                 one question in {PEOPLE}. To make the tasks took {:.1} minutes. The larger database has {size:.1} GiB; what of it \
                 fits into the machine's memory is read from there.",
                plan.questions,
                seeding / 60.0
            ),
            shortfall: String::new(),
        });
        raw.insert((*name).to_owned(), json!({ "large": many.summary(), "small": few.summary() }));
    }
    raw.insert("rows".to_owned(), plan.rows.into());
    raw.insert("few_rows".to_owned(), plan.few_rows.into());
    raw.insert("large_gib".to_owned(), size.into());
    raw.insert("seeding_s".to_owned(), seeding.into());
    raw.insert("asking_s".to_owned(), begin.elapsed().as_secs_f64().into());
    Ok((rows, Value::Object(raw)))
}

/// 10 million rather than 10000000.
pub(super) fn count(rows: u32) -> String {
    match rows {
        rows if rows % 1_000_000 == 0 => format!("{} million", rows / 1_000_000),
        rows if rows % 1_000 == 0 => format!("{} thousand", rows / 1_000),
        rows => rows.to_string(),
    }
}

/// Who asks, with tokens that were just made.
struct Bearers {
    people: Vec<Bearer>,
    admin: Bearer,
}

impl Bearers {
    fn of(side: &Side) -> Self {
        let people = side.people.iter().map(|person| person.caller.bearer()).collect();
        Self { people, admin: side.admin.bearer() }
    }
}

impl Side {
    async fn make(rig: &Rig, database: &str, rows: u32) -> Result<Self, Failed> {
        rig.migrate(database).await?;
        let client = rig.admin(database).await?;
        seed::fill(&client, rows).await?;
        let mut people = Vec::new();
        let found = client.query(seed::PEOPLE, &[&i64::try_from(PEOPLE)?]).await?;
        for row in found {
            let id: Uuid = row.get(0);
            let tasks = client.query(seed::TASKS_OF, &[&id, &i64::try_from(TASKS)?]).await?;
            let tasks = tasks.iter().map(|row| row.get::<_, Uuid>(0).to_string()).collect();
            people.push(Person { caller: Caller::known(&rig.issuer, "user", id), tasks });
        }
        let side = Self {
            get: rig.uncached("tasks-get", database)?,
            list: rig.uncached("tasks-list", database)?,
            people,
            admin: Caller::new(&rig.issuer, "admin"),
        };
        // Makes the callers known.
        let bearers = Bearers::of(&side);
        for bearer in bearers.people.iter().chain([&bearers.admin]) {
            ask(&side.list, bearer.list(""), 200).await?;
        }
        Ok(side)
    }

    /// The question of one kind that has this number.
    fn question<'a>(
        &'a self,
        bearers: &Bearers,
        question: Question,
        number: usize,
    ) -> (&'a Function, Event) {
        let place = number % self.people.len();
        let (person, bearer) = (&self.people[place], &bearers.people[place]);
        match question {
            Question::Get => {
                let task = &person.tasks[number / self.people.len() % person.tasks.len()];
                (&self.get, bearer.get(task))
            }
            Question::List { admin: true, query } => (&self.list, bearers.admin.list(query)),
            Question::List { admin: false, query } => (&self.list, bearer.list(query)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_in_words() {
        assert_eq!(count(10_000_000), "10 million");
        assert_eq!(count(10_000), "10 thousand");
        assert_eq!(count(1_234), "1234");
    }
}
