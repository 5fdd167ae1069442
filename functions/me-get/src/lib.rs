//! `GET /v1/me`: who the caller is here, what they may do, and what they set for themselves.
//!
//! For everybody with a role of ours. The first request of somebody new, this or any other, makes them
//! known.

use db::ReadDb;
use domain::Me;
use route::{Access, Cx, Problem, Route, Shown, Spec};

/// The route.
pub struct MeGet;

impl Route for MeGet {
    const SPEC: Spec =
        Spec::get(env!("CARGO_PKG_NAME"), "/v1/me", Access::AnyRole).summary("Show the caller");
    type Deps = ReadDb;
    type Input = ();
    type Output = Shown<Me>;

    async fn handle(cx: Cx<'_, Self>, (): ()) -> Result<Shown<Me>, Problem> {
        Ok(Shown(cx.read(cx.deps.me(&cx.identity()?)).await?))
    }
}
