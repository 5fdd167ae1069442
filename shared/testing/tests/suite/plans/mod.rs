//! How the database finds what it is asked for, at 100,000 tasks.

mod audit;
mod filled;
mod plan;

use domain::Role;
use testing::{Caller, Setup, TestApp};

use filled::fill;
use plan::{Plan, Planner};

use crate::support::say;

/// The indexes that begin with an owner.
const OF_OWNER: &[&str] = &["tasks_owner_newest", "tasks_owner_active", "tasks_owner_status"];

/// What a plan must be like.
struct Rule<'a> {
    /// It reads one of these indexes, and no other.
    indexes: &'a [&'a str],
    /// It looks into so many partitions of the table of tasks.
    partitions: usize,
    /// Whether rows are sorted, and not only merged in the order of an index.
    sorts: bool,
}

/// Asks for a list, whose plan must obey the rule, and read no table as a whole.
async fn check(planner: &Planner<'_>, caller: &Caller<'_>, path: &str, rule: &Rule<'_>) -> Plan {
    let plan = planner.of(caller.get(path)).await;
    let steps = plan.steps();
    assert!(!plan.has("Seq Scan"), "{path} reads a whole table:\n{steps}");
    let indexes = plan.indexes();
    let allowed = indexes.iter().all(|index| rule.indexes.contains(index));
    assert!(!indexes.is_empty() && allowed, "{path} reads {indexes:?}:\n{steps}");
    assert_eq!(plan.partitions().len(), rule.partitions, "{path}: partitions:\n{steps}");
    assert_eq!(plan.has("Sort"), rule.sorts, "{path}: is anything sorted?\n{steps}");
    plan
}

/// The path of the second page.
async fn second(caller: &Caller<'_>, path: &str) -> String {
    let page = caller.get(path).send().await.expect(200).json();
    format!("{path}&cursor={}", page["next_cursor"].as_str().expect("a second page"))
}

/// One's own tasks lie in one partition, and are read in order by an index that begins with the owner:
/// also by somebody whose tasks are many, and older than everybody else's. (That partitions fall away
/// shows that statements are planned with their values.)
async fn own_lists(planner: &Planner<'_>, alice: &Caller<'_>) {
    let next = second(alice, "/v1/tasks?limit=10").await;
    let newest = &["tasks_owner_newest"];
    let active = &["tasks_owner_active"];
    for (path, indexes) in [
        ("/v1/tasks", newest),
        ("/v1/tasks?limit=10", newest),
        (next.as_str(), newest),
        ("/v1/tasks?skip=100", newest),
        ("/v1/tasks?limit=10&sort=created_at", newest),
        ("/v1/tasks?limit=10&status=rejected", newest),
        ("/v1/tasks?limit=10&priority=urgent", newest),
        ("/v1/tasks?limit=10&status=pending,in_progress", active),
    ] {
        check(planner, alice, path, &Rule { indexes, partitions: 1, sorts: false }).await;
    }
    let counted = "/v1/tasks?status=pending,in_progress";
    check(planner, alice, counted, &Rule { indexes: OF_OWNER, partitions: 1, sorts: false }).await;
    for sort in ["updated_at", "-updated_at", "due_at", "-due_at", "priority", "-priority"] {
        let path = format!("/v1/tasks?limit=10&sort={sort}");
        let next = second(alice, &path).await;
        for path in [path, next] {
            let rule = Rule { indexes: OF_OWNER, partitions: 1, sorts: true };
            check(planner, alice, &path, &rule).await;
        }
    }
}

/// What is not of one owner lies in all partitions, and is merged in the order of their indexes.
async fn lists_across_owners(planner: &Planner<'_>, alice: &Caller<'_>, viewer: &Caller<'_>) {
    let all = second(viewer, "/v1/tasks?limit=10&scope=all").await;
    let assigned = second(alice, "/v1/tasks?limit=10&scope=assigned").await;
    for (caller, path, index) in [
        (alice, "/v1/tasks?scope=assigned", "tasks_assigned"),
        (alice, "/v1/tasks?limit=10&scope=assigned", "tasks_assigned"),
        (alice, assigned.as_str(), "tasks_assigned"),
        (viewer, "/v1/tasks?scope=all", "tasks_newest"),
        (viewer, "/v1/tasks?limit=10&scope=all", "tasks_newest"),
        (viewer, "/v1/tasks?limit=10&scope=all&sort=created_at", "tasks_newest"),
        (viewer, all.as_str(), "tasks_newest"),
    ] {
        let rule = Rule { indexes: &[index], partitions: 8, sorts: false };
        check(planner, caller, path, &rule).await;
    }
    for (sort, index) in [
        ("updated_at", "tasks_changed"),
        ("-updated_at", "tasks_changed"),
        ("due_at", "tasks_first_due"),
        ("-due_at", "tasks_last_due"),
        ("priority", "tasks_urgency"),
        ("-priority", "tasks_urgency"),
    ] {
        let path = format!("/v1/tasks?limit=10&scope=all&sort={sort}");
        let next = second(viewer, &path).await;
        for path in [path, next] {
            let rule = Rule { indexes: &[index], partitions: 8, sorts: false };
            check(planner, viewer, &path, &rule).await;
        }
    }
    let alices = format!("/v1/tasks?user_id={}", alice.id());
    let rule = Rule { indexes: OF_OWNER, partitions: 1, sorts: false };
    check(planner, viewer, &alices, &rule).await;
}

