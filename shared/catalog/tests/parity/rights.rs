//! Each function may do what it needs to, and nothing else.

use std::collections::BTreeSet;

use config::Need;
use domain::event::{Kind, Queue};
use serde_yaml_ng::Value;

use crate::template::{at, deployed, function, role_of};
use crate::{Declared, Serves, declared, same};

/// The logical id of a queue: `task-audit` is `AuditQueue`.
pub(crate) fn queue_id(queue: Queue) -> String {
    format!("{}Queue", word(queue))
}

/// The logical id of its dead letters.
pub(crate) fn dead_letters_id(queue: Queue) -> String {
    format!("{}DeadLetters", word(queue))
}

fn word(queue: Queue) -> String {
    let word = queue.name().trim_start_matches("task-");
    format!("{}{}", word[..1].to_uppercase(), &word[1..])
}

/// The rights that a function needs, each as one text.
fn needed(function: &Declared) -> BTreeSet<String> {
    let mut rights = BTreeSet::new();
    let mut send = |id: String| rights.insert(format!("send to {id}"));
    for need in &function.needs {
        match need {
            // It only asks whether the queue is there.
            Need::Wake if function.name == "health" => {}
            Need::Wake => drop(send(queue_id(Queue::Outbox))),
            Need::Queues => {
                for queue in Kind::ALL.iter().flat_map(|kind| kind.queues()) {
                    send(queue_id(*queue));
                }
            }
            Need::Letters => {
                if let Serves::Queue(spec) = function.serves {
                    send(dead_letters_id(spec.queue));
                }
            }
            _ => {}
        }
    }
    for need in &function.needs {
        match need {
            Need::Files if function.name == "exports-get" => {
                rights.insert("s3:GetObject of ExportsBucket".to_owned());
            }
            Need::Files => {
                rights.insert("s3:PutObject, s3:AbortMultipartUpload of ExportsBucket".to_owned());
            }
            Need::Cache => drop(rights.insert("read the secret of redis".to_owned())),
            Need::Database(role) => drop(rights.insert(format!("read the secret of {role}"))),
            Need::Cluster => drop(rights.insert("read the secret of migrate".to_owned())),
            Need::Mail => drop(rights.insert("read the secret of smtp".to_owned())),
            Need::Wake if function.name == "health" => {
                rights.insert("sqs:GetQueueAttributes of OutboxQueue".to_owned());
            }
            _ => {}
        }
    }
    match function.serves {
        Serves::Queue(spec) => drop(rights.insert(format!("take from {}", queue_id(spec.queue)))),
        Serves::Time(spec) => {
            rights.extend(spec.woken_by.map(|queue| format!("take from {}", queue_id(queue))));
        }
        Serves::Route => {}
    }
    rights
}

/// What follows a tag, without a part behind a dot: `!GetAtt OutboxQueue.Arn` is `OutboxQueue`, and so is
/// `!Sub ${OutboxQueue.Arn}/…`.
fn referred(value: &Value) -> String {
    let Value::Tagged(tagged) = value else { return format!("{value:?}") };
    let name = tagged.value.as_str().unwrap_or_default().trim_start_matches("${");
    name.split('.').next().unwrap_or_default().to_owned()
}

/// A policy of the template, in the same words.
fn right(policy: &Value) -> String {
    if let Some(policy) = policy.get("AWSSecretsManagerGetSecretValuePolicy") {
        return format!("read the secret of {}", role_of(&policy["SecretArn"]));
    }
    if let Some(policy) = policy.get("SQSSendMessagePolicy") {
        return format!("send to {}", referred(&policy["QueueName"]));
    }
    if let Some(policy) = policy.get("SQSPollerPolicy") {
        return format!("take from {}", referred(&policy["QueueName"]));
    }
    if let Some(statement) = policy.get("Statement") {
        let actions = match &statement["Action"] {
            Value::Sequence(all) => all.iter().filter_map(Value::as_str).collect(),
            one => vec![one.as_str().unwrap_or_default()],
        };
        return format!("{} of {}", actions.join(", "), referred(&statement["Resource"]));
    }
    format!("{policy:?}")
}

#[test]
fn each_function_may_do_what_it_needs_to_and_nothing_else() {
    let deployed = deployed();
    for declared in declared() {
        let name = declared.name;
        let policies = &function(&deployed, name)["Properties"]["Policies"];
        let policies = policies.as_sequence().cloned().unwrap_or_default();
        let found = policies.iter().map(right).collect();
        same(&needed(&declared), &found, &format!("the needs of {name}"), "its policies");
    }
}

#[test]
fn each_function_gets_the_credentials_of_its_role() {
    let deployed = deployed();
    for declared in declared() {
        let name = declared.name;
        let variables = &function(&deployed, name)["Properties"]["Environment"]["Variables"];
        let given = |setting: &str| at(variables, &[setting]).map(role_of);
        let role = declared.needs.iter().find_map(|need| match need {
            Need::Database(role) => Some((*role).to_owned()),
            _ => None,
        });
        assert_eq!(given("DATABASE_CREDENTIALS_ARN"), role, "{name}");
        let needs = |need| declared.needs.contains(&need);
        let redis = needs(Need::Cache).then(|| "redis".to_owned());
        assert_eq!(given("REDIS_CREDENTIALS_ARN"), redis, "{name}");
        let migrate = needs(Need::Cluster).then(|| "migrate".to_owned());
        assert_eq!(given("CLUSTER_CREDENTIALS_ARN"), migrate, "{name}");
    }
}
