//! The tasks themselves, one a row.

use domain::export::Format;
use domain::{Private, Task, Timestamp};

use crate::cell::Lines;

/// The columns of the table, named like the fields of a task.
const COLUMNS: [&str; 14] = [
    "id",
    "title",
    "description",
    "status",
    "priority",
    "due_at",
    "labels",
    "assignee_id",
    "user_id",
    "version",
    "created_at",
    "updated_at",
    "completed_at",
    "deleted_at",
];

/// What comes before the tasks.
pub(crate) fn heading(format: Format) -> Result<Vec<u8>, String> {
    match format {
        Format::Csv => {
            let mut lines = Lines::new();
            lines.push(COLUMNS)?;
            lines.into_bytes()
        }
        Format::Jsonl => Ok(Vec::new()),
    }
}

/// Tasks, which come as the JSON of the database, in the form of the file.
pub(crate) fn rows(format: Format, tasks: &[&str]) -> Result<Vec<u8>, String> {
    // serde's words may quote the task: they stay here.
    let read = |json: &&str| {
        serde_json::from_str::<Task>(json).map_err(|_| "a row is not a task".to_owned())
    };
    match format {
        Format::Csv => {
            let mut lines = Lines::new();
            for task in tasks {
                row(&mut lines, &read(task)?)?;
            }
            lines.into_bytes()
        }
        Format::Jsonl => {
            let mut bytes = Vec::new();
            for task in tasks {
                // Read and written, so that a line is the answer of the API, byte by byte.
                serde_json::to_writer(&mut bytes, &read(task)?).map_err(|e| e.to_string())?;
                bytes.push(b'\n');
            }
            Ok(bytes)
        }
    }
}

fn row(lines: &mut Lines, task: &Task) -> Result<(), String> {
    let labels: Vec<&str> = task.labels.iter().map(|label| label.expose().as_str()).collect();
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let cells = [
        task.id.to_string(),
        task.title.expose().clone(),
        task.description.as_ref().map(Private::expose).cloned().unwrap_or_default(),
        task.status.name().to_owned(),
        task.priority.name().to_owned(),
        time(task.due_at),
        labels.join(", "),
        task.assignee_id.map(|id| id.to_string()).unwrap_or_default(),
        task.user_id.to_string(),
        task.version.to_string(),
        time(Some(task.created_at)),
        time(Some(task.updated_at)),
        time(task.completed_at),
        time(task.deleted_at),
    ];
    lines.push(cells.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = r#"{
        "title": "=1+1", "id": "0197a1b2-0000-7000-8000-000000000001", "description": null,
        "status": "in_progress", "priority": "high", "due_at": "2026-02-01T00:00:00.000Z",
        "labels": ["home", "urgent"], "assignee_id": null, "version": 3,
        "user_id": "0197a1b2-0000-7000-8000-000000000002",
        "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-02T00:00:00.000Z",
        "completed_at": null
    }"#;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let file = [heading(Format::Csv).unwrap(), rows(Format::Csv, &[TASK]).unwrap()].concat();
        let expected = "id,title,description,status,priority,due_at,labels,assignee_id,user_id,version,\
             created_at,updated_at,completed_at,deleted_at\r\n\
             0197a1b2-0000-7000-8000-000000000001,'=1+1,,in_progress,high,2026-02-01T00:00:00.000Z,\
             \"home, urgent\",,0197a1b2-0000-7000-8000-000000000002,3,2026-01-01T00:00:00.000Z,\
             2026-01-02T00:00:00.000Z,,\r\n";
        assert_eq!(text(file), expected);
    }

    #[test]
    fn a_line_of_json_is_the_answer_of_the_api() {
        assert_eq!(heading(Format::Jsonl).unwrap(), b"");
        let task: Task = serde_json::from_str(TASK).unwrap();
        let expected = format!("{}\n", serde_json::to_string(&task).unwrap());
        assert!(
            expected.starts_with(r#"{"id":"0197a1b2-0000-7000-8000-000000000001","title":"=1+1""#)
        );
        assert_eq!(text(rows(Format::Jsonl, &[TASK]).unwrap()), expected);
    }

    #[test]
    fn what_is_no_task_is_not_quoted() {
        let why = rows(Format::Csv, &[r#"{"title": "secret"}"#]).unwrap_err();
        assert_eq!(why, "a row is not a task");
    }
}
