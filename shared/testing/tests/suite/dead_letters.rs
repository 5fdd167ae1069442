//! Dead letters: looked at, and sent back to their queue. (The program in front of it has tests of its own.)

use aws_sdk_sqs::types::MessageAttributeValue;
use queue::desk::{Desk, DeskError, Moved};
use testing::TestApp;

/// A queue of the app's own, as SQS calls it.
struct Names {
    queue: String,
    dead: String,
}

async fn start(app: &TestApp) -> (Desk, Names) {
    let desk = Desk::new(app.queues().await.client().clone());
    let name = |name: &str| app.queue_url(name).rsplit('/').next().unwrap().to_owned();
    (desk, Names { queue: name("task-audit"), dead: name("task-audit-dlq") })
}

/// Puts a message among the dead letters, as a worker does.
async fn bury(app: &TestApp, body: &str) {
    let text = MessageAttributeValue::builder().data_type("String");
    let call = app.queues().await.client().send_message();
    let call = call.queue_url(app.queue_url("task-audit-dlq")).message_body(body);
    let call = call.message_attributes("reason", text.string_value("because").build().unwrap());
    call.send().await.unwrap();
}

/// Has SQS itself give a message up: it was received too often.
async fn give_up(app: &TestApp, body: &str) {
    let (client, url) = (app.queues().await.client(), app.queue_url("task-audit"));
    client.send_message().queue_url(&url).message_body(body).send().await.unwrap();
    for _ in 0..100 {
        let receive = client.receive_message().queue_url(&url).visibility_timeout(0);
        if receive.send().await.unwrap().messages.unwrap_or_default().is_empty() {
            return;
        }
    }
    panic!("SQS never gives it up");
}

/// The bodies of what is in the queue now, sorted.
async fn bodies(app: &TestApp, queue: &str) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let some = app.take(queue).await;
        if some.is_empty() {
            all.sort_unstable();
            return all;
        }
        all.extend(some.into_iter().map(|(body, _)| body));
    }
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{n:02}")).collect()
}

#[tokio::test]
async fn a_look_shows_no_more_than_was_asked_for_and_hides_nothing() {
    let app = TestApp::start().await;
    let (desk, names) = start(&app).await;
    assert!(desk.look(&names.dead, 10).await.unwrap().is_empty());
    for body in numbered(12) {
        bury(&app, &body).await;
    }
    assert_eq!(desk.look(&names.dead, 11).await.unwrap().len(), 11);
    let letters = desk.look(&names.dead, 100).await.unwrap();
    let mut seen: Vec<&str> = letters.iter().map(|letter| letter.body.as_str()).collect();
    seen.sort_unstable();
    assert_eq!(seen, numbered(12));
    assert!(letters.iter().all(|letter| letter.reason.as_deref() == Some("because")));
    assert!(letters.iter().all(|letter| letter.received >= Some(1) && letter.sent_at.is_some()));
    assert_eq!(desk.count(&names.dead).await.unwrap().visible, 12);
}

#[tokio::test]
async fn a_redrive_sends_back_what_a_worker_buried_and_what_sqs_gave_up() {
    let app = TestApp::start().await;
    let (desk, names) = start(&app).await;
    give_up(&app, "00").await;
    for body in &numbered(12)[1..] {
        bury(&app, body).await;
    }
    let mut told = 0;
    let moved = desk.redrive(&names.queue, &names.dead, |progress| told = progress.moved).await;
    assert_eq!(moved.unwrap(), Moved { moved: 12, left: 0 });
    assert_eq!(told, 12);
    assert_eq!(bodies(&app, "task-audit").await, numbered(12));
    assert_eq!(bodies(&app, "task-audit-dlq").await, [""; 0]);
    // Nothing to do is no error.
    let moved = desk.redrive(&names.queue, &names.dead, |_| {}).await;
    assert_eq!(moved.unwrap(), Moved { moved: 0, left: 0 });
}

#[tokio::test]
async fn what_somebody_holds_is_left_and_said() {
    let app = TestApp::start().await;
    let (desk, names) = start(&app).await;
    for body in numbered(2) {
        bury(&app, &body).await;
    }
    let client = app.queues().await.client();
    let hold = client.receive_message().queue_url(app.queue_url("task-audit-dlq"));
    hold.visibility_timeout(60).max_number_of_messages(1).send().await.unwrap();
    let moved = desk.redrive(&names.queue, &names.dead, |_| {}).await;
    assert_eq!(moved.unwrap(), Moved { moved: 1, left: 1 });
}

#[tokio::test]
async fn where_sqs_cannot_move_messages_it_is_done_by_hand() {
    let app = TestApp::start().await;
    let (desk, names) = start(&app).await;
    for body in numbered(12) {
        bury(&app, &body).await;
    }
    let moved = desk.move_by_hand(&names.queue, &names.dead, &mut |_| {}).await;
    assert_eq!(moved.unwrap(), 12);
    let first = app.take("task-audit").await;
    assert!(
        first.iter().all(|(_, reason)| reason.as_deref() == Some("because")),
        "with attributes"
    );
    let all = first.len() + bodies(&app, "task-audit").await.len();
    assert_eq!((all, bodies(&app, "task-audit-dlq").await.len()), (12, 0));
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_named() {
    let app = TestApp::start().await;
    let (desk, _) = start(&app).await;
    let error = desk.count("task-flights").await.unwrap_err();
    assert!(matches!(&error, DeskError::NotThere(name) if name == "task-flights"), "{error}");
    assert!(error.to_string().contains("there is no queue task-flights here"), "{error}");
}
