//! `POST /v1/tasks/{id}/restore`: take a task out of the trash.
//!
//! It comes back as it was, with a new version. A task that is not in the trash is a conflict.

use db::{Outcome, WriteDb};
use domain::Task;
use route::{
    Access, Caller, Changed, Cx, Idempotency, IfMatch, Kind, Path, Permission, Problem, Route,
    Spec, Touch,
};

/// The route.
pub struct TasksRestore;

impl Route for TasksRestore {
    const SPEC: Spec = Spec::post(
        env!("CARGO_PKG_NAME"),
        "/v1/tasks/{id}/restore",
        Access::RequiresAny(&[Permission::TasksDelete, Permission::TasksDeleteOwn]),
    )
    .problems(&[Kind::Conflict])
    .summary("Restore a deleted task");
    type Deps = WriteDb;
    type Input = (IfMatch, Idempotency, Path<Task>);
    type Output = Changed<Task>;

    fn touches((.., path): &Self::Input, _: &Caller) -> Touch {
        Touch::Change(Some(path.id))
    }

    async fn handle(
        cx: Cx<'_, Self>,
        (IfMatch(versions), Idempotency(key), path): Self::Input,
    ) -> Result<Changed<Task>, Problem> {
        let (caller, operation) = (cx.identity()?, cx.operation(key.as_ref()));
        let change = cx.deps.restore_task(&caller, &operation, path.id, versions.as_deref());
        match cx.change(change).await? {
            Outcome::Conflict => Err(Problem::conflict("The task is not deleted.")),
            outcome => path.changed(outcome),
        }
    }
}
