//! Event source mappings, with a real LocalStack and the probe as the function.

mod world;

use std::time::Duration;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
};
use local::lambda::Stream;
use local::queues::Queues;
use local::template::{Queue, Redrive};
use serde_json::{Value, json};
use services::REGION;

use world::{Bench, Cloud, arn, attributes, numbered, queue};

#[tokio::test]
async fn a_batch_is_handled_once_and_gone() {
    let cloud = Cloud::shared();
    let bench = Bench::new(&cloud, "batch", |_| ()).await;
    bench.send(&numbered(10)).await;
    let _mapping = bench.map();
    bench.until_empty().await;

    let batches = bench.batches();
    let [records] = batches.as_slice() else { panic!("one batch: {batches:?}") };
    let mut bodies: Vec<_> = records.iter().map(|record| record["body"].clone()).collect();
    bodies.sort_by_key(Value::to_string);
    assert_eq!(bodies, numbered(10));
    for record in records {
        assert!(record["messageId"].as_str().is_some_and(|id| id.len() == 36), "{record}");
        assert!(record["receiptHandle"].is_string(), "{record}");
        assert!(record["md5OfBody"].as_str().is_some_and(|digest| digest.len() == 32), "{record}");
        assert_eq!(record["eventSource"], "aws:sqs");
        assert_eq!(record["eventSourceARN"], arn("batch"));
        assert_eq!(record["awsRegion"], REGION);
        assert_eq!(record["messageAttributes"], json!({}));
        assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
        for name in ["SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"] {
            assert!(record["attributes"][name].is_string(), "{name} of {record}");
        }
    }
    assert_eq!(bench.lines.of(Stream::Runner), Vec::<String>::new());
}

#[tokio::test]
async fn attributes_of_messages_arrive_in_lambdas_shape() {
    let cloud = Cloud::shared();
    let bench = Bench::new(&cloud, "attributes", |_| ()).await;
    let attribute = |kind: &str| MessageAttributeValue::builder().data_type(kind);
    let text = attribute("String").string_value("task.created").build().unwrap();
    let number = attribute("Number").string_value("7").build().unwrap();
    let bytes = attribute("Binary").binary_value(Blob::new([0_u8, 255])).build().unwrap();
    let trace = MessageSystemAttributeValue::builder().data_type("String");
    let request = bench.queues.client().send_message().queue_url(bench.queues.url("attributes"));
    let request = request
        .message_body("{}")
        .message_attributes("event", text)
        .message_attributes("number", number)
        .message_attributes("bytes", bytes)
        .message_system_attributes(
            MessageSystemAttributeNameForSends::AwsTraceHeader,
            trace.string_value("Root=1-2-3").build().unwrap(),
        );
    Box::pin(request.send()).await.unwrap();
    let _mapping = bench.map();
    bench.until_empty().await;

    let batches = bench.batches();
    let record = &batches[0][0];
    let expected = json!({
        "event": {
            "stringValue": "task.created", "stringListValues": [], "binaryListValues": [],
            "dataType": "String",
        },
        "number": {
            "stringValue": "7", "stringListValues": [], "binaryListValues": [],
            "dataType": "Number",
        },
        "bytes": {
            "binaryValue": "AP8=", "stringListValues": [], "binaryListValues": [],
            "dataType": "Binary",
        },
    });
    assert_eq!(record["messageAttributes"], expected);
    assert!(record["md5OfMessageAttributes"].is_string(), "{record}");
    assert_eq!(record["attributes"]["AWSTraceHeader"], "Root=1-2-3");

    // The event that people try out functions with is made alike.
    let example: Value = serde_json::from_str(include_str!("../../../../events/sqs.json")).unwrap();
    let names =
        |record: &Value| -> Vec<String> { record.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(names(&example["Records"][0]), names(record));
}

#[tokio::test]
async fn a_message_that_fails_comes_back_alone_and_ends_with_the_dead_letters() {
    let cloud = Cloud::shared();
    let bench = Bench::new(&cloud, "partial", |queue| {
        // Long enough for the first process to start on a busy machine.
        queue.visibility = 4;
        queue.redrive.as_mut().unwrap().receives = 2;
    })
    .await;
    let poison = json!({ "do": "fail" }).to_string();
    let good = numbered(2);
    bench.send(&[good[0].clone(), poison.clone(), good[1].clone()]).await;
    let _mapping = bench.map();
    bench
        .until("it is among the dead letters", async || bench.left("partial-dead").await == 1)
        .await;
    bench.until_empty().await;

    assert_eq!(bench.batches()[0].len(), 3);
    assert_eq!(bench.count(&good[0]), 1);
    assert_eq!(bench.count(&good[1]), 1);
    let counts: Vec<Value> = bench
        .batches()
        .iter()
        .flatten()
        .filter(|record| record["body"] == poison)
        .map(|record| record["attributes"]["ApproximateReceiveCount"].clone())
        .collect();
    assert_eq!(counts, ["1", "2"]);
    let expected = [
        "partial: 1 of 3 messages failed and stay in the queue",
        "partial: 1 of 1 messages failed and stay in the queue",
    ];
    assert_eq!(bench.lines.of(Stream::Runner), expected);
}

#[tokio::test]
async fn a_function_that_fails_gets_its_whole_batch_again() {
    let cloud = Cloud::shared();
    let bench = Bench::new(&cloud, "whole", |queue| {
        queue.visibility = 1;
        queue.redrive.as_mut().unwrap().receives = 3;
    })
    .await;
    let poison = json!({ "do": "panic" }).to_string();
    let good = json!({ "n": 1 }).to_string();
    bench.send(&[good.clone(), poison.clone()]).await;
    let _mapping = bench.map();
    bench.until("the poison is out", async || bench.left("whole-dead").await >= 1).await;
    bench.until_empty().await;

    assert_eq!(bench.batches()[0].len(), 2);
    assert!(bench.count(&good) >= 2, "{:?}", bench.batches());
    assert_eq!(bench.count(&poison), 3);
    let first = bench.lines.of(Stream::Runner).remove(0);
    assert!(first.starts_with("whole: 2 messages stay in the queue: the function failed"));
}

#[tokio::test]
async fn without_partial_failures_an_answer_means_that_all_is_done() {
    let cloud = Cloud::shared();
    let mut bench = Bench::new(&cloud, "all", |_| ()).await;
    bench.source.partial_failures = false;
    bench.send(&[json!({ "do": "fail" }).to_string(), json!({}).to_string()]).await;
    let _mapping = bench.map();
    bench.until_empty().await;
    assert_eq!(bench.batches().len(), 1);
    assert_eq!(bench.left("all-dead").await, 0);
}

#[tokio::test]
async fn a_large_batch_is_gathered_until_it_is_full_or_its_time_is_over() {
    let cloud = Cloud::shared();
    let mut bench = Bench::new(&cloud, "gather", |_| ()).await;
    bench.source.batch_size = 25;
    bench.source.window = Duration::from_secs(8);
    bench.send(&numbered(37)).await;
    let _mapping = bench.map();
    bench.until_empty().await;
    let sizes: Vec<usize> = bench.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [25, 12]);
}

