//! How many tasks there are: in all, by status, by priority, overdue, made and completed by day (UTC).

use std::collections::BTreeMap;

use db::Group;
use domain::export::Format;
use domain::{Priority, Status};
use serde_json::json;

use crate::cell::Lines;

/// What was counted so far.
#[derive(Default)]
pub(crate) struct Report {
    all: i64,
    overdue: i64,
    statuses: BTreeMap<Status, i64>,
    priorities: BTreeMap<Priority, i64>,
    created: BTreeMap<String, i64>,
    completed: BTreeMap<String, i64>,
}

impl Report {
    /// Counts tasks.
    pub(crate) fn add(&mut self, group: Group) {
        let Group { status, priority, overdue, created, completed, tasks } = group;
        self.all += tasks;
        self.overdue += if overdue { tasks } else { 0 };
        *self.statuses.entry(status).or_default() += tasks;
        *self.priorities.entry(priority).or_default() += tasks;
        *self.created.entry(created).or_default() += tasks;
        if let Some(day) = completed {
            *self.completed.entry(day).or_default() += tasks;
        }
    }

    /// What is counted, of which tasks, and how many these are. A status is there also if no task has it; a
    /// day is not.
    fn lines(&self) -> Vec<(&'static str, &str, i64)> {
        let mut lines = vec![("all", "", self.all)];
        let of = |count: Option<&i64>| count.copied().unwrap_or_default();
        lines.extend(Status::ALL.map(|s| ("status", s.name(), of(self.statuses.get(&s)))));
        lines.extend(Priority::ALL.map(|p| ("priority", p.name(), of(self.priorities.get(&p)))));
        lines.push(("overdue", "", self.overdue));
        lines.extend(self.created.iter().map(|(day, n)| ("created", day.as_str(), *n)));
        lines.extend(self.completed.iter().map(|(day, n)| ("completed", day.as_str(), *n)));
        lines
    }

    /// The file, and how many rows it has, but for a heading.
    pub(crate) fn write(&self, format: Format) -> Result<(Vec<u8>, usize), String> {
        let lines = self.lines();
        let rows = lines.len();
        let bytes = match format {
            Format::Csv => {
                let mut table = Lines::new();
                table.push(["measure", "value", "tasks"])?;
                for (measure, value, tasks) in lines {
                    table.push([measure, value, &tasks.to_string()])?;
                }
                table.into_bytes()?
            }
            Format::Jsonl => {
                let line = |(measure, value, tasks): (&str, &str, i64)| {
                    let value = Some(value).filter(|value| !value.is_empty());
                    format!("{}\n", json!({"measure": measure, "value": value, "tasks": tasks}))
                };
                lines.into_iter().map(line).collect::<String>().into_bytes()
            }
        };
        Ok((bytes, rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        let group = Group {
            status: Status::Pending,
            priority: Priority::High,
            overdue: true,
            created: "2026-01-02".to_owned(),
            completed: None,
            tasks: 2,
        };
        let done = Group {
            status: Status::Completed,
            overdue: false,
            created: "2026-01-01".to_owned(),
            completed: Some("2026-01-03".to_owned()),
            tasks: 1,
            ..group.clone()
        };
        for group in [group.clone(), done, Group { tasks: 4, ..group }] {
            report.add(group);
        }
        report
    }

    #[test]
    fn groups_add_up() {
        let (bytes, rows) = report().write(Format::Csv).unwrap();
        let expected = "measure,value,tasks\r\nall,,7\r\nstatus,pending,6\r\nstatus,in_progress,0\r\n\
             status,completed,1\r\nstatus,rejected,0\r\npriority,low,0\r\npriority,normal,0\r\n\
             priority,high,7\r\npriority,urgent,0\r\noverdue,,6\r\ncreated,2026-01-01,1\r\n\
             created,2026-01-02,6\r\ncompleted,2026-01-03,1\r\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        assert_eq!(rows, 13);
    }

    #[test]
    fn a_line_of_json_says_the_same() {
        let (bytes, rows) = report().write(Format::Jsonl).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.lines().count(), rows);
        let line =
            |n: usize| serde_json::from_str::<serde_json::Value>(text.lines().nth(n).unwrap());
        assert_eq!(line(0).unwrap(), json!({"measure": "all", "value": null, "tasks": 7}));
        assert_eq!(
            line(12).unwrap(),
            json!({"measure": "completed", "value": "2026-01-03", "tasks": 1})
        );
    }
}
