//! How often somebody may call.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use config::{ConfigError, Env, defaults};
use domain::Role;
use redis::Value;
use serde::Deserialize;

use crate::scripts::Step;

/// So many calls in so long a time: all at once, or spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The name by which clients know it.
    pub name: &'static str,
    /// How many calls.
    pub calls: u32,
    /// In which time.
    pub window: Duration,
}

/// A limit of some calls alone, besides that of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Asking for exports.
    Exports,
}

/// What a limit says of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The limit.
    pub limit: Limit,
    /// Whether the call is within it.
    pub allowed: bool,
    /// How many more calls would be, right now.
    pub remaining: u32,
    /// In how many seconds the next call will be, for one that is not; otherwise, until as many as ever
    /// may be made at once.
    pub seconds: u32,
}

impl Limit {
    /// Adds the arguments of `take` in scripts/meter.lua.
    pub(crate) fn charge(&self, step: Step, cost: u32) -> Step {
        let interval = self.window.as_micros() / u128::from(self.calls);
        // Nobody is refused for good.
        step.arg(interval.max(1)).arg(self.calls).arg(cost.min(self.calls))
    }

    /// Reads its answer.
    pub(crate) fn verdict(&self, answer: &[Value]) -> Option<Verdict> {
        let number = |index: usize| match answer.get(index) {
            Some(Value::Int(number)) => Some(u32::try_from(*number).unwrap_or_default()),
            _ => None,
        };
        let (allowed, remaining, seconds) = (number(0)? == 1, number(1)?, number(2)?);
        Some(Verdict { limit: *self, allowed, remaining, seconds })
    }
}

/// The limits of the system: the setting `RATE_LIMITS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    user: Limit,
    /// Of those without a valid token, by where they call from.
    ip: Limit,
    exports: Limit,
    roles: BTreeMap<&'static str, Limit>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wire {
    user: Option<String>,
    ip: Option<String>,
    exports: Option<String>,
    roles: BTreeMap<String, String>,
}

impl Limits {
    pub(crate) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let text: String = env.or("RATE_LIMITS", "{}".to_owned())?;
        Self::parse(&text).map_err(|why| ConfigError::new("RATE_LIMITS", why))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wire: Wire = serde_json::from_str(text).map_err(|error| {
            format!(
                "must be like {{\"user\": \"100/60\", \"ip\": \"300/60\", \
                 \"exports\": \"10/3600\", \"roles\": {{\"admin\": \"1000/60\"}}}}, calls per \
                 seconds: {error}"
            )
        })?;
        let limit = |name, text: Option<String>, usual: (u32, Duration)| match text {
            Some(text) => limit(name, &text),
            None => Ok(Limit { name, calls: usual.0, window: usual.1 }),
        };
        let mut roles = BTreeMap::new();
        for (role, text) in wire.roles {
            let role = Role::named(&role).ok_or_else(|| format!("knows no role `{role}`"))?;
            roles.insert(role.name(), self::limit(USER, &text)?);
        }
        Ok(Self {
            user: limit(USER, wire.user, defaults::USER_LIMIT)?,
            ip: limit("ip", wire.ip, defaults::IP_LIMIT)?,
            exports: limit("exports", wire.exports, defaults::EXPORTS_LIMIT)?,
            roles,
        })
    }

    /// The limit of somebody with these roles: the most generous one.
    pub(crate) fn of_user(&self, roles: &[Role]) -> Limit {
        let own = roles.iter().filter_map(|role| self.roles.get(role.name()));
        let often = |limit: &Limit| f64::from(limit.calls) / limit.window.as_secs_f64();
        own.copied().max_by(|a, b| often(a).total_cmp(&often(b))).unwrap_or(self.user)
    }

    /// The limit of some calls alone.
    pub(crate) const fn of_policy(&self, policy: Policy) -> Limit {
        match policy {
            Policy::Exports => self.exports,
        }
    }

    /// The limit of somebody who is not known, by where they call from.
    pub(crate) const fn of_address(&self) -> Limit {
        self.ip
    }
}

const USER: &str = "user";

/// Reads `100/60`: a hundred calls in sixty seconds.
fn limit(name: &'static str, text: &str) -> Result<Limit, String> {
    let wrong = || format!("`{text}` must be calls per seconds, as 100/60");
    let (calls, seconds) = text.split_once('/').ok_or_else(wrong)?;
    let calls: u32 = calls.trim().parse().map_err(|_| wrong())?;
    let seconds: u32 = seconds.trim().parse().map_err(|_| wrong())?;
    if !(1..=1_000_000).contains(&calls) || !(1..=86_400).contains(&seconds) {
        return Err(wrong());
    }
    Ok(Limit { name, calls, window: Duration::from_secs(seconds.into()) })
}

/// Who calls from there: an address of the fourth version, or the network of one of the sixth, of
/// which anybody has as many as they like.
pub(crate) fn source_key(source_ip: &str) -> String {
    match source_ip.trim().parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        // The gateway always says where a request comes from; whoever does not share one limit.
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Limits {
        Limits::parse(text).unwrap()
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let usual = limits("{}");
        assert_eq!((usual.user.calls, usual.user.window.as_secs()), (100, 60));
        assert_eq!((usual.ip.calls, usual.ip.window.as_secs()), (300, 60));
        let exports = usual.of_policy(Policy::Exports);
        assert_eq!((exports.calls, exports.window.as_secs()), (10, 3600));
        let told = limits(r#"{"user": "5/1", "exports": "7/60"}"#);
        assert_eq!((told.user.calls, told.ip.calls, told.exports.calls), (5, 300, 7));
    }

    #[test]
    fn of_several_roles_the_most_generous_counts() {
        let limits = limits(r#"{"roles": {"admin": "10/1", "viewer": "100/60"}}"#);
        let calls = |roles: &[Role]| limits.of_user(roles).calls;
        assert_eq!(calls(&[Role::User]), 100);
        assert_eq!(calls(&[Role::Viewer, Role::Admin]), 10);
        assert_eq!(limits.of_user(&[Role::Admin]).window.as_secs(), 1);
    }

    #[test]
    fn wrong_limits_are_named() {
        for text in [
            "x",
            r#"{"user": 5}"#,
            r#"{"user": "5"}"#,
            r#"{"user": "0/60"}"#,
            r#"{"user": "5/0"}"#,
            r#"{"users": "5/60"}"#,
            r#"{"roles": {"boss": "5/60"}}"#,
        ] {
            assert!(Limits::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_one_caller_and_so_is_a_network_of_the_sixth_version() {
        assert_eq!(source_key("203.0.113.9"), "203.0.113.9");
        assert_eq!(source_key("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(source_key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(source_key("2001:db8:1:2::"), source_key("2001:DB8:1:2:ffff::1"));
        assert_ne!(source_key("2001:db8:1:3::1"), source_key("2001:db8:1:2::1"));
        for nonsense in ["", "x", "1.2.3", "}{"] {
            assert_eq!(source_key(nonsense), "unknown");
        }
    }
}
