//! The cache as the pipeline uses it: one call before the work, one after it.

use std::collections::BTreeSet;

use clock::Clock;
use config::{ConfigError, Deps, Env, Need, Secrets, Start, defaults};
use domain::Role;
use redis::Value;
use telemetry::tally;
use uuid::Uuid;

use crate::calls::Redis;
use crate::entry::{Entry, Filling, Found, Lives, Shelf, Touch, found, millis};
use crate::fence::{Alone, Fence, Written};
use crate::greeting::{self, Bearer, Greeting, Standing, Told, greeting};
use crate::jitter::give_or_take;
use crate::known_bad::KnownBad;
use crate::limit::{Limit, Limits, Policy, Verdict, source_key};
use crate::relay;
use crate::scripts::{Scripts, Step};
use crate::settings::Settings;
use crate::stale::Stale;
use crate::value::{self, Cached};

/// Redis, and what we do with it. Never fails: what it does not say is not known.
pub struct Cache {
    pub(crate) redis: Redis,
    pub(crate) scripts: Scripts,
    limits: Limits,
    lives: Lives,
    clock: Clock,
    known_bad: KnownBad,
}

impl Deps for Cache {
    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need::Cache);
    }

    fn prepare(start: &Start<'_>) -> Result<Self, ConfigError> {
        Self::from_env(start.env, start.secrets.clone(), start.clock.clone())
    }

    async fn warm_up(&self) {
        if let Err(error) = self.redis.warm_up().await {
            tracing::warn!(target: telemetry::TARGET, error, "started without Redis");
        }
    }
}

impl Cache {
    /// A cache without a connection yet.
    pub fn from_env(env: &Env, secrets: Secrets, clock: Clock) -> Result<Self, ConfigError> {
        let settings = Settings::from_env(env)?;
        Ok(Self {
            scripts: Scripts::new(settings.known_bad),
            limits: settings.limits.clone(),
            lives: settings.lives,
            known_bad: settings.known_bad,
            redis: Redis::new(settings, secrets, clock.clone()),
            clock,
        })
    }

    /// Whether Redis answers.
    pub async fn is_up(&self) -> bool {
        self.redis.is_up().await
    }

    /// The call before the work of a request with a good token: how its bearer stands, whether they are
    /// within their limits (that of all calls, and that of the policy), and what is there of what the
    /// request touches. For a change it puts up the fences, which [`Self::lift`] takes down again.
    pub async fn greet(
        &self,
        bearer: Bearer<'_>,
        roles: &[Role],
        policy: Option<Policy>,
        touch: &Touch,
    ) -> (Greeting, Found) {
        let mut limits = vec![self.limits.of_user(roles)];
        limits.extend(policy.map(|policy| self.limits.of_policy(policy)));
        let nonce = self.clock.new_id().to_string();
        let fence = match touch {
            Touch::Change(task) => Some(Fence {
                nonce: nonce.clone(),
                since: self.clock.now(),
                task: *task,
                user: bearer.user,
                alone: Alone::default(),
            }),
            Touch::Nothing | Touch::Read(_) => None,
        };
        let mut steps = vec![self.greeting_step(bearer, &limits, &nonce)];
        if let Touch::Read(entry) = touch {
            let look = entry.shelf.step(&self.scripts.look);
            steps.push(look.arg(&entry.field).arg(&nonce).arg(millis(defaults::EPOCH_LIFE)));
        }
        steps.extend(fence.iter().flat_map(|fence| fence.raise(&self.scripts)));
        let told = self.redis.ask(&steps, |mut answers| {
            let rest = answers.split_off(1);
            Some((greeting(&answers.pop()?, &limits)?, rest))
        });
        let Some((greeting, mut rest)) = told.await else {
            tally(|request| request.limit_bypassed = true);
            let greeting = Greeting { standing: Standing::Unknown(None), limits: Vec::new() };
            let unknown = if *touch == Touch::Nothing { Found::Nothing } else { Found::Unknown };
            return (greeting, fence.map_or(unknown, Found::Fence));
        };
        let found = match (touch, fence) {
            (_, Some(fence)) => {
                // In the order in which they were put up: the task's, then the lists'.
                let mut next = || matches!(rest.pop(), Some(Value::Int(1)));
                let (at_lists, at_task) = (next(), next());
                let alone = Alone { at_task, at_lists };
                Found::Fence(Fence { alone, ..fence })
            }
            (Touch::Read(_), _) => rest.pop().and_then(found).unwrap_or(Found::Unknown),
            _ => Found::Nothing,
        };
        (greeting, found)
    }

    /// The call of a request without a good token: whether as many may come from where it comes from.
    /// Nothing if nobody counted.
    pub async fn count(&self, source_ip: &str, cost: u32) -> Option<Verdict> {
        let limit = self.limits.of_address();
        let meter = self.known_bad.meter(format!("rl:{{ip:{}}}", source_key(source_ip)));
        let steps = [limit.charge(self.scripts.limit.step(&[&meter]), cost)];
        let verdict = self.redis.ask(&steps, |answers| match answers.first()? {
            Value::Array(answer) => limit.verdict(answer),
            _ => None,
        });
        let verdict = verdict.await;
        if verdict.is_none() {
            tally(|request| request.limit_bypassed = true);
        }
        verdict
    }

