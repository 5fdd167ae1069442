//! `POST /v1/exports`: ask for an export.
//!
//! The export's row, its event and the record of the idempotency key are one commit; a worker makes the file
//! (functions/exports-worker). Whose tasks somebody may ask for is decided here, as for a list of them, and
//! written down: the worker takes it from the row. Few are enough, so exports have a limit of their own, of
//! which only good requests use something up.

use db::WriteDb;
use domain::listing::Scope;
use domain::{Export, NewExport};
use route::{
    Accepted, Access, Cx, Idempotency, Json, Permission, Policy, Problem, Route, Spec, settled,
};

/// The route.
pub struct ExportsCreate;

impl Route for ExportsCreate {
    const SPEC: Spec =
        Spec::post(env!("CARGO_PKG_NAME"), "/v1/exports", Access::Requires(Permission::TasksRead))
            .policy(Policy::Exports)
            .summary("Ask for an export");
    type Deps = WriteDb;
    type Input = (Json<NewExport>, Idempotency);
    type Output = Accepted<Export>;

    async fn handle(
        cx: Cx<'_, Self>,
        (Json(new), Idempotency(key)): Self::Input,
    ) -> Result<Accepted<Export>, Problem> {
        let permissions = cx.caller()?.permissions;
        let scope = Scope::or_usual(new.scope, &new.filter.0, permissions);
        if let Some(required) = scope.missing_permission(&new.filter.0, permissions) {
            return Err(cx.refusal(Problem::forbidden(required)).await);
        }
        let new = NewExport { scope: Some(scope), ..new };
        let (caller, operation) = (cx.identity()?, cx.operation(key.as_ref()));
        let change = cx.deps.create_export(&caller, &operation, &new);
        settled(cx.change(change).await?).map(Accepted::from)
    }
}
