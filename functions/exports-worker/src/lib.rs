//! The queue `task-exports`: make the file that somebody asked for.
//!
//! The message only says which export. Whose tasks, which of them and in what form stands in the export's
//! row, so a forged message can do no more than a repeated one: nothing. The row is taken under a lease,
//! which is renewed while the work goes on; whoever dies loses it, and the next attempt puts its file in the
//! same place. The end and its event are one commit.
//!
//! Somebody who was shut out since gets nothing. What no attempt can heal, and what three attempts did not,
//! ends the export with an error for whoever asked for it.

mod cell;
mod make;
mod report;
mod tasks;

use std::time::Duration;

use config::defaults::EXPORT_LEASE;
use db::{Claim, Ending, Lease, Order, WorkerDb};
use domain::event::{Queue, SubjectKind};
use storage::Files;
use worker::{Cx, Event, Failure, Spec, Worker};

use crate::make::{Stop, Work};

/// The worker.
pub struct ExportsWorker;

/// The function's time, in seconds.
const TIMEOUT: u32 = 900;
/// How often an export is tried.
const RECEIVES: u32 = 3;

const SHUT_OUT: &str = "The account of whoever asked for it is deactivated.";
const GIVEN_UP: &str = "It could not be made. Ask for it again.";

impl Worker for ExportsWorker {
    const SPEC: Spec = Spec::of(env!("CARGO_PKG_NAME"), Queue::Exports)
        .at_once(2)
        .timeout(TIMEOUT, 6 * TIMEOUT)
        .receives(RECEIVES)
        .backoff(&[60, 300]);
    type Deps = (WorkerDb, Files);

    async fn handle(cx: Cx<'_, Self>, events: &[Event]) -> Result<(), Failure> {
        for event in events {
            export(&cx, event).await?;
        }
        Ok(())
    }
}

async fn export(cx: &Cx<'_, ExportsWorker>, event: &Event) -> Result<(), Failure> {
    let subject = event.envelope.subject.filter(|subject| subject.kind == SubjectKind::Export);
    let Some(subject) = subject else {
        return Err(Failure::Never("the event is not about an export".to_owned()));
    };
    let lease = Lease { export: subject.id, holder: cx.clock.new_id(), life: EXPORT_LEASE };
    match cx.deps.0.claim_export(&lease).await? {
        Claim::Mine(order) => work(cx, event, &lease, &order).await,
        Claim::Held(left) => Err(somebody_else(event, left)),
        Claim::Settled => Ok(()),
        Claim::Missing => Err(Failure::Never("there is no such export".to_owned())),
    }
}

async fn work(
    cx: &Cx<'_, ExportsWorker>,
    event: &Event,
    lease: &Lease,
    order: &Order,
) -> Result<(), Failure> {
    let (db, files) = cx.deps;
    let now = cx.clock.now();
    let made = if order.active {
        let ends = now + cx.time_left;
        Work { db, files, clock: cx.clock, lease, order, ends, renewed: now }.make().await
    } else {
        Err(Stop::Never(SHUT_OUT))
    };
    let (ending, failure) = match made {
        Ok(ending) => (ending, None),
        Err(Stop::Lost) => return Err(somebody_else(event, EXPORT_LEASE)),
        Err(Stop::Never(why)) => (Ending::Error(why), None),
        // The last attempt: who asked is told, and the dead letters tell us why.
        Err(Stop::Retry(why)) if event.receives >= RECEIVES => {
            (Ending::Error(GIVEN_UP), Some(Failure::Never(why)))
        }
        Err(Stop::Retry(why)) => {
            give_back(db, lease).await;
            return Err(Failure::Retry(why));
        }
    };
    match db.finish_export(lease, cx.clock.new_id(), &ending).await {
        Ok(true) => failure.map_or(Ok(()), Err),
        Ok(false) => Err(somebody_else(event, EXPORT_LEASE)),
        Err(error) => {
            give_back(db, lease).await;
            Err(error.into())
        }
    }
}

/// Gives an export back, so that the next attempt need not wait. If that fails, it waits.
async fn give_back(db: &WorkerDb, lease: &Lease) {
    let _ = db.renew_export(&Lease { life: Duration::ZERO, ..*lease }).await;
}

/// Another worker is at it, or was and died: at first we ask again when its lease would end. Who renews it
/// lives no longer than a function may; then the row says what came of it.
fn somebody_else(event: &Event, left: Duration) -> Failure {
    let longest = Duration::from_secs(TIMEOUT.into());
    let pause = if event.receives == 1 { left } else { longest };
    Failure::RetryIn(pause, "another worker is at work on this export".to_owned())
}
