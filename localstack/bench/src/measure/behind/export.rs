//! How fast an export is made, and in how little memory.

use std::time::Instant;

use serde_json::{Value, json};

use super::amount::Amount;
use super::stage::{Stage, batch, deal};
use crate::Failed;
use crate::measure::memory::Held;
use crate::measure::size::{count, seed};
use crate::measure::{Part, step};
use crate::stats::real;
use crate::table::{Row, Target};

const DATABASE: &str = "exports";
const BOUND_MIB: f64 = 64.0;

/// An export of everybody's tasks, and its event, as if somebody had asked for it.
const ASK: &str = "
    WITH export AS (
        INSERT INTO app.exports (id, user_id, kind, format, scope, filter, requested_at, request_id)
        SELECT $1::uuid, u.id, 'tasks', 'csv', 'all', '{}', now(), 'bench' FROM app.users AS u LIMIT 1
        RETURNING exports
    )
    SELECT app.record_export('export.requested', exports, 1, $2::uuid, (exports).user_id, '{}') FROM export";
const EVENT: &str = "DELETE FROM app.outbox RETURNING payload::text";
const MADE: &str = "SELECT status, coalesce(rows, 0), coalesce(bytes, 0) FROM app.exports";

pub(super) async fn measure(stage: &Stage<'_>, amount: &Amount) -> Result<Part, Failed> {
    let rig = stage.rig;
    rig.migrate(DATABASE).await?;
    let admin = rig.admin(DATABASE).await?;
    seed::fill(&admin, amount.exported).await?;
    let (export, event) = (rig.clock.new_id(), rig.clock.new_id());
    admin.query(ASK, &[&export, &event]).await?;
    let event: String = admin.query_one(EVENT, &[]).await?.get(0);
    let event: Value = serde_json::from_str(&event)?;
    step("exporting");
    let mut settings = rig.settings_in(DATABASE, "exports-worker")?;
    settings.cap = 1;
    let worker = rig.run(settings);
    let begin = Instant::now();
    deal(&worker, batch(&[event])).await?;
    let seconds = begin.elapsed().as_secs_f64();
    let held = Held::by(&worker)?;
    let made = admin.query_one(MADE, &[]).await?;
    let (status, rows, bytes): (String, i64, i64) = (made.get(0), made.get(1), made.get(2));
    if status != "completed" {
        return Err(format!("the export {export} is {status}").into());
    }
    let rows = u32::try_from(rows)?;
    let mib = real(usize::try_from(bytes)?) / 1024.0 / 1024.0;
    let rate = f64::from(rows) / seconds;
    let raw = json!({
        "rows": rows, "bytes": bytes, "seconds": seconds, "rows_per_second": rate, "memory": held.raw(),
    });
    Ok((vec![row(amount, &held, rows, mib, rate)], raw))
}

fn row(amount: &Amount, held: &Held, rows: u32, mib: f64, rate: f64) -> Row {
    Row {
        what: format!("export, of {} tasks, memory", count(amount.exported)),
        measured: format!("{:.1} MiB ({:.1} of its own)", held.peak, held.own),
        other: format!("{rate:.0} rows/s into a file of {mib:.0} MiB"),
        ratio: format!("{:.1} MiB", held.peak),
        target: "≤ 64 MiB".to_owned(),
        met: Some(Target::AtMost(BOUND_MIB).is_met_by(held.peak)),
        about: format!(
            "`VmHWM`, the most that the one process of `exports-worker` ever held (in parentheses `RssAnon` in the \
             end, without the pages of the program's file), after an export of everybody's tasks as CSV: {rows} rows, \
             for some lie in the trash. The file goes to LocalStack's S3 in parts. The time begins with the start of \
             the process.",
        ),
        shortfall: String::new(),
    }
}
