//! `GET /v1/tasks`: a page of a list of tasks.
//!
//! Three ways to page, one answer: by page (`page`, `page_size`; also when nothing is said), by
//! position (`skip`, `limit`) and by cursor (`cursor`, `limit`). The first two count the list, up to
//! 10,000, and reach as deep; every answer has a `next_cursor`, which is stable while tasks come and go,
//! and null exactly when nothing follows. A cursor carries no authority: what may be seen is decided
//! anew for each page.

mod answer;
mod query;

use db::{ListTasks, ReadDb, Window};
use domain::listing::{Scope, Sort, TaskPage};
use domain::{Permissions, Private, Task};
use route::{
    Access, CacheEntry, Caller, Cursor, Cx, Kind, Listed, Permission, Problem, Query, Route, Spec,
    Touch,
};

use crate::answer::Answer;
use crate::query::{DEEPEST, List, Mode};

/// The route.
pub struct TasksList;

impl Route for TasksList {
    const SPEC: Spec =
        Spec::get(env!("CARGO_PKG_NAME"), "/v1/tasks", Access::Requires(Permission::TasksRead))
            .also_at_root()
            .problems(&[Kind::InvalidCursor, Kind::PageTooDeep])
            .summary("List tasks");
    type Deps = ReadDb;
    type Input = Query<List>;
    type Output = Listed<Answer>;

    fn touches(Query(list): &Self::Input, caller: &Caller) -> Touch {
        let scope = scope_of(list, caller.permissions);
        // Nobody counts the changes of everybody's tasks.
        if scope == Scope::All || permit(list, scope, caller.permissions).is_err() {
            return Touch::Nothing;
        }
        // A search is rarely repeated, and what is overdue changes with time alone.
        if list.filter.text.is_some() || list.filter.overdue.is_some() {
            return Touch::Read(CacheEntry::uncached_list(caller.sub));
        }
        let filter = list.filter.canonical(scope);
        let question = [filter.expose().as_str(), list.sort.name(), &list.mode.window()].join("\n");
        Touch::Read(CacheEntry::list(caller.sub, &question))
    }

    async fn handle(cx: Cx<'_, Self>, Query(list): Self::Input) -> Result<Listed<Answer>, Problem> {
        let caller = cx.caller()?;
        let scope = scope_of(&list, caller.permissions);
        let filter = list.filter.canonical(scope);
        let window = permit(&list, scope, caller.permissions).and_then(|()| window(&list, &filter));
        let window = match window {
            Ok(window) => window,
            Err(problem) => return Err(cx.refusal(problem).await),
        };
        let asked = ListTasks {
            scope,
            filter: &list.filter,
            sort: list.sort,
            limit: list.mode.limit(),
            window,
        };
        let identity = cx.identity()?;
        let found: TaskPage = cx
            .cached(
                |page: &TaskPage| page.is_of(scope, caller.sub),
                |floor| cx.deps.list_tasks(&identity, &asked, floor),
            )
            .await?;
        if !found.tasks.iter().all(|task| task.visible_to(caller.sub, caller.permissions)) {
            return Err(Problem::internal("a list held a task that its caller may not see"));
        }
        let end = found.tasks.last().filter(|_| found.more);
        let next = end.map(|task| next_cursor(list.sort, task, &filter));
        Ok(Listed(Answer::new(&list.mode, found, next)))
    }
}

/// Whose tasks, also if nobody says.
fn scope_of(list: &List, permissions: Permissions) -> Scope {
    Scope::or_usual(list.scope, &list.filter, permissions)
}

/// Rights that depend on what is asked.
fn permit(list: &List, scope: Scope, permissions: Permissions) -> Result<(), Problem> {
    match scope.missing_permission(&list.filter, permissions) {
        Some(required) => Err(Problem::forbidden(required)),
        None => Ok(()),
    }
}

/// Where the page begins.
fn window(list: &List, filter: &Private<String>) -> Result<Window, Problem> {
    let skipped = match &list.mode {
        Mode::Page { page, page_size } => {
            (i64::from(*page) - 1).saturating_mul(i64::from(*page_size))
        }
        Mode::Skip { skip, .. } => i64::from(*skip),
        Mode::Cursor { cursor: None, .. } => return Ok(Window::After(None)),
        Mode::Cursor { cursor: Some(cursor), .. } => {
            let sort = list.sort;
            let position =
                Cursor::read(cursor, sort.name(), filter.expose(), |key| sort.read_key(key))?;
            return Ok(Window::After(Some(position)));
        }
    };
    if skipped > DEEPEST {
        return Err(Problem::new(Kind::PageTooDeep));
    }
    Ok(Window::Skip(skipped))
}

fn next_cursor(sort: Sort, end: &Task, filter: &Private<String>) -> String {
    Cursor::after(&sort.position_of(end), sort.name(), filter.expose())
}
