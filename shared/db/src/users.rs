//! Users, as others see them.

use domain::User;
use serde_json::Value;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::call::Parameters;
use crate::error::DbError;
use crate::handle::{Db, Read, Write, column, one_row};
use crate::identity::{Identity, Told, judge};
use crate::operation::{Change, Operation};
use crate::pattern;
use crate::statement::Statement;

pub(crate) const LIST: Statement = Statement {
    name: "users.list",
    sql: "-- users.list
SELECT
    api.greet_v1($1 /* caller */) AS standing,
    CASE WHEN $8 /* ask */ THEN api.state_v1($1) END AS state,
    ARRAY(
        SELECT page.json FROM (
            SELECT u.json FROM api.users_v1 AS u
            WHERE ($2::boolean IS NULL OR u.active = $2 /* active */)
                AND (
                    $3::text IS NULL /* q */
                    OR u.username ILIKE $3 OR u.name ILIKE $3
                    OR ($4 /* in addresses too */ AND u.email ILIKE $3)
                )
                AND (
                    $5::text IS NULL /* after a name */
                    OR (u.username COLLATE \"C\", u.id) > ($5 COLLATE \"C\", $6)
                )
            ORDER BY u.username COLLATE \"C\", u.id
            LIMIT $7 /* rows */
        ) AS page
    ) AS users",
    types: &[
        Type::JSONB,
        Type::BOOL,
        Type::TEXT,
        Type::BOOL,
        Type::TEXT,
        Type::UUID,
        Type::INT8,
        Type::BOOL,
    ],
};

pub(crate) const UPDATE: Statement = Statement {
    name: "users.update",
    sql: "-- users.update
SELECT
    api.update_user_v1($1 /* caller */, $3 /* operation */, $4 /* user */, $5 /* active */) AS answer,
    CASE WHEN $2 /* ask */ THEN api.state_v1($1) END AS state",
    types: &[Type::JSONB, Type::BOOL, Type::JSONB, Type::UUID, Type::BOOL],
};

/// What a list of users is to show, in the order of their names.
#[derive(Clone, Copy)]
pub struct ListUsers<'a> {
    /// Only those who are active, or only those who are not.
    pub active: Option<bool>,
    /// Only those whose names contain this.
    pub text: Option<&'a str>,
    /// Whether the text is looked for in addresses too.
    pub in_addresses: bool,
    /// What comes after this name and id.
    pub after: Option<(&'a str, Uuid)>,
    /// How many.
    pub limit: u8,
}

/// A part of a list of users.
pub struct UserPage {
    /// The users.
    pub users: Vec<User>,
    /// Whether there are more after them.
    pub more: bool,
}

impl Db<Read> {
    /// A part of the list of users. What of them is shown, the caller of this function decides.
    pub async fn list_users(
        &self,
        caller: &Identity<'_>,
        list: &ListUsers<'_>,
    ) -> Result<Told<UserPage>, DbError> {
        let text = list.text.map(pattern::containing);
        let (name, id) = list.after.unzip();
        let rows = i64::from(list.limit) + 1;
        let (ask, caller) = (!caller.vouched_for, caller.to_json());
        // From the writer: no counter tells whether a reader knows everybody.
        let parameters: Parameters<'_> =
            &[&caller, &list.active, &text, &list.in_addresses, &name, &id, &rows, &ask];
        let row = one_row(&LIST, self.on_writer(&LIST, parameters).await?)?;
        let state = judge(&LIST, &row)?;
        let users: Vec<Value> = column(&LIST, &row, "users")?;
        let mut users: Vec<User> = users
            .into_iter()
            .map(serde_json::from_value)
            .collect::<Result<_, _>>()
            .map_err(|_| DbError::Refused(format!("{}: a row is not a user", LIST.name)))?;
        let more = users.len() > usize::from(list.limit);
        users.truncate(list.limit.into());
        Ok(Told { value: UserPage { users, more }, state, reached: None })
    }
}

impl Db<Write> {
    /// Deactivates or reactivates an account.
    pub async fn update_user(
        &self,
        caller: &Identity<'_>,
        operation: &Operation<'_>,
        id: Uuid,
        active: bool,
    ) -> Result<Change<User>, DbError> {
        self.change(&UPDATE, caller, operation, &[&id, &active]).await
    }
}
