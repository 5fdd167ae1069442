//! What a function is given when its time has come.

use std::time::SystemTime;

use axum::body::Bytes;
use clock::Clock;
use serde_json::json;
use services::REGION;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::template::{ACCOUNT, ScheduleRule};

/// The event of a rule at a time: its input, or what EventBridge sends if it has none.
pub fn event(rule: &ScheduleRule, at: SystemTime) -> Bytes {
    if let Some(input) = &rule.input {
        return input.clone().into();
    }
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let name = &rule.name;
    let event = json!({
        "version": "0",
        "id": Clock::system().new_id(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": OffsetDateTime::from(at).format(format).unwrap_or_default(),
        "region": REGION,
        "resources": [format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}")],
        "detail": {},
    });
    event.to_string().into()
}