#[tokio::test]
async fn what_is_too_large_for_one_event_comes_in_several() {
    let cloud = Cloud::shared();
    let mut bench = Bench::new(&cloud, "large", |_| ()).await;
    bench.source.batch_size = 60;
    bench.source.window = Duration::from_secs(5);
    // In the event, each of these characters is two.
    let bodies: Vec<String> = (0..30).map(|n| format!("{n}{}", "\"".repeat(150_000))).collect();
    for body in bodies {
        bench.send(&[body]).await;
    }
    let _mapping = bench.map();
    bench.until_empty().await;
    let sizes: Vec<usize> = bench.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 30, "{sizes:?}");
    assert!(sizes.len() > 1, "{sizes:?}");
    assert_eq!(bench.lines.of(Stream::Runner), Vec::<String>::new());
}

#[tokio::test]
async fn only_so_many_batches_are_under_way_at_a_time() {
    let cloud = Cloud::shared();
    let mut bench = Bench::new(&cloud, "concurrency", |_| ()).await;
    bench.source.batch_size = 1;
    bench.source.concurrency = 2;
    let bodies: Vec<String> =
        (0..6).map(|n| json!({ "do": "sleep", "ms": 1000, "n": n }).to_string()).collect();
    bench.send(&bodies).await;
    let _mapping = bench.map();
    bench.until_empty().await;
    assert_eq!(bench.batches().len(), 6);
    // There is one for each call that was under way while another one was.
    assert_eq!(bench.function.processes(), 2);
}

#[tokio::test]
async fn a_mapping_stops_at_once_and_finishes_what_is_under_way() {
    let cloud = Cloud::shared();
    let bench = Bench::new(&cloud, "stop", |_| ()).await;
    let slow = json!({ "do": "sleep", "ms": 1500 }).to_string();
    bench.send(std::slice::from_ref(&slow)).await;
    let mapping = bench.map();
    bench.until("it has begun", async || bench.count(&slow) == 1).await;
    mapping.stop().await;
    assert_eq!(bench.left("stop").await, 0);

    // The poll that it had begun gets the next message, and gives it back.
    bench.send(&["late".to_owned()]).await;
    let late = async || {
        let request = bench.queues.client().receive_message();
        let answer = Box::pin(request.queue_url(bench.queues.url("stop")).send()).await.unwrap();
        answer.messages().iter().any(|message| message.body() == Some("late"))
    };
    bench.until("it can be taken by somebody else", late).await;
    assert_eq!(bench.count("late"), 0);
}

