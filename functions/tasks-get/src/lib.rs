//! `GET /v1/tasks/{id}`: one task.
//!
//! A task that the caller may not see is answered like one that does not exist. Deleted tasks are
//! shown to those who may administer tasks, and only when they ask.

use db::ReadDb;
use domain::Task;
use route::{
    Access, CacheEntry, Caller, Cx, Found, FromQuery, Kind, Parameters, Path, Permission, Problem,
    Query, Route, Spec, Touch,
};

/// The route.
pub struct TasksGet;

/// The parameters.
pub struct Show {
    /// Whether a deleted task is shown too.
    include_deleted: bool,
}

impl FromQuery for Show {
    const PARAMETERS: &'static [&'static str] = &["include_deleted"];

    fn from_query(parameters: &mut Parameters) -> Option<Self> {
        Some(Self { include_deleted: parameters.flag("include_deleted") })
    }
}

impl Route for TasksGet {
    const SPEC: Spec = Spec::get(
        env!("CARGO_PKG_NAME"),
        "/v1/tasks/{id}",
        Access::Requires(Permission::TasksRead),
    )
    .also_at_root()
    .summary("Show a task");
    type Deps = ReadDb;
    type Input = (Query<Show>, Path<Task>);
    type Output = Found<Task>;

    fn touches((Query(show), path): &Self::Input, _: &Caller) -> Touch {
        // What is deleted is not cached.
        if show.include_deleted { Touch::Nothing } else { Touch::Read(CacheEntry::task(path.id)) }
    }

    async fn handle(
        cx: Cx<'_, Self>,
        (Query(show), path): Self::Input,
    ) -> Result<Found<Task>, Problem> {
        let caller = cx.caller()?;
        let trash = show.include_deleted && caller.permissions.has(Permission::TasksAdmin);
        let identity = cx.identity()?;
        let task: Option<Task> = cx
            .cached(
                |task: &Task| task.id == path.id,
                |floor| cx.deps.find_task(&identity, path.id, trash, floor),
            )
            .await?;
        if show.include_deleted {
            cx.require(Permission::TasksAdmin)?;
        }
        task.filter(|task| task.visible_to(caller.sub, caller.permissions))
            .map(Found)
            .ok_or_else(|| Problem::new(Kind::TaskNotFound))
    }
}
