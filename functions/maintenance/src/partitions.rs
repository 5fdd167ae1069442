//! The partitions of what only grows: the next ones are there before they are needed, and what is too
//! old goes as a whole.
//!
//! Nobody waits for it. `CREATE … PARTITION OF`, a plain `DETACH` and a `DROP` of what is attached wait for
//! every open reader, and whoever comes later waits behind them. A table that is made by itself and then
//! attached does not, nor does `DETACH … CONCURRENTLY`, which no transaction can hold and no pooler can
//! pass on. So this is the one job that connects to the cluster itself.
//!
//! It may be killed anywhere: each run looks at what is there, and goes on from that.

use db::{Cluster, cluster_says};
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::turn::Turn;

/// What is partitioned, by which step, and for how many days it is kept.
const KEPT: [(&str, &str, i32); 3] =
    [("inbox", "week", 35), ("audit", "month", 400), ("deliveries", "month", 90)];

/// So many periods after this one have their partition,
const AHEAD: i32 = 7;
/// and the run fails, so that somebody hears of it, if there are fewer than these.
const LEAST_AHEAD: usize = 3;

/// Any number, as long as nobody else locks it.
const LOCK: i64 = 7_204_161_530_011_914;

/// What there is and what there should be: what was left half done, and then the oldest first. Only what
/// has the name of a partition is one.
const LOOK: &str = "-- partitions.look
WITH kept AS (
    SELECT parent, step, ('1 ' || step)::interval AS step_length, days
    FROM unnest($1::text[], $2::text[], $3::int4[]) AS k (parent, step, days)
),
named AS (
    SELECT
        k.parent, to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp AS start,
        i.inhrelid IS NOT NULL AS attached, coalesce(i.inhdetachpending, false) AS half_detached
    FROM kept AS k
    JOIN pg_class AS c ON c.relname ~ ('^' || k.parent || '_p[0-9]{8}$')
    LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
    WHERE c.relkind = 'r' AND c.relnamespace = 'app'::regnamespace
),
wanted AS (
    SELECT k.parent, date_trunc(k.step, now() AT TIME ZONE 'UTC') + n * k.step_length AS start
    FROM kept AS k, generate_series(0, $4::int4) AS n
)
SELECT
    parent,
    parent || '_p' || to_char(start, 'YYYYMMDD') AS name,
    app.uuid_at(start AT TIME ZONE 'UTC')::text AS least,
    app.uuid_at((start + k.step_length) AT TIME ZONE 'UTC')::text AS bound,
    n.parent IS NOT NULL AS there,
    coalesce(n.attached, false) AS attached,
    coalesce(n.half_detached, false) AS half_detached,
    start + k.step_length <= (now() AT TIME ZONE 'UTC') - k.days * interval '1 day' AS old,
    start > now() AT TIME ZONE 'UTC' AS ahead
FROM wanted AS w
FULL JOIN named AS n USING (parent, start)
JOIN kept AS k USING (parent)
ORDER BY parent, n.half_detached IS NOT TRUE, start";

/// A partition that is there, or should be.
struct Partition {
    parent: String,
    name: String,
    /// Its least id, and the first one that is too great for it.
    bounds: (String, String),
    state: State,
    old: bool,
    ahead: bool,
}

/// How far a partition is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Missing,
    /// A table by itself: made and not attached yet, or detached.
    Apart,
    /// Queries leave it out already; for others it is still a part.
    HalfDetached,
    Attached,
}

/// What a run did.
#[derive(Default)]
pub(crate) struct Done {
    made: u32,
    dropped: u32,
    /// What somebody was in the way of, with what the database said.
    waiting: Vec<String>,
    /// Why nothing was done.
    skipped: Option<&'static str>,
}

impl Done {
    /// As the run answers.
    pub(crate) fn to_json(&self, job: &str) -> Value {
        match self.skipped {
            Some(why) => json!({"job": job, "skipped": why}),
            None => json!({
                "job": job, "made": self.made, "dropped": self.dropped, "waiting": self.waiting,
            }),
        }
    }
}

/// One run, until nothing is left to do or the time is up.
pub(crate) async fn run(cluster: &Cluster, turn: &Turn<'_>) -> Result<Done, String> {
    let client = cluster.connect("task-manager-maintenance").await.map_err(|e| e.to_string())?;
    let mut done = Done::default();
    if !take_lock(&client).await? {
        done.skipped = Some("a statement of another run is still at work");
        return Ok(done);
    }
    for partition in look(&client).await? {
        if !turn.goes_on().await? {
            done.waiting.push(format!("{} and what follows: the time is up", partition.name));
            break;
        }
        match bring(&client, &partition, &mut done).await {
            Ok(()) => {}
            // The next run goes on with it. Others do not wait for us, and we do not for them.
            Err(error) if is_busy(&error) => {
                done.waiting.push(format!("{}: {}", partition.name, cluster_says(&error)));
            }
            Err(error) => return Err(format!("{}: {}", partition.name, cluster_says(&error))),
        }
    }
    let now = look(&client).await?;
    for (parent, ..) in KEPT {
        let is_ahead = |p: &&Partition| p.parent == parent && p.ahead && p.state == State::Attached;
        let ahead = now.iter().filter(is_ahead).count();
        if ahead < LEAST_AHEAD {
            return Err(format!(
                "app.{parent} has only {ahead} partitions ahead: {}",
                done.waiting.join(", ")
            ));
        }
    }
    Ok(done)
}

