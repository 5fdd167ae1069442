//! `PUT /v1/tasks/{id}`: give all fields of a task new values.
//!
//! For the owner and for administrators. A title and a status are required, so that `{}` cannot wipe a
//! task; other fields that are left out go back to their defaults. The owner stays unless an
//! administrator names another. It creates nothing.

use db::WriteDb;
use domain::{Task, TaskReplacement};
use route::{
    Access, Caller, Changed, Cx, Idempotency, IfMatch, Json, Path, Permission, Problem, Route,
    Spec, Touch,
};

/// The route.
pub struct TasksReplace;

impl Route for TasksReplace {
    const SPEC: Spec = Spec::put(
        env!("CARGO_PKG_NAME"),
        "/v1/tasks/{id}",
        Access::Requires(Permission::TasksWrite),
    )
    .summary("Replace all fields of a task");
    type Deps = WriteDb;
    type Input = (Json<TaskReplacement>, IfMatch, Idempotency, Path<Task>);
    type Output = Changed<Task>;

    fn touches((.., path): &Self::Input, _: &Caller) -> Touch {
        Touch::Change(Some(path.id))
    }

    async fn handle(
        cx: Cx<'_, Self>,
        (Json(all), IfMatch(versions), Idempotency(key), path): Self::Input,
    ) -> Result<Changed<Task>, Problem> {
        let (caller, operation) = (cx.identity()?, cx.operation(key.as_ref()));
        let change = cx.deps.update_task(&caller, &operation, path.id, &all, versions.as_deref());
        path.changed(cx.change(change).await?)
    }
}
