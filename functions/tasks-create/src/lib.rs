//! `POST /v1/tasks`: create a task.
//!
//! The task, its event and the record of the idempotency key are one commit: 201 means that all three
//! are there, a 4xx that none is. After a 5xx the client cannot know, and the key tells: the same
//! request with the same key has one effect. The caller becomes the owner.

use db::{CreateOutcome, CreateTask, WriteDb};
use domain::{NewTask, Task};
use route::{Access, Created, Cx, Idempotency, Json, Kind, Permission, Problem, Route, Spec};

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

    async fn handle(
        cx: Cx<'_, Self>,
        (Json(new), Idempotency(key)): Self::Input,
    ) -> Result<Created<Task>, Problem> {
        let create = CreateTask {
            id: cx.new_id(),
            event_id: cx.new_id(),
            new: &new,
            key: key.as_ref(),
            request_id: &cx.request.id,
            traceparent: &cx.request.trace.traceparent(),
        };
        match cx.deps.create_task(&cx.session()?, &create).await? {
            CreateOutcome::Created(entity) => Ok(Created { entity, replayed: false }),
            CreateOutcome::Replayed(entity) => Ok(Created { entity, replayed: true }),
            CreateOutcome::KeyReused => Err(Problem::new(Kind::IdempotencyKeyReused)),
            CreateOutcome::AssigneeUnknown => Err(Problem::invalid_field(
                "#/assignee_id",
                "unknown_user",
                "must be a user who is known and active",
            )),
            CreateOutcome::Refused(standing) => Err(standing.into()),
        }
    }
}
