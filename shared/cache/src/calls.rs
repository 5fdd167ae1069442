//! One call of Redis: some scripts, one round trip, one budget, all or nothing.

use std::time::Duration;

use clock::Clock;
use config::Secrets;
use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use telemetry::tally;
use tokio::time::{sleep, timeout};

use crate::breaker::{Breaker, Result as Outcome};
use crate::link::{Answer, Connection, Link, words};
use crate::scripts::Step;
use crate::settings::Settings;

pub(crate) struct Redis {
    link: Link,
    breaker: Breaker,
    call: Duration,
}

/// Why a call brought nothing.
struct Failure(Outcome, String);

/// What is to be done after a failed attempt.
enum Attempt {
    Done(Vec<Value>),
    /// The connection had been closed: another one may do.
    Lost(String),
    Failed(String),
    /// A key was of a wrong type, and was removed.
    Mended,
}

impl Redis {
    pub(crate) fn new(settings: Settings, secrets: Secrets, clock: Clock) -> Self {
        let call = settings.call;
        Self { link: Link::new(settings, secrets), breaker: Breaker::new(clock), call }
    }

    /// Opens the connection, if it can be opened now.
    pub(crate) async fn warm_up(&self) -> Result<(), String> {
        self.link.connection().await.map(drop)
    }

    /// Whether Redis answers.
    pub(crate) async fn is_up(&self) -> bool {
        let ping = async {
            let (mut connection, number) = self.link.connection().await.ok()?;
            let mut ping = Cmd::new();
            ping.arg("PING");
            let answers = timeout(self.call, connection.send(vec![ping])).await.ok()?;
            if answers.is_err() {
                self.link.close(number).await;
            }
            answers.ok()?.pop()?.ok()
        };
        ping.await.is_some()
    }

    /// Runs scripts. Nothing if Redis does not answer in time, refuses one of them, or is left alone
    /// for the moment: then nobody knows which of them were run.
    pub(crate) async fn run(&self, steps: &[Step]) -> Option<Vec<Value>> {
        let Some(permit) = self.breaker.permit() else {
            tally(|request| request.redis_skipped += 1);
            return None;
        };
        match self.attempts(steps).await {
            Ok(values) => {
                permit.report(Outcome::Good, "");
                Some(values)
            }
            Err(Failure(outcome, why)) => {
                tally(|request| request.redis_failed += 1);
                if permit.report(outcome, &why) {
                    // It may lead nowhere, without a word. Whoever tries next makes another.
                    self.link.close_any();
                }
                None
            }
        }
    }

    /// Runs scripts, again and again until it works or the time is up. Asks nobody whether Redis is worth
    /// a call.
    pub(crate) async fn insist(&self, steps: &[Step], time: Duration) -> Option<Vec<Value>> {
        const PAUSE: Duration = Duration::from_millis(100);
        let trying = async {
            loop {
                if let Ok(values) = self.attempts(steps).await {
                    return values;
                }
                tally(|request| request.redis_failed += 1);
                sleep(PAUSE).await;
            }
        };
        timeout(time, trying).await.ok()
    }

    /// The same, and makes sense of the answers. What makes none is a failure, too.
    pub(crate) async fn ask<T>(
        &self,
        steps: &[Step],
        read: impl FnOnce(Vec<Value>) -> Option<T>,
    ) -> Option<T> {
        let told = read(self.run(steps).await?);
        if told.is_none() {
            tally(|request| request.redis_failed += 1);
        }
        told
    }

    /// A connection that was lost while the environment was frozen shows at the first call, so there is a
    /// second attempt. It does no harm if the first one was run: each script may be run twice, but for
    /// the count of a limit, which is then one higher. The same holds for what was mended.
    async fn attempts(&self, steps: &[Step]) -> Result<Vec<Value>, Failure> {
        let (mut lost, mut mended) = (false, false);
        loop {
            let connection = self.link.connection().await;
            let (mut connection, number) =
                connection.map_err(|why| Failure(Outcome::Unreachable, why))?;
            match timeout(self.call, attempt(&mut connection, steps)).await {
                Ok(Attempt::Done(values)) => return Ok(values),
                Ok(Attempt::Lost(_)) if !lost => {
                    self.link.close(number).await;
                    lost = true;
                }
                Ok(Attempt::Mended) if !mended => mended = true,
                Ok(Attempt::Mended) => {
                    let why = "a key is of a wrong type again";
                    return Err(Failure(Outcome::Failed, why.to_owned()));
                }
                Ok(Attempt::Lost(why) | Attempt::Failed(why)) => {
                    // It may lead to a server that became a replica: the next one will not.
                    self.link.close(number).await;
                    return Err(Failure(Outcome::Failed, why));
                }
                Err(_elapsed) => {
                    return Err(Failure(Outcome::Failed, "no answer in time".to_owned()));
                }
            }
        }
    }
}

async fn attempt(connection: &mut Connection, steps: &[Step]) -> Attempt {
    let mut answers = match send(connection, steps.iter().map(Step::by_digest).collect()).await {
        Ok(answers) => answers,
        Err(lost) => return lost,
    };
    let unknown: Vec<usize> =
        (0..answers.len()).filter(|index| is_unknown_script(&answers[*index])).collect();
    if !unknown.is_empty() {
        let texts = unknown.iter().filter_map(|index| steps.get(*index)).map(Step::by_text);
        match send(connection, texts.collect()).await {
            Ok(again) => unknown.into_iter().zip(again).for_each(|(index, answer)| {
                answers[index] = answer;
            }),
            Err(lost) => return lost,
        }
    }
    let poisoned = steps.iter().zip(&answers).filter(|(_, answer)| is_of_wrong_type(answer));
    let mend: Vec<Cmd> = poisoned.map(|(step, _)| step.mend()).collect();
    if !mend.is_empty() {
        tracing::warn!(target: telemetry::TARGET, "a key of Redis was of a wrong type: removed");
        return match send(connection, mend).await {
            Ok(_) => Attempt::Mended,
            Err(lost) => lost,
        };
    }
    match answers.into_iter().collect::<Result<Vec<_>, _>>() {
        Ok(values) => Attempt::Done(values),
        Err(refused) => Attempt::Failed(words(&refused)),
    }
}

async fn send(connection: &mut Connection, commands: Vec<Cmd>) -> Result<Vec<Answer>, Attempt> {
    let expected = commands.len();
    tally(|request| request.redis += 1);
    match connection.send(commands).await {
        Ok(answers) if answers.len() == expected => Ok(answers),
        Ok(_) => Err(Attempt::Failed("not as many answers as commands".to_owned())),
        Err(error) => Err(lost_or_failed(&error)),
    }
}

fn lost_or_failed(error: &RedisError) -> Attempt {
    if error.is_timeout() { Attempt::Failed(words(error)) } else { Attempt::Lost(words(error)) }
}

/// Servers before the seventh version tell it in their own words of the script.
fn is_of_wrong_type(answer: &Answer) -> bool {
    const CODE: &str = "WRONGTYPE";
    answer.as_ref().is_err_and(|error| {
        error.code() == Some(CODE) || error.detail().is_some_and(|detail| detail.contains(CODE))
    })
}

fn is_unknown_script(answer: &Answer) -> bool {
    matches!(answer, Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
}
