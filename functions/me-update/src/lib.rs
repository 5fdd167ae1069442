//! `PATCH /v1/me`: set what mails the caller wants, and their time zone.
//!
//! A merge patch: what is absent stays, null goes back to the default. Everything else about the
//! caller belongs to the identity provider.

use db::WriteDb;
use domain::{Me, MePatch};
use route::{Access, Changed, Cx, Idempotency, Json, Problem, Route, Spec, settled};

/// The route.
pub struct MeUpdate;

impl Route for MeUpdate {
    const SPEC: Spec = Spec::patch(env!("CARGO_PKG_NAME"), "/v1/me", Access::AnyRole)
        .summary("Set the caller's preferences");
    type Deps = WriteDb;
    type Input = (Json<MePatch>, Idempotency);
    type Output = Changed<Me>;

    async fn handle(
        cx: Cx<'_, Self>,
        (Json(patch), Idempotency(key)): Self::Input,
    ) -> Result<Changed<Me>, Problem> {
        let (caller, operation) = (cx.identity()?, cx.operation(key.as_ref()));
        let zone = patch.time_zone.as_deref();
        let change = cx.deps.update_me(&caller, &operation, &patch.preferences, zone);
        settled(cx.change(change).await?)
    }
}
