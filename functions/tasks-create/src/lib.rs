//! `POST /v1/tasks`: create a task.
//!
//! The task, its event and the record of the idempotency key are one commit: 201 means that all three
//! are there, a 4xx that none is. After a 5xx the client cannot know, and the key tells: the same
//! request with the same key has one effect. The caller becomes the owner.

use db::WriteDb;
use domain::{NewTask, Task};
use route::{
    Access, Caller, Created, Cx, Idempotency, Json, Permission, Problem, Route, Spec, Touch,
    settled,
};

/// The route.
pub struct TasksCreate;

impl Route for TasksCreate {
    const SPEC: Spec =
        Spec::post(env!("CARGO_PKG_NAME"), "/v1/tasks", Access::Requires(Permission::TasksWrite))
            .also_at_root()
            .summary("Create a task");
    type Deps = WriteDb;
    type Input = (Json<NewTask>, Idempotency);
    type Output = Created<Task>;

    fn touches(_: &Self::Input, _: &Caller) -> Touch {
        Touch::Change(None)
    }

    async fn handle(
        cx: Cx<'_, Self>,
        (Json(new), Idempotency(key)): Self::Input,
    ) -> Result<Created<Task>, Problem> {
        let (caller, operation) = (cx.identity()?, cx.operation(key.as_ref()));
        let change = cx.deps.create_task(&caller, &operation, &new);
        settled(cx.change(change).await?).map(Created::from)
    }
}
