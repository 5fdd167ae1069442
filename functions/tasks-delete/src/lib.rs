//! `DELETE /v1/tasks/{id}`: move a task to the trash.
//!
//! Nobody finds it any more, except administrators who ask for what is deleted. It can be restored.

use db::WriteDb;
use domain::Task;
use route::{
    Access, Caller, Cx, Deleted, Idempotency, IfMatch, Path, Permission, Problem, Route, Spec,
    Touch,
};

/// The route.
pub struct TasksDelete;

impl Route for TasksDelete {
    const SPEC: Spec = Spec::delete(
        env!("CARGO_PKG_NAME"),
        "/v1/tasks/{id}",
        Access::RequiresAny(&[Permission::TasksDelete, Permission::TasksDeleteOwn]),
    )
    .also_at_root()
    .summary("Delete a task");
    type Deps = WriteDb;
    type Input = (IfMatch, Idempotency, Path<Task>);
    type Output = Deleted;

    fn touches((.., path): &Self::Input, _: &Caller) -> Touch {
        Touch::Change(Some(path.id))
    }

    async fn handle(
        cx: Cx<'_, Self>,
        (IfMatch(versions), Idempotency(key), path): Self::Input,
    ) -> Result<Deleted, Problem> {
        let (caller, operation) = (cx.identity()?, cx.operation(key.as_ref()));
        let change = cx.deps.delete_task(&caller, &operation, path.id, versions.as_deref());
        path.changed(cx.change(change).await?).map(Deleted::from)
    }
}