/// What is rare is found by an index of its own, and the few that are found are sorted.
async fn searches(planner: &Planner<'_>, viewer: &Caller<'_>, admin: &Caller<'_>) {
    let some = "c81e728d9d4c2f63"; // A part of what one title says.
    for (path, index, sorts) in [
        (format!("/v1/tasks?scope=all&q={some}"), "tasks_words", true),
        ("/v1/tasks?scope=all&q=nobody%20wrote%20this".to_owned(), "tasks_words", true),
        ("/v1/tasks?scope=all&label=rare".to_owned(), "tasks_labels", true),
    ] {
        let rule = Rule { indexes: &[index], partitions: 8, sorts };
        check(planner, viewer, &path, &rule).await;
    }
    let rule = Rule { indexes: &["tasks_trash"], partitions: 8, sorts: false };
    check(planner, admin, "/v1/tasks?scope=all&deleted=true", &rule).await;
}

async fn single_tasks(planner: &Planner<'_>, app: &TestApp, alice: &Caller<'_>) {
    let sql = "SELECT '/v1/tasks/' || id FROM app.tasks WHERE user_id = $1 AND deleted_at IS NULL LIMIT 1";
    let path: String = app.db.rows(sql, &[&alice.id()]).await[0].get(0);
    let rule = Rule { indexes: &["tasks_pkey"], partitions: 8, sorts: false };
    let plan = check(planner, alice, &path, &rule).await;
    assert_eq!(plan.statement, "tasks.find");
}

async fn users(planner: &Planner<'_>, alice: &Caller<'_>, admin: &Caller<'_>) {
    let next = second(admin, "/v1/users?limit=10").await;
    for (caller, path, index, sorts) in [
        (admin, "/v1/users?limit=10", "users_by_name", false),
        (admin, next.as_str(), "users_by_name", false),
        (alice, "/v1/users?q=c4ca4238a0b923", "users_words", true),
    ] {
        let rule = Rule { indexes: &[index], partitions: 0, sorts };
        let plan = check(planner, caller, path, &rule).await;
        assert_eq!(plan.statement, "users.list");
    }
}

/// How long some of them take: for people, not for the test.
async fn durations(planner: &Planner<'_>, alice: &Caller<'_>, viewer: &Caller<'_>) {
    for (caller, path) in [
        (alice, "/v1/tasks"),
        (viewer, "/v1/tasks?scope=all"),
        (viewer, "/v1/tasks?scope=all&q=c81e728d9d4c2f63"),
        (viewer, "/v1/tasks?scope=all&q=zq"),
        (viewer, "/v1/tasks?scope=all&sort=due_at"),
    ] {
        let mut times = Vec::new();
        for _ in 0..5 {
            times.push(planner.of(caller.get(path)).await.duration);
        }
        times.sort_by(f64::total_cmp);
        say(&format!("plans: {path}: {:.1} ms (least {:.1})", times[2], times[0]));
    }
}

#[tokio::test]
async fn lists_of_a_hundred_thousand_tasks_are_read_by_their_indexes() {
    let mut app = TestApp::uncached(Setup::default()).await;
    let alice = app.caller(Role::User).person().clone();
    fill(&mut app, alice.sub).await;
    audit::fill(&app).await;
    let planner = Planner::start(&app).await;
    let alice = app.person(alice);
    let (viewer, admin) = (app.caller(Role::Viewer), app.caller(Role::Admin));

    own_lists(&planner, &alice).await;
    lists_across_owners(&planner, &alice, &viewer).await;
    searches(&planner, &viewer, &admin).await;
    single_tasks(&planner, &app, &alice).await;
    users(&planner, &alice, &admin).await;
    audit::of_tasks(&planner, &app, &alice).await;
    audit::of_everything(&planner, &app, &alice, &admin).await;
    audit::statistics(&planner, &alice, &viewer).await;
    durations(&planner, &alice, &viewer).await;
}