#[tokio::test]
async fn a_dropped_mapping_stops_too() {
    let cloud = Cloud::shared();
    let bench = Bench::new(&cloud, "drop", |_| ()).await;
    bench.send(&["first".to_owned()]).await;
    let mapping = bench.map();
    bench.until_empty().await;
    drop(mapping);
    bench.send(&["second".to_owned()]).await;
    let other = Bench::without_queue(&cloud, "drop");
    let mapping = other.map();
    other.until("it has come", async || other.count("second") == 1).await;
    mapping.stop().await;
    assert_eq!(bench.count("second"), 0);
}

#[tokio::test]
async fn queues_that_are_there_are_changed() {
    let cloud = Cloud::shared();
    let bench = Bench::new(&cloud, "twice", |_| ()).await;
    let before = attributes(&bench.queues, "twice").await;
    assert_eq!(before["VisibilityTimeout"], "600");
    let policy: Value = serde_json::from_str(&before["RedrivePolicy"]).unwrap();
    assert_eq!(policy["deadLetterTargetArn"], arn("twice-dead"));
    assert_eq!(policy["maxReceiveCount"].to_string().trim_matches('"'), "5");

    bench.send(&["kept".to_owned()]).await;
    bench
        .create(|queue| {
            queue.visibility = 7;
            queue.retention = 120;
            queue.redrive = None;
        })
        .await;
    let after = attributes(&bench.queues, "twice").await;
    assert_eq!(after["VisibilityTimeout"], "7");
    assert_eq!(after["MessageRetentionPeriod"], "120");
    assert_eq!(after.get("RedrivePolicy"), None);
    assert_eq!(bench.left("twice").await, 1);

    let wrong = Redrive { target: arn("nowhere"), receives: 0 };
    let wrong = Queue { redrive: Some(wrong), ..queue("twice") };
    let error = bench.queues.create(&[wrong]).await.unwrap_err().to_string();
    assert!(error.starts_with("LocalStack did not change the queue twice: "), "{error}");
}

#[tokio::test]
async fn buckets_are_made_once() {
    let cloud = Cloud::shared();
    let names = ["exports".to_owned(), "reports".to_owned()];
    let queues = cloud.queues();
    queues.create_buckets(&names).await.unwrap();
    queues.create_buckets(&names).await.unwrap();
    let error = queues.create_buckets(&["A".to_owned()]).await.unwrap_err().to_string();
    assert!(error.starts_with("LocalStack did not make the bucket A: 400"), "{error}");
    let nobody = Queues::connect("http://127.0.0.1:1", REGION);
    let error = nobody.create_buckets(&names).await.unwrap_err().to_string();
    assert!(error.contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn a_queue_may_come_later_than_its_mapping() {
    let cloud = Cloud::shared();
    let bench = Bench::without_queue(&cloud, "later");
    let _mapping = bench.map();
    bench.until_said("the queue later is not there; it is asked again and again").await;
    bench.create(|_| ()).await;
    bench.until_said("the queue later is back").await;
    bench.send(&["hello".to_owned()]).await;
    bench.until("it has come", async || bench.count("hello") == 1).await;
    assert_eq!(bench.lines.of(Stream::Runner).len(), 2, "{:?}", bench.lines.of(Stream::Runner));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_localstack_that_was_killed_is_waited_for() {
    let mut cloud = Cloud::start("killed");
    let bench = Bench::new(&cloud, "restart", |_| ()).await;
    let mapping = bench.map();
    let slow = json!({ "do": "sleep", "ms": 1000 }).to_string();
    bench.send(std::slice::from_ref(&slow)).await;
    bench.until("it has begun", async || bench.count(&slow) == 1).await;

    cloud.localstack.stop().unwrap();
    bench.until_said("the queue restart does not answer (").await;
    bench.until_said("restart: 1 messages are done, but still in the queue (").await;
    cloud.localstack.start().unwrap();
    bench.until_said("the queue restart is not there").await;
    bench.create(|_| ()).await;
    bench.until_said("the queue restart is back").await;
    bench.send(&["after".to_owned()]).await;
    bench.until("it has come", async || bench.count("after") == 1).await;
    bench.until_empty().await;
    assert_eq!(bench.lines.of(Stream::Runner).len(), 4, "{:?}", bench.lines.of(Stream::Runner));

    cloud.localstack.stop().unwrap();
    // Also while nobody answers.
    mapping.stop().await;
}
