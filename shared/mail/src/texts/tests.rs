use domain::Private;
use domain::event::{Envelope, Kind, Subject, SubjectKind};
use domain::mail::Letter;
use serde_json::json;

use super::*;

const URL: &str = "https://api.example.com";

fn event(title: &str) -> Envelope {
    serde_json::from_value(json!({
        "event": "task.completed", "taskId": "0197a1b2-0000-7000-8000-000000000001",
        "userId": null, "at": "2026-01-31T09:30:00.000Z",
        "id": "0197a1b2-0000-7000-8000-000000000002", "schema": 1, "version": 2,
        "ownerId": null, "assigneeId": null, "changed": ["status", "completed_at"],
        "changes": {"status": {"from": "in_progress", "to": "completed"}},
        "task": {"title": title, "status": "completed", "priority": "high", "due_at": null},
        "requestId": "r", "traceparent": null,
    }))
    .unwrap()
}

fn letter(template: Template) -> Letter {
    Letter {
        template,
        address: Private::new("ann@example.com".to_owned()),
        name: Private::new("Ann".to_owned()),
        actor: Some(Private::new("Bob".to_owned())),
        own: false,
        at: "31 Jan 2026, 10:30 (Europe/Berlin)".to_owned(),
        due_at: Some("1 Feb 2026, 12:00 (Europe/Berlin)".to_owned()),
        expires_at: None,
    }
}

fn words(letter: &Letter, event: &Envelope) -> Words {
    let facts = Facts::of(letter, event, URL);
    Texts::load(None).unwrap().words(letter.template, &facts).unwrap()
}

fn of(template: Template) -> Words {
    words(&letter(template), &event("Plan"))
}

#[test]
fn the_subjects_are_those_of_the_contract() {
    let subjects = Template::ALL.map(|template| of(template).subject);
    assert_eq!(
        subjects,
        [
            "New Task Created | Review and Take Action",
            "Task Plan: in progress → completed",
            "Task completed: Plan",
            "You were assigned: Plan",
            "You are no longer assigned: Plan",
            "Your export is ready",
            "Your export failed",
        ]
    );
}

#[test]
fn a_mail_says_the_same_in_both_forms() {
    let words = of(Template::TaskCompleted);
    assert_eq!(
        words.text,
        "Hello Ann,\n\nBob completed a task on 31 Jan 2026, 10:30 (Europe/Berlin).\n\n\
         Task:     Plan\nStatus:   completed\nPriority: high\n\
         Due:      1 Feb 2026, 12:00 (Europe/Berlin)\n\n\
         https://api.example.com/v1/tasks/0197a1b2-0000-7000-8000-000000000001\n\n--\n\
         The task manager wrote this mail by itself. You decide which of them you get:\n\
         PATCH https://api.example.com/v1/me"
    );
    for said in ["Ann", "Bob completed a task", ">Plan<", ">high<", ">1 Feb 2026, 12:00 (Europe"] {
        assert!(words.html.contains(said), "{said}: {}", words.html);
    }
}

#[test]
fn a_new_task_is_to_be_reviewed() {
    let text = of(Template::TaskCreated).text;
    assert!(text.contains("review its priority and its deadline"), "{text}");
}

#[test]
fn what_is_not_known_is_not_there() {
    let letter = Letter { due_at: None, actor: None, ..letter(Template::TaskAssigned) };
    let told = words(&letter, &event("Plan"));
    assert!(told.text.contains("The task manager assigned a task to you."), "{}", told.text);
    for form in [&told.text, &told.html] {
        assert!(!form.contains("Due") && !form.contains("none"), "{form}");
    }
    let own = words(&Letter { own: true, ..letter }, &event("Plan"));
    assert!(own.text.contains("You assigned a task to you."), "{}", own.text);
}

