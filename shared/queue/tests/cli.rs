//! The program behind `make queues`, `make dlq` and `make redrive`, against a real LocalStack. In a region of
//! its own: there, nobody else has queues of these names.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends, and says where")]

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use domain::event::Queue;
use tokio::process::Command;

const REGION: &str = "eu-central-1";

async fn client() -> Client {
    let settings = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(REGION));
    Client::new(&settings.load().await)
}

/// Makes the queues, as the template says.
async fn deploy(client: &Client) {
    for queue in Queue::ALL {
        let dead = client.create_queue().queue_name(format!("{}-dlq", queue.name()));
        let dead = dead.send().await.unwrap().queue_url.unwrap();
        let attributes = client.get_queue_attributes().queue_url(dead);
        let attributes = attributes.attribute_names(QueueAttributeName::QueueArn).send().await;
        let arn = attributes.unwrap().attributes.unwrap()[&QueueAttributeName::QueueArn].clone();
        let policy = format!(r#"{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": 5}}"#);
        let queue = client.create_queue().queue_name(queue.name());
        queue.attributes(QueueAttributeName::RedrivePolicy, policy).send().await.unwrap();
    }
    client.create_queue().queue_name("maintenance-failures").send().await.unwrap();
}

/// Runs the program: how it ended, what it said, and what it complained about.
async fn run(words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_queues"));
    let output = command.args(words).env("AWS_REGION", REGION).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn dead_letters_are_counted_looked_at_and_sent_back() {
    let client = client().await;
    deploy(&client).await;
    let url = client.get_queue_url().queue_name("task-audit-dlq").send().await.unwrap();
    let letter = client.send_message().queue_url(url.queue_url.unwrap());
    let body = r#"{"event": "task.created", "taskId": "t-1", "id": "e-1", "requestId": "r-1"}"#;
    let reason = MessageAttributeValue::builder().data_type("String");
    let reason = reason.string_value("the reason\u{9b}").build().unwrap();
    letter.message_body(body).message_attributes("reason", reason).send().await.unwrap();

    let (code, table, _) = run(&["--aws", "list"]).await;
    assert_eq!(code, Some(0));
    let row = |name: &str| {
        let row = table.lines().find(|row| row.starts_with(&format!("{name} "))).expect("a row");
        row.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("task-audit"), "0 0 0 - 1", "{table}");
    assert_eq!(row("task-notifications"), "0 0 0 - 0", "{table}");
    assert_eq!(row("maintenance-failures"), "- - - - 0", "{table}");

    let (code, shown, _) = run(&["--aws", "look", "task-audit"]).await;
    assert_eq!(code, Some(0));
    for words in ["the reason \n", "task.created e-1", "t-1", "r-1", "received 1 times"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("\"taskId\""), "the body is shown on request only: {shown}");
    // At once: the first look did not hide it.
    let (_, shown, _) = run(&["--aws", "look", "task-audit-dlq", "1", "--verbose"]).await;
    assert!(shown.contains(body), "{shown}");

    let (code, told, _) = run(&["--aws", "redrive", "task-audit"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("1 went back to task-audit; no dead letters are left"), "{told}");
    let (_, table, _) = run(&["--aws", "list"]).await;
    let row = table.lines().find(|row| row.starts_with("task-audit ")).expect("a row");
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["task-audit", "1", "0", "0", "-", "0"]);
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let complaint = async |words: &[&str]| {
        let (code, _, complaint) = run(words).await;
        assert_eq!(code, Some(1), "{words:?}: {complaint}");
        complaint
    };
    for words in [["look", "task-flights"], ["redrive", "task-flights-dlq"]] {
        let complaint = complaint(&words).await;
        assert!(complaint.contains("there are task-notifications, task-analytics"), "{complaint}");
    }
    assert!(complaint(&["look", ""]).await.contains("QUEUE is missing"));
    assert!(complaint(&["look", "task-audit", "many"]).await.contains("MAX is no number"));
    assert!(complaint(&["redrive", "maintenance-failures"]).await.contains("make trigger"));
    let (code, _, complaint) = run(&["dance"]).await;
    assert_eq!(code, Some(2));
    assert!(complaint.starts_with("usage:"), "{complaint}");
}
