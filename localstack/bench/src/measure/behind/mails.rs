//! How many mails are sent in a second.

use std::time::Instant;

use serde_json::json;
use tokio_postgres::types::Type;

use super::amount::Amount;
use super::stage::{Stage, batch, deal_with_all};
use crate::Failed;
use crate::measure::Part;
use crate::processors::Spent;
use crate::stats::real;
use crate::table::Row;

/// Batches at a time, and messages of a batch, as template.yaml has it.
const AT_ONCE: usize = 5;
const BATCH: usize = 10;

/// The tasks that the events are about, and their owners: who has no address, or no task, gets no mail.
const TASKS: &str = "
    INSERT INTO app.tasks (id, user_id, title, status, priority, labels, version, last_op, created_at, updated_at)
    SELECT (e ->> 'taskId')::uuid, (e ->> 'ownerId')::uuid, 'Renew the certificate', 'pending', 'normal', '{}', 1,
        (e ->> 'taskId')::uuid, now(), now()
    FROM unnest($1::text[]) AS text, LATERAL (SELECT text::jsonb AS e) AS read";
const OWNERS: &str = "
    INSERT INTO app.users (id, username, email)
    SELECT DISTINCT user_id, user_id::text, user_id || '@example.com' FROM app.tasks
    ON CONFLICT DO NOTHING";
const SENT: &str = "SELECT count(*) FROM app.deliveries WHERE state = 'sent'";

pub(super) async fn measure(stage: &Stage<'_>, amount: &Amount) -> Result<Part, Failed> {
    let warm_up = AT_ONCE * BATCH;
    let events = stage.events(warm_up + amount.mails);
    let texts: Vec<String> = events.iter().map(ToString::to_string).collect();
    stage.admin.execute_typed(TASKS, &[(&texts, Type::TEXT_ARRAY)]).await?;
    stage.admin.batch_execute(OWNERS).await?;
    let worker = stage.function("notifications-worker", AT_ONCE)?;
    let batches: Vec<String> = events.chunks(BATCH).map(batch).collect();
    let (first, batches) = batches.split_at(AT_ONCE);
    deal_with_all(&worker, first, AT_ONCE).await?;
    let (before, begin) = (Spent::until_now(), Instant::now());
    deal_with_all(&worker, batches, AT_ONCE).await?;
    let rate = real(amount.mails) / begin.elapsed().as_secs_f64();
    let spent = Spent::until_now().since(&before);
    let mailed = stage.count(SENT).await?;
    if mailed != i64::try_from(events.len())? {
        return Err(format!("of {} mails {mailed} were sent", events.len()).into());
    }
    let each = |seconds: f64| seconds * 1000.0 / real(amount.mails);
    let costs = spent.by_program().into_iter().map(|(name, s)| format!("{name} {:.1}", each(s)));
    let row = Row {
        what: "mails".to_owned(),
        measured: format!("{rate:.0} mails/s"),
        other: format!(
            "ms of processor time each: {}",
            costs.take(3).collect::<Vec<_>>().join(", ")
        ),
        ratio: format!("{rate:.0} mails/s"),
        target: "-".to_owned(),
        met: None,
        about: format!(
            "{AT_ONCE} processes of `notifications-worker`, as many as template.yaml allows, get batches of {BATCH} \
             events from the benchmark, {} in all; each makes one mail, which goes to the mail catcher (in the \
             benchmark's process) with TLS and a password. Before and after it a statement lends the mail and marks it.",
            amount.mails
        ),
        shortfall: String::new(),
    };
    Ok((vec![row], json!({ "mails_per_second": rate, "processor_seconds": spent.by_program() })))
}