    /// The value that a text holds, if it belongs to the entry.
    pub fn read<T: Cached>(&self, entry: &Entry, text: &str) -> Option<T> {
        value::decode(entry, text)
    }

    /// The call after a read: keeps what was learned from the database.
    pub async fn keep(&self, standing: Option<&Told>, filling: Option<Filling>) {
        let standing = standing.map(|told| self.remember_step(told));
        let filling = filling.map(|filling| filling.step(&self.scripts, &self.lives));
        let steps: Vec<Step> = standing.into_iter().chain(filling).collect();
        if !steps.is_empty() {
            self.redis.run(&steps).await;
        }
    }

    /// Whether a fence is so young that it will stand until the change is made.
    pub fn is_fresh(&self, fence: &Fence) -> bool {
        let age = self.clock.now().duration_since(fence.since).unwrap_or_default();
        age <= defaults::FENCE_FRESH
    }

    /// The call after a change that was made, or after one that is known not to have been made. Who does
    /// not stand as before is not to be vouched for any longer, so Redis is told again and again for a
    /// while, if need be. Says whether somebody carries events, as far as Redis knows.
    pub async fn lift(
        &self,
        fence: Option<&Fence>,
        written: &Written,
        standing: Option<&Told>,
    ) -> bool {
        let mut steps = Vec::new();
        if let Some(fence) = fence {
            steps.extend(fence.lift(written, &self.scripts, &self.lives));
        }
        let nonce = self.clock.new_id().to_string();
        steps.extend(written.judged.iter().map(|user| self.forget_step(*user, &nonce)));
        steps.extend(standing.map(|told| self.remember_step(told)));
        // After the commit: who goes to sleep meanwhile looks once more, and sees what was committed.
        steps.push(relay::look(&self.scripts));
        let answers = if written.judged.is_empty() {
            self.redis.run(&steps).await
        } else {
            let told = self.redis.insist(&steps, defaults::REDIS_INSIST).await;
            if told.is_none() {
                let why = "Redis was not told of a logout or deactivation; for some minutes it may vouch \
                           for the user";
                tracing::error!(target: telemetry::TARGET, "{why}");
            }
            told
        };
        relay::is_awake(answers.as_deref().and_then(<[Value]>::last))
    }

    /// Drops what events made out of date. Says whether Redis did so.
    pub async fn drop(&self, stale: &[Stale]) -> bool {
        let nonce = self.clock.new_id().to_string();
        let tasks = stale.iter().filter_map(|stale| stale.task);
        let tasks =
            tasks.map(|(id, version)| Shelf::Task(id).drop(&nonce, Some(version), &self.scripts));
        // Each user once, however many events there are.
        let lists: BTreeSet<Uuid> = stale.iter().flat_map(|stale| &stale.lists).copied().collect();
        let lists =
            lists.into_iter().map(|user| Shelf::Lists(user).drop(&nonce, None, &self.scripts));
        let standings: BTreeSet<Uuid> =
            stale.iter().flat_map(|stale| &stale.standings).copied().collect();
        let standings = standings.into_iter().map(|user| self.forget_step(user, &nonce));
        let steps: Vec<Step> = tasks.chain(lists).chain(standings).collect();
        steps.is_empty() || self.redis.run(&steps).await.is_some()
    }

    fn greeting_step(&self, bearer: Bearer<'_>, limits: &[Limit], nonce: &str) -> Step {
        let [standing, epoch, meter] = greeting::keys(bearer.user);
        let others = limits.iter().skip(1).map(|limit| greeting::policy_key(bearer.user, limit));
        let meters = std::iter::once(meter).chain(others);
        let meters: Vec<String> = meters.map(|meter| self.known_bad.meter(meter)).collect();
        let mut keys = vec![standing.as_str(), &epoch];
        keys.extend(meters.iter().map(String::as_str));
        let step = self.scripts.greet.step(&keys);
        let step = step.arg(bearer.issued_at).arg(bearer.session.unwrap_or_default());
        let step = step.arg(nonce).arg(millis(defaults::EPOCH_LIFE));
        limits.iter().fold(step, |step, limit| limit.charge(step, 1))
    }

    fn remember_step(&self, told: &Told) -> Step {
        let [standing, key, _] = greeting::keys(told.user);
        let life = give_or_take(defaults::STANDING_LIFE, 10);
        self.scripts
            .remember
            .step(&[&standing, &key])
            .arg(&told.epoch.0)
            .arg(told.text())
            .arg(millis(life))
    }

    fn forget_step(&self, user: Uuid, nonce: &str) -> Step {
        let [standing, key, _] = greeting::keys(user);
        self.scripts.forget.step(&[&standing, &key]).arg(nonce).arg(millis(defaults::EPOCH_LIFE))
    }
}
