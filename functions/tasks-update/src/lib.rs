//! `PATCH /v1/tasks/{id}`: change some fields of a task.
//!
//! A merge patch: what is absent stays, null clears. The owner changes everything but the owner, the
//! assignee the status, an administrator all of it. A patch that changes nothing keeps the version and
//! makes no event; any other makes exactly one, of the most specific kind.

use db::WriteDb;
use domain::{Task, TaskPatch};
use route::{
    Access, Caller, Changed, Cx, Idempotency, IfMatch, Json, Path, Permission, Problem, Route,
    Spec, Touch,
};

/// The route.
pub struct TasksUpdate;

impl Route for TasksUpdate {
    const SPEC: Spec = Spec::patch(
        env!("CARGO_PKG_NAME"),
        "/v1/tasks/{id}",
        Access::Requires(Permission::TasksWrite),
    )
    .also_at_root()
    .summary("Change some fields of a task");
    type Deps = WriteDb;
    type Input = (Json<TaskPatch>, IfMatch, Idempotency, Path<Task>);
    type Output = Changed<Task>;

    fn touches((.., path): &Self::Input, _: &Caller) -> Touch {
        Touch::Change(Some(path.id))
    }

    async fn handle(
        cx: Cx<'_, Self>,
        (Json(fields), IfMatch(versions), Idempotency(key), path): Self::Input,
    ) -> Result<Changed<Task>, Problem> {
        let (caller, operation) = (cx.identity()?, cx.operation(key.as_ref()));
        let change =
            cx.deps.update_task(&caller, &operation, path.id, &fields, versions.as_deref());
        path.changed(cx.change(change).await?)
    }
}
