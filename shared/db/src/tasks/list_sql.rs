//! The statements of lists.
//!
//! One for each order, because a direction cannot be a parameter; the rest of the text is the same. It is
//! planned anew at each call, with the values: a filter that is not asked for falls away, and what is
//! left finds its index.

use domain::listing::{Sort, SortKey};
use tokio_postgres::types::Type;

use super::conditions::filtered;
use crate::statement::Statement;

/// A list in one order, and what comes after a row in it: `$25` is the row's time, `$26` its rank,
/// `$27` its id.
macro_rules! list {
    ($name:literal, by $order:literal, after $after:literal) => {
        Statement {
            name: concat!("tasks.list.", $name),
            sql: concat!(
                "-- tasks.list.",
                $name,
                "
SELECT
    CASE WHEN $1 /* greet */ THEN api.greet_v1($2 /* caller */) END AS standing,
    CASE WHEN $1 THEN api.state_v1($2) END AS state,
    s.write_seq,
    CASE
        WHEN NOT $22 /* with a total */ THEN NULL
        WHEN $23 /* all that the caller owns */ THEN least(coalesce(s.task_count, 0), $28 /* cap */ + 1)
        ELSE (
            SELECT count(*) FROM (
                SELECT FROM app.tasks AS t
                WHERE ",
                filtered!(),
                "
                LIMIT $28 + 1
            ) AS counted
        )
    END AS total,
    ARRAY(
        SELECT api.task_json_v1(page.t) FROM (
            SELECT t FROM app.tasks AS t
            WHERE ",
                filtered!(),
                "
            AND (NOT $24 /* after a row */ OR ",
                $after,
                ")
            ORDER BY ",
                $order,
                "
            LIMIT $20 /* rows */ OFFSET $21 /* skipped */
        ) AS page
    ) AS tasks
FROM (SELECT) AS one
LEFT JOIN app.user_state AS s ON s.user_id = $3 /* user */"
            ),
            types: TYPES,
        }
    };
}

const TYPES: &[Type] = &[
    Type::BOOL,
    Type::JSONB,
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::BOOL,
    Type::BOOL,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::BOOL,
    Type::INT8,
    Type::INT8,
    Type::BOOL,
    Type::BOOL,
    Type::BOOL,
    Type::TIMESTAMPTZ,
    Type::INT4,
    Type::UUID,
    Type::INT8,
];

const NEWEST: Statement = list!("newest",
    by "t.created_at DESC, t.id DESC",
    after "(t.created_at, t.id) < ($25, $27)");
const OLDEST: Statement = list!("oldest",
    by "t.created_at, t.id",
    after "(t.created_at, t.id) > ($25, $27)");
const LAST_CHANGED: Statement = list!("last_changed",
    by "t.updated_at DESC, t.id DESC",
    after "(t.updated_at, t.id) < ($25, $27)");
const FIRST_CHANGED: Statement = list!("first_changed",
    by "t.updated_at, t.id",
    after "(t.updated_at, t.id) > ($25, $27)");
const LAST_DUE: Statement = list!("last_due",
    by "t.due_at DESC NULLS LAST, t.id DESC",
    after "CASE
                WHEN $25 IS NULL THEN t.due_at IS NULL AND t.id < $27
                ELSE (t.due_at, t.id) < ($25, $27) OR t.due_at IS NULL
            END");
const FIRST_DUE: Statement = list!("first_due",
    by "t.due_at NULLS LAST, t.id",
    after "CASE
                WHEN $25 IS NULL THEN t.due_at IS NULL AND t.id > $27
                ELSE (t.due_at, t.id) > ($25, $27) OR t.due_at IS NULL
            END");
const MOST_URGENT: Statement = list!("most_urgent",
    by "array_position('{low,normal,high,urgent}', t.priority) DESC, t.id DESC",
    after "(array_position('{low,normal,high,urgent}', t.priority), t.id) < ($26, $27)");
const LEAST_URGENT: Statement = list!("least_urgent",
    by "array_position('{low,normal,high,urgent}', t.priority), t.id",
    after "(array_position('{low,normal,high,urgent}', t.priority), t.id) > ($26, $27)");

/// The lists, for whoever looks at every statement.
pub(crate) const LISTS: [Statement; 8] =
    [NEWEST, OLDEST, LAST_CHANGED, FIRST_CHANGED, LAST_DUE, FIRST_DUE, MOST_URGENT, LEAST_URGENT];

/// The statement of an order.
pub(super) const fn statement_of(sort: Sort) -> &'static Statement {
    match (sort.key, sort.descending) {
        (SortKey::CreatedAt, true) => &NEWEST,
        (SortKey::CreatedAt, false) => &OLDEST,
        (SortKey::UpdatedAt, true) => &LAST_CHANGED,
        (SortKey::UpdatedAt, false) => &FIRST_CHANGED,
        (SortKey::DueAt, true) => &LAST_DUE,
        (SortKey::DueAt, false) => &FIRST_DUE,
        (SortKey::Priority, true) => &MOST_URGENT,
        (SortKey::Priority, false) => &LEAST_URGENT,
    }
}
