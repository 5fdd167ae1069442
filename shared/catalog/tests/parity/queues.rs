//! Queues, event source mappings and schedules are as the workers and jobs declare them.

use std::collections::BTreeSet;

use domain::event::{Kind, Queue};
use serde_yaml_ng::Value;

use crate::rights::{dead_letters_id, queue_id};
use crate::template::{at, deployed, function, parameter, template, text};
use crate::{Serves, declared, same};

fn number(value: &Value, keys: &[&str]) -> Option<u64> {
    at(value, keys).and_then(Value::as_u64)
}

/// `!GetAtt AuditQueue.Arn`.
fn is_arn_of(value: &Value, id: &str) -> bool {
    matches!(value, Value::Tagged(tagged)
        if tagged.tag == "GetAtt" && tagged.value.as_str() == Some(&format!("{id}.Arn")))
}

/// The events of a function of one type, with their names.
fn events(function: &Value, of_type: &str) -> Vec<(String, Value)> {
    let events = at(function, &["Properties", "Events"]).and_then(Value::as_mapping);
    let events = events.into_iter().flatten();
    events
        .filter(|(_, event)| text(event, &["Type"]) == of_type)
        .map(|(name, event)| (name.as_str().unwrap().to_owned(), event["Properties"].clone()))
        .collect()
}

#[test]
fn each_worker_has_the_mapping_it_declares() {
    let deployed = deployed();
    for declared in declared() {
        let Serves::Queue(spec) = declared.serves else { continue };
        let (name, function) = (spec.name, function(&deployed, spec.name));
        let timeout = number(function, &["Properties", "Timeout"]);
        assert_eq!(timeout, Some(spec.timeout.into()), "{name}: Timeout");
        let events = events(function, "SQS");
        let [(_, mapping)] = &events[..] else { panic!("{name} serves {} queues", events.len()) };
        assert!(is_arn_of(&mapping["Queue"], &queue_id(spec.queue)), "{name}: Queue");
        assert_eq!(number(mapping, &["BatchSize"]), Some(spec.batch.into()), "{name}: BatchSize");
        let window = number(mapping, &["MaximumBatchingWindowInSeconds"]).unwrap_or_default();
        assert_eq!(window, u64::from(spec.window), "{name}: MaximumBatchingWindowInSeconds");
        let types = at(mapping, &["FunctionResponseTypes", "0"])
            .or(mapping["FunctionResponseTypes"].get(0));
        let types = types.and_then(Value::as_str);
        assert_eq!(types, Some("ReportBatchItemFailures"), "{name}: FunctionResponseTypes");
        let most = number(mapping, &["ScalingConfig", "MaximumConcurrency"]);
        assert_eq!(most, Some(spec.at_once.into()), "{name}: MaximumConcurrency");
        let reserved = number(function, &["Properties", "ReservedConcurrentExecutions"]);
        assert!(
            reserved > most,
            "{name}: what the mapping may use must be less than what is reserved, or throttles count \
             as receives"
        );
        let url = parameter(function, "QUEUE_URL");
        assert_eq!(url, Some(queue_id(spec.queue)), "{name}: QUEUE_URL");
        let url = parameter(function, "DEAD_LETTER_QUEUE_URL");
        assert_eq!(url, Some(dead_letters_id(spec.queue)), "{name}: DEAD_LETTER_QUEUE_URL");
    }
}

#[test]
fn each_job_runs_when_it_says_and_at_no_other_time() {
    let deployed = deployed();
    for declared in declared() {
        let Serves::Time(spec) = declared.serves else { continue };
        let (name, function) = (spec.name, function(&deployed, spec.name));
        let timeout = number(function, &["Properties", "Timeout"]);
        assert_eq!(timeout, Some(spec.timeout.into()), "{name}: Timeout");
        let schedules = spec.schedules.iter().map(|s| format!("{} {} {}", s.name, s.at, s.input));
        let found = events(function, "Schedule").into_iter().map(|(event, schedule)| {
            format!("{event} {} {}", text(&schedule, &["Schedule"]), text(&schedule, &["Input"]))
        });
        same(
            &schedules.collect(),
            &found.collect(),
            &format!("the spec of {name}"),
            "its schedules",
        );
        let woken = events(function, "SQS");
        assert_eq!(woken.len(), usize::from(spec.woken_by.is_some()), "{name}");
        for (queue, (_, mapping)) in spec.woken_by.iter().zip(&woken) {
            assert!(is_arn_of(&mapping["Queue"], &queue_id(*queue)), "{name}: Queue");
        }
    }
}

#[test]
fn each_queue_keeps_its_messages_long_enough_and_its_dead_letters_longer() {
    let template = template();
    let deployed = declared();
    for queue in Queue::ALL {
        let name = queue.name();
        let of = |id: &str| template["Resources"][id]["Properties"].clone();
        let (source, dead) = (of(&queue_id(queue)), of(&dead_letters_id(queue)));
        assert_eq!(text(&source, &["QueueName"]), name);
        assert_eq!(text(&dead, &["QueueName"]), format!("{name}-dlq"));
        let spec = deployed.iter().find_map(|declared| match declared.serves {
            Serves::Queue(spec) if spec.queue == queue => Some((spec.visibility, spec.receives)),
            Serves::Time(spec) if spec.woken_by == Some(queue) => Some((6 * spec.timeout, 5)),
            _ => None,
        });
        let Some((visibility, receives)) = spec else { panic!("nobody serves {name}") };
        assert_eq!(number(&source, &["VisibilityTimeout"]), Some(visibility.into()), "{name}");
        let redrive = &source["RedrivePolicy"];
        assert_eq!(number(redrive, &["maxReceiveCount"]), Some(receives.into()), "{name}");
        assert!(is_arn_of(&redrive["deadLetterTargetArn"], &dead_letters_id(queue)), "{name}");
        let kept = |queue: &Value| number(queue, &["MessageRetentionPeriod"]).unwrap_or_default();
        assert!(kept(&source) >= 4 * 86_400, "{name}");
        assert!(kept(&dead) > kept(&source), "{name}: the time counts on from the first queue");
    }
}

#[test]
fn every_queue_that_events_go_to_is_served_and_the_relay_knows_where_it_is() {
    let served: BTreeSet<_> = declared()
        .iter()
        .filter_map(|declared| match declared.serves {
            Serves::Queue(spec) => Some(spec.queue.name().to_owned()),
            _ => None,
        })
        .collect();
    let routed = Kind::ALL.iter().flat_map(|kind| kind.queues());
    let routed = routed.map(|queue| queue.name().to_owned()).collect();
    same(&routed, &served, "the routing table", "the workers of the catalog");

    let deployed = deployed();
    let relay = function(&deployed, "outbox-relay");
    for queue in Queue::ALL {
        let word = queue.name().trim_start_matches("task-").to_uppercase();
        let url = parameter(relay, &format!("{word}_QUEUE_URL"));
        assert_eq!(url, Some(queue_id(queue)), "{word}_QUEUE_URL");
    }
}
