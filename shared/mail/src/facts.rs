//! What a mail tells: the variables of its texts.

use domain::event::Envelope;
use domain::mail::{Letter, Template};
use minijinja::context;
use minijinja::value::Value;
use serde_json::Value as Json;

use crate::line::one_line;

/// Who did what nobody did.
const SYSTEM: &str = "The task manager";

/// What a mail tells. Whatever people wrote is on one line.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    name: String,
    actor: String,
    link: String,
    preferences: String,
    title: Option<String>,
    status: Option<String>,
    priority: Option<String>,
    due_at: Option<String>,
    from: Option<String>,
    to: Option<String>,
    completed_at: String,
    expires_at: Option<String>,
}

impl Facts {
    /// What an event says, for the reader of a letter.
    pub(crate) fn of(letter: &Letter, event: &Envelope, public_url: &str) -> Self {
        let actor = match &letter.actor {
            _ if letter.own => "You".to_owned(),
            Some(name) => one_line(name.expose()),
            None => SYSTEM.to_owned(),
        };
        let link = match (event.task_id, event.subject) {
            (Some(task), _) => format!("{public_url}/v1/tasks/{task}"),
            (None, Some(subject)) => format!("{public_url}/v1/exports/{}", subject.id),
            (None, None) => public_url.to_owned(),
        };
        let task = event.task.as_ref();
        // Who has the task no longer does not learn how it goes on.
        let known = task.filter(|_| letter.template != Template::TaskUnassigned);
        let status = event.changes.get("status");
        Self {
            name: one_line(letter.name.expose()),
            actor,
            link,
            preferences: preferences(public_url),
            title: task.map(|task| one_line(title(letter, event).unwrap_or(task.title.expose()))),
            status: known.map(|task| words(task.status.name())),
            priority: known.map(|task| words(task.priority.name())),
            due_at: known.and(letter.due_at.clone()),
            from: status.and_then(|change| word(change.from.expose())),
            to: status.and_then(|change| word(change.to.expose())),
            completed_at: letter.at.clone(),
            expires_at: letter.expires_at.clone(),
        }
    }

    /// The variables.
    pub(crate) fn values(&self, subject: &str) -> Value {
        context! {
            subject,
            name => &self.name,
            actor => &self.actor,
            link => &self.link,
            preferences => &self.preferences,
            title => &self.title,
            status => &self.status,
            priority => &self.priority,
            due_at => &self.due_at,
            from => &self.from,
            to => &self.to,
            completed_at => &self.completed_at,
            expires_at => &self.expires_at,
        }
    }

    /// Facts to try a text with: as many as there can be, and as few.
    pub(crate) fn samples(template: Template) -> [Self; 2] {
        let given = || Some("…".to_owned());
        let of_task = || match template {
            Template::ExportReady | Template::ExportFailed => None,
            _ => given(),
        };
        let least = Self {
            name: "…".to_owned(),
            actor: SYSTEM.to_owned(),
            link: "https://…".to_owned(),
            preferences: "https://…".to_owned(),
            title: of_task(),
            status: of_task(),
            priority: of_task(),
            due_at: None,
            from: of_task(),
            to: of_task(),
            completed_at: "…".to_owned(),
            expires_at: None,
        };
        [Self { due_at: of_task(), expires_at: given(), ..least.clone() }, least]
    }
}

/// Where readers say which mails they want.
pub(crate) fn preferences(public_url: &str) -> String {
    format!("{public_url}/v1/me")
}

/// Who has a task no longer knows it by the title that it had, and does not learn the new one.
fn title<'a>(letter: &Letter, event: &'a Envelope) -> Option<&'a str> {
    let change = event.changes.get("title").filter(|_| letter.template == Template::TaskUnassigned);
    change?.from.expose().as_str()
}

/// `in_progress` as people write it.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn word(value: &Json) -> Option<String> {
    value.as_str().map(|name| words(&one_line(name)))
}