/// Somebody holds it; or another partition of the same table, of which only one at a time can be between
/// there and gone.
fn is_busy(error: &tokio_postgres::Error) -> bool {
    const BUSY: [&SqlState; 2] =
        [&SqlState::LOCK_NOT_AVAILABLE, &SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE];
    error.code().is_some_and(|code| BUSY.contains(&code))
}

/// Brings one partition to where it should be.
async fn bring(
    client: &Client,
    partition: &Partition,
    done: &mut Done,
) -> Result<(), tokio_postgres::Error> {
    let Partition { parent, name, .. } = partition;
    let mut state = partition.state;
    if state == State::HalfDetached {
        let finish = format!("ALTER TABLE app.{parent} DETACH PARTITION app.{name} FINALIZE");
        execute(client, &finish).await?;
        state = State::Apart;
    }
    if partition.old {
        if state == State::Attached {
            let detach =
                format!("ALTER TABLE app.{parent} DETACH PARTITION app.{name} CONCURRENTLY");
            execute(client, &detach).await?;
        }
        execute(client, &format!("DROP TABLE app.{name}")).await?;
        done.dropped += 1;
    } else if state != State::Attached {
        make(client, partition).await?;
        done.made += 1;
    }
    Ok(())
}

/// Makes a partition, or attaches one that is there by itself. In one transaction, so that none is left
/// half made. No constraint tells beforehand that its rows are within the bounds: a new table has none to
/// look at.
async fn make(client: &Client, partition: &Partition) -> Result<(), tokio_postgres::Error> {
    let Partition { parent, name, bounds: (least, bound), .. } = partition;
    let attach = format!(
        "ALTER TABLE app.{parent} ATTACH PARTITION app.{name} FOR VALUES FROM ('{least}') TO ('{bound}')"
    );
    if partition.state != State::Missing && holds_rows(client, name).await? {
        return execute(client, &attach).await;
    }
    // One that is there and empty may be of an older form.
    execute(
        client,
        &format!(
            "DROP TABLE IF EXISTS app.{name};
             CREATE TABLE app.{name} (LIKE app.{parent} INCLUDING ALL);
             {attach}"
        ),
    )
    .await
}

async fn holds_rows(client: &Client, name: &str) -> Result<bool, tokio_postgres::Error> {
    let rows = client.query_typed(&format!("SELECT FROM app.{name} LIMIT 1"), &[]).await?;
    Ok(!rows.is_empty())
}

/// One run at a time, whatever the lease says: a run that was killed may still have a statement at work,
/// and holds its lock until that has ended. Nobody is made to wait for longer than the limit.
async fn take_lock(client: &Client) -> Result<bool, String> {
    execute(client, "SET lock_timeout = '2s'").await.map_err(|error| cluster_says(&error))?;
    let take = "SELECT pg_try_advisory_lock($1)";
    let rows = client.query_typed(take, &[(&LOCK, Type::INT8)]).await;
    rows.and_then(|rows| rows[0].try_get(0)).map_err(|error| cluster_says(&error))
}

async fn look(client: &Client) -> Result<Vec<Partition>, String> {
    let parents: Vec<&str> = KEPT.iter().map(|(parent, ..)| *parent).collect();
    let steps: Vec<&str> = KEPT.iter().map(|(_, step, _)| *step).collect();
    let days: Vec<i32> = KEPT.iter().map(|(.., days)| *days).collect();
    let rows = client
        .query_typed(
            LOOK,
            &[
                (&parents, Type::TEXT_ARRAY),
                (&steps, Type::TEXT_ARRAY),
                (&days, Type::INT4_ARRAY),
                (&AHEAD, Type::INT4),
            ],
        )
        .await;
    let rows = rows.and_then(|rows| rows.iter().map(partition).collect());
    rows.map_err(|error| cluster_says(&error))
}

fn partition(row: &Row) -> Result<Partition, tokio_postgres::Error> {
    let is = |what: &str| row.try_get::<_, bool>(what);
    let state = match (is("there")?, is("half_detached")?, is("attached")?) {
        (false, ..) => State::Missing,
        (_, true, _) => State::HalfDetached,
        (.., true) => State::Attached,
        _ => State::Apart,
    };
    Ok(Partition {
        parent: row.try_get("parent")?,
        name: row.try_get("name")?,
        bounds: (row.try_get("least")?, row.try_get("bound")?),
        state,
        old: is("old")?,
        ahead: is("ahead")?,
    })
}

#[expect(clippy::disallowed_methods, reason = "a connection of its own, not a pooled one")]
async fn execute(client: &Client, sql: &str) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(sql).await
}
