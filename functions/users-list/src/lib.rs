//! `GET /v1/users`: find users.
//!
//! Who writes tasks searches for somebody to give one to: by a part of the name, among those who are
//! active, and is shown names. Who manages users is shown everybody, with all that is known of them.

mod query;

use db::{ListUsers, ReadDb};
use domain::input::Fault;
use domain::{Permissions, Person, User};
use route::{Access, Cursor, Cx, Kind, Listed, Permission, Problem, Query, Route, Spec};
use serde::Serialize;

use crate::query::{Find, LEAST_SEARCH};

/// The route.
pub struct UsersList;

/// A page of users. The order of the fields is the order in the answer.
#[derive(Serialize)]
pub struct Page {
    items: Vec<Shown>,
    /// What to ask for next; null exactly when nothing follows.
    next_cursor: Option<String>,
}

/// A user, as far as the caller may see them.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown {
    ToManagers(User),
    ToEverybody(Person),
}

/// What the cursor says of the order: there is only one.
const BY_NAME: &str = "username";

impl Route for UsersList {
    const SPEC: Spec = Spec::get(
        env!("CARGO_PKG_NAME"),
        "/v1/users",
        Access::RequiresAny(&[Permission::TasksWrite, Permission::UsersManage]),
    )
    .problems(&[Kind::InvalidCursor])
    .summary("Find users");
    type Deps = ReadDb;
    type Input = Query<Find>;
    type Output = Listed<Page>;

    async fn handle(cx: Cx<'_, Self>, Query(find): Self::Input) -> Result<Listed<Page>, Problem> {
        let caller = cx.caller()?;
        let manages = caller.permissions.has(Permission::UsersManage);
        let filter = find.canonical(manages);
        let start = permit(&find, caller.permissions).and_then(|()| match &find.cursor {
            None => Ok(None),
            Some(text) => Cursor::read(text, BY_NAME, &filter, User::read_key).map(Some),
        });
        let start = match start {
            Ok(start) => start,
            Err(problem) => return Err(cx.refusal(problem).await),
        };
        let list = ListUsers {
            active: if manages { find.active } else { Some(true) },
            text: find.q.as_ref().map(|text| text.expose().as_str()),
            in_addresses: manages,
            after: start.as_ref().map(|start| (start.key.expose().as_str(), start.id)),
            limit: find.limit,
        };
        let found = cx.read(cx.deps.list_users(&cx.identity()?, &list)).await?;
        let end = found.users.last().filter(|_| found.more);
        let next_cursor = end.map(|user| Cursor::after(&user.position(), BY_NAME, &filter));
        let shown = |user| {
            if manages { Shown::ToManagers(user) } else { Shown::ToEverybody(Person::from(user)) }
        };
        Ok(Listed(Page { items: found.users.into_iter().map(shown).collect(), next_cursor }))
    }
}

/// Who does not manage users may only search, and only for those who are active.
fn permit(find: &Find, permissions: Permissions) -> Result<(), Problem> {
    if permissions.has(Permission::UsersManage) {
        return Ok(());
    }
    if find.active == Some(false) {
        return Err(Problem::forbidden(Permission::UsersManage));
    }
    let fault = match &find.q {
        None => Fault::new("required", "is required: at least two characters of a name"),
        Some(q) if q.expose().chars().count() < LEAST_SEARCH => {
            Fault::new("too_short", "must be at least two characters")
        }
        Some(_) => return Ok(()),
    };
    Err(Problem::invalid_parameter("q", fault))
}
