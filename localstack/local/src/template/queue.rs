//! The queues.

use super::error::{Error, wrong};
use super::names::Names;
use super::node::Node;
use super::value::{Scope, Value};
use super::{number, only};

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// For how many seconds a received message is nobody else's.
    pub visibility: u32,
    /// For how many seconds a message is kept.
    pub retention: u32,
    /// Where messages go that fail again and again.
    pub redrive: Option<Redrive>,
}

/// A redrive policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The ARN of the dead-letter queue.
    pub target: String,
    /// After so many receives.
    pub receives: u32,
}

/// Those of [`Queue`], and those that make no difference here.
const PROPERTIES: [&str; 10] = [
    "FifoQueue",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MessageRetentionPeriod",
    "QueueName",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "Tags",
    "VisibilityTimeout",
];
const DEFAULT_VISIBILITY: u32 = 30;
const DEFAULT_RETENTION: u32 = 4 * 24 * 60 * 60;

pub(super) fn read(
    scope: &Scope<'_>,
    names: Names<'_>,
    id: &str,
    resource: &Node,
) -> Result<Queue, Error> {
    let line = resource.line;
    let properties = match resource.get("Properties") {
        Some(node) => scope.value(node)?,
        None => Value::None,
    };
    if properties.get("FifoQueue").text() == Some("true") {
        return Err(wrong(line, format!("{id} is a FIFO queue, which is not played here")));
    }
    only(&properties, &PROPERTIES, line)?;
    let attribute = |name: &str| {
        names.attribute(id, name).ok_or_else(|| wrong(line, format!("{id} has no name")))
    };
    let policy = properties.get("RedrivePolicy");
    let redrive = match policy.get("deadLetterTargetArn").text() {
        Some(target) => Some(Redrive {
            target: target.to_owned(),
            receives: number(policy, "maxReceiveCount", line)?
                .ok_or_else(|| wrong(line, "maxReceiveCount is missing"))?,
        }),
        None => None,
    };
    Ok(Queue {
        name: attribute("QueueName")?,
        arn: attribute("Arn")?,
        visibility: number(&properties, "VisibilityTimeout", line)?.unwrap_or(DEFAULT_VISIBILITY),
        retention: number(&properties, "MessageRetentionPeriod", line)?
            .unwrap_or(DEFAULT_RETENTION),
        redrive,
    })
}
