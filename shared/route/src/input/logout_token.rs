//! The logout token in a form.

use db::Logout;
use time::OffsetDateTime;

use super::{Input, Shape, Step};
use crate::problem::{Kind, Problem};
use crate::request::Request;

/// What a logout token says, once it is verified. Only for routes with [`crate::Access::LogoutToken`].
pub struct LogoutToken(pub Logout);

impl Input for LogoutToken {
    const STEP: Step = Step::Values;

    fn describe(shape: &mut Shape) {
        shape.problems.push(Kind::InvalidLogoutToken);
    }

    fn read(request: &Request) -> Result<Self, Problem> {
        let logout = request.logout.as_ref();
        let logout = logout.ok_or_else(|| Problem::internal("nobody looked for a logout token"))?;
        Ok(Self(Logout {
            jti: logout.jti.clone(),
            user_id: logout.sub,
            session: logout.sid.clone(),
            issued_at: OffsetDateTime::from_unix_timestamp(logout.issued_at)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
        }))
    }
}
