//! The cases that are the same for every route: a good request, and one thing that is wrong.

mod refusals;
mod troubles;

use route::Kind;
use testing::{Reply, TestApp};

use super::subject::Subject;

/// Meets a problem, and shows that it passes: the next good request succeeds. None if the problem has
/// no common case, so that each route must say how it is met.
pub(super) async fn meet(kind: Kind, subject: &Subject, usual: &TestApp) -> Option<Reply> {
    if let Some(reply) = refusals::meet(kind, subject, usual).await {
        subject.works(usual).await;
        return Some(reply);
    }
    let (mended, reply) = troubles::meet(kind, subject).await?;
    subject.works(&mended).await;
    Some(reply)
}
