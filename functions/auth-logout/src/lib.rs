//! `POST /oidc/backchannel-logout`: the issuer tells that somebody has signed out.
//!
//! The revocation and its event are one commit; then Redis forgets that it ever vouched for the user, so
//! that the next request with a token of the session is refused wherever it arrives. A logout token
//! that was used before is refused and has no effect.

use db::{Outcome, WriteDb};
use route::{Access, Cx, Kind, LogoutToken, Problem, Reply, Response, Route, Spec, settled};

/// The route.
pub struct AuthLogout;

/// 200: their tokens count no more.
pub struct LoggedOut;

impl Route for AuthLogout {
    const SPEC: Spec =
        Spec::post(env!("CARGO_PKG_NAME"), "/oidc/backchannel-logout", Access::LogoutToken)
            .summary("End a session (called by the issuer)");
    type Deps = WriteDb;
    type Input = LogoutToken;
    type Output = LoggedOut;

    async fn handle(
        cx: Cx<'_, Self>,
        LogoutToken(logout): Self::Input,
    ) -> Result<LoggedOut, Problem> {
        match cx.change(cx.deps.log_out(&logout, &cx.operation(None))).await? {
            Outcome::Conflict => {
                Err(Problem::new(Kind::InvalidLogoutToken)
                    .detail("This logout token was used before."))
            }
            outcome => settled(outcome).map(|_| LoggedOut),
        }
    }
}

impl Reply for LoggedOut {
    const STATUSES: &'static [u16] = &[200];

    fn into_response(self) -> Response {
        Response::empty(200).header("cache-control", "no-store")
    }
}