#[test]
fn an_export_is_no_task() {
    let id = "0197a1b2-0000-7000-8000-000000000009".parse().unwrap();
    let export = Envelope {
        event: Kind::TaskCompleted,
        task_id: None,
        task: None,
        changes: BTreeMap::default(),
        subject: Some(Subject { kind: SubjectKind::User, id }),
        ..event("")
    };
    let until = Some("7 Feb 2026, 10:30 (Europe/Berlin)".to_owned());
    let ready = Letter { expires_at: until, ..letter(Template::ExportReady) };
    let told = words(&ready, &export);
    let link = format!("{URL}/v1/exports/{id}");
    assert!(told.text.contains("until 7 Feb 2026, 10:30 (Europe/Berlin)."), "{}", told.text);
    assert!(told.text.contains(&link) && !told.text.contains("Task:"), "{}", told.text);
    assert!(!told.html.contains("<table"), "{}", told.html);
}

#[test]
fn what_people_write_is_neither_markup_nor_a_second_line() {
    let title = "<script>alert('x')</script> & \"y\"\r\nBcc: eve@example.com";
    let reader = Letter {
        name: Private::new("Ann\n<b>".to_owned()),
        actor: Some(Private::new("{{ title }}".to_owned())),
        ..letter(Template::TaskAssigned)
    };
    let told = words(&reader, &event(title));
    assert_eq!(
        told.subject,
        "You were assigned: <script>alert('x')</script> & \"y\" Bcc: eve@example.com"
    );
    assert!(!told.html.contains("<script") && !told.html.contains("<b>"), "{}", told.html);
    assert!(told.html.contains("&lt;script&gt;"), "{}", told.html);
    assert!(told.text.contains("Hello Ann <b>,\n"), "{}", told.text);
    // What somebody is called is no template.
    assert!(told.text.contains("{{ title }} assigned"), "{}", told.text);
    assert!(!told.text.contains("\nBcc"), "{}", told.text);
}

/// A folder that goes with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    #[expect(clippy::disallowed_methods, reason = "a test may block")]
    fn with(files: &[(&str, &str)]) -> Self {
        let id = clock::Clock::system().new_id();
        let path = std::env::temp_dir().join(format!("texts-{id}"));
        std::fs::create_dir(&path).unwrap();
        for (name, text) in files {
            std::fs::write(path.join(name), text).unwrap();
        }
        Self(path)
    }

    fn texts(&self) -> Result<Texts, String> {
        Texts::load(Some(&self.0)).map_err(|error| error.to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_file_takes_the_place_of_ours_and_of_no_other() {
    let files = [("task_created.subject.txt", "Neu: {{ title }}"), ("notes.md", "{{ nothing }}")];
    let texts = Folder::with(&files).texts().unwrap();
    let facts = Facts::of(&letter(Template::TaskCreated), &event("Plan"), URL);
    let told = texts.words(Template::TaskCreated, &facts).unwrap();
    assert_eq!(told.subject, "Neu: Plan");
    assert_eq!(told.text, of(Template::TaskCreated).text);
}

#[test]
fn a_broken_text_is_named_with_its_line() {
    for (name, text, expected) in [
        ("task_created.txt", "Hello\n{% if %}", "task_created.txt, line 2: syntax error"),
        ("task_created.html", "<p>\n\n{{ titel }}", "task_created.html, line 3: undefined"),
        ("layout.txt", "{{ name }}\n{{ nmae }}", "layout.txt, line 2: undefined"),
        ("export_ready.txt", "{% include 'x' %}", "export_ready.txt, line 1: "),
        ("export_failed.subject.txt", " \n", "export_failed.subject.txt, line 1: the subject is"),
        ("task_create.txt", "", "task_create.txt takes no text's place; there are layout.html"),
    ] {
        let why = Folder::with(&[(name, text)]).texts().err().unwrap_or_default();
        assert!(why.starts_with(&format!("MAIL_TEMPLATE_DIR: {expected}")), "{name}: {why}");
    }
    let nowhere = Texts::load(Some(Path::new("/nowhere"))).err().unwrap().to_string();
    assert!(nowhere.starts_with("MAIL_TEMPLATE_DIR: /nowhere: "), "{nowhere}");
}
