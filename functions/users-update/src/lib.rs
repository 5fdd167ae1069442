//! `PATCH /v1/users/{id}`: deactivate or reactivate an account.
//!
//! A deactivated user is refused at the next request, whatever their token says. Their tasks stay.
//! Nobody deactivates themselves: who would let them in again?

use db::{Outcome, WriteDb};
use domain::{User, UserPatch};
use route::{Access, Changed, Cx, Idempotency, Json, Kind, Path, Permission, Problem, Route, Spec};

/// The route.
pub struct UsersUpdate;

impl Route for UsersUpdate {
    const SPEC: Spec = Spec::patch(
        env!("CARGO_PKG_NAME"),
        "/v1/users/{id}",
        Access::Requires(Permission::UsersManage),
    )
    .problems(&[Kind::Conflict])
    .summary("Deactivate or reactivate a user");
    type Deps = WriteDb;
    type Input = (Json<UserPatch>, Idempotency, Path<User>);
    type Output = Changed<User>;

    async fn handle(
        cx: Cx<'_, Self>,
        (Json(account), Idempotency(key), path): Self::Input,
    ) -> Result<Changed<User>, Problem> {
        let (caller, operation) = (cx.identity()?, cx.operation(key.as_ref()));
        let change = cx.deps.update_user(&caller, &operation, path.id, account.active);
        match cx.change(change).await? {
            Outcome::Conflict => Err(Problem::conflict("You cannot deactivate your own account.")),
            outcome => path.changed(outcome),
        }
    }
}
