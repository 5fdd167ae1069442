#![doc = include_str!("../README.md")]

mod table;

use route::Entry;

pub use table::{Column, render};

/// Every route, in the order of the table.
pub fn routes() -> Vec<Entry> {
    vec![
        Entry::of::<health::Health>(),
        Entry::of::<auth_logout::AuthLogout>(),
        Entry::of::<tasks_create::TasksCreate>(),
        Entry::of::<tasks_list::TasksList>(),
        Entry::of::<tasks_get::TasksGet>(),
        Entry::of::<tasks_update::TasksUpdate>(),
        Entry::of::<tasks_replace::TasksReplace>(),
        Entry::of::<tasks_delete::TasksDelete>(),
        Entry::of::<tasks_restore::TasksRestore>(),
        Entry::of::<tasks_history::TasksHistory>(),
        Entry::of::<me_get::MeGet>(),
        Entry::of::<me_update::MeUpdate>(),
        Entry::of::<users_list::UsersList>(),
        Entry::of::<users_update::UsersUpdate>(),
        Entry::of::<stats_get::StatsGet>(),
        Entry::of::<audit_list::AuditList>(),
        Entry::of::<exports_create::ExportsCreate>(),
        Entry::of::<exports_list::ExportsList>(),
        Entry::of::<exports_get::ExportsGet>(),
        Entry::of::<not_found::NotFound>(),
    ]
}

/// Every worker: a function that serves a queue of events.
pub fn workers() -> Vec<worker::Entry> {
    vec![
        worker::Entry::of::<notifications_worker::NotificationsWorker>(),
        worker::Entry::of::<analytics_worker::AnalyticsWorker>(),
        worker::Entry::of::<audit_worker::AuditWorker>(),
        worker::Entry::of::<exports_worker::ExportsWorker>(),
        worker::Entry::of::<notifications_worker::NotificationsWorker>(),
    ]
}

/// Every job: a function that runs when a schedule or a wake says so.
pub fn jobs() -> Vec<worker::JobEntry> {
    vec![
        worker::JobEntry::of::<maintenance::Maintenance>(),
        worker::JobEntry::of::<outbox_relay::OutboxRelay>(),
    ]
}

/// The functions that are none of these.
pub const OTHERS: [&str; 1] = ["migrate"];
