//! A GET that is answered from the cache, against a function that does nothing and a GET of Redis.

use std::time::Instant;

use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, Cmd, IntoConnectionInfo as _};
use serde_json::json;

use super::Part;
use crate::Failed;
use crate::call::{Bearer, Caller, ask, new_task, timed};
use crate::plan::Plan;
use crate::rig::{NOTHING, Rig};
use crate::stats::{Samples, median};
use crate::table::{Row, Target, ms, times};

/// So many times the GET of Redis may be added to nothing.
const REDIS_PARTS: f64 = 3.0;

/// What was measured between nothing and a hit.
fn shortfall(get: &Samples, refused: &Samples, nothing: &Samples, redis: &Samples) -> String {
    format!(
        "A hit takes {} more than nothing, and {} are allowed. A request that is refused because it has no token \
         also calls Redis once, is answered with a body and leaves a line in the log; it takes {} more than nothing. \
         The other {} are what a hit does besides: the signature of the token, a longer and a second script in the call \
         of Redis, and the task read and written as JSON. (Finer parts are not measured: to trace system calls makes \
         them several times as slow.)",
        ms(get.p50() - nothing.p50()),
        ms(REDIS_PARTS * redis.p50()),
        ms(refused.p50() - nothing.p50()),
        ms(get.p50() - refused.p50()),
    )
}

pub(super) async fn measure(rig: &Rig, plan: &Plan) -> Result<Part, Failed> {
    let (get, create) = (rig.function("tasks-get")?, rig.function("tasks-create")?);
    let nothing = rig.function(NOTHING)?;
    let caller = Caller::new(&rig.issuer, "user");
    let created = ask(&create, caller.bearer().create(&new_task(0)), 201).await?;
    let task = created.text("id")?;
    let redis = Redis::start(rig, &created.body, plan.calls)?;

    let (mut gets, mut nothings, mut redises) = <(Samples, Samples, Samples)>::default();
    let mut refusals = Samples::default();
    let (mut ratios, mut bounds, mut rounds) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=plan.rounds {
        let event = caller.bearer().get(&task);
        let (mut floor, mut own) = <(Samples, Samples)>::default();
        for _ in 0..plan.calls {
            timed(&nothing, event.clone(), 204, &mut floor).await?;
        }
        for _ in 0..plan.calls {
            timed(&get, event.clone(), 200, &mut own).await?;
        }
        let mut refused = Samples::default();
        for _ in 0..plan.calls {
            timed(&get, Bearer::get_as_nobody(&task), 401, &mut refused).await?;
        }
        let redis = redis.round()?;
        // The first round warms up.
        if round == 0 {
            continue;
        }
        let bound = floor.p50() + REDIS_PARTS * redis.p50();
        ratios.push(own.p50() / bound);
        bounds.push(bound);
        rounds.push(
            json!({ "get": own.summary(), "nothing": floor.summary(), "redis": redis.summary() }),
        );
        refusals.extend(&refused);
        gets.extend(&own);
        nothings.extend(&floor);
        redises.extend(&redis);
    }
    let ratio = median(&ratios);
    let p50 = Row {
        what: "warm cached GET, p50".to_owned(),
        measured: ms(gets.p50()),
        other: format!(
            "do-nothing {} + 3 × Redis GET {} = {}",
            ms(nothings.p50()),
            ms(redises.p50()),
            ms(median(&bounds))
        ),
        ratio: times(ratio),
        target: "≤ 1 ×".to_owned(),
        met: Some(Target::AtMost(1.0).is_met_by(ratio)),
        about: format!(
            "`tasks-get` answers the same task from the cache, one request at a time, through the Runtime \
             API. In each of {} rounds {} requests of it follow as many of `do-nothing` and as many plain \
             GETs of Redis (a value of the same size, the same client library, one connection); the ratio is \
             the median of the rounds.",
            plan.rounds, plan.calls
        ),
        shortfall: shortfall(&gets, &refusals, &nothings, &redises),
    };
    let tail = Row {
        what: "warm cached GET, p99".to_owned(),
        measured: ms(gets.p99()),
        other: format!("do-nothing p99 {}", ms(nothings.p99())),
        ratio: times(gets.p99() / nothings.p99()),
        target: "-".to_owned(),
        met: None,
        about: "Of the same requests, all rounds together.".to_owned(),
        shortfall: String::new(),
    };
    let refusal = Row {
        what: "a GET without a token, p50".to_owned(),
        measured: ms(refusals.p50()),
        other: format!("do-nothing {}", ms(nothings.p50())),
        ratio: times(refusals.p50() / nothings.p50()),
        target: "-".to_owned(),
        met: None,
        about: "In the same rounds: the same request is refused (401), after one call of Redis for the limit."
            .to_owned(),
        shortfall: String::new(),
    };
    let raw = json!({
        "refused": refusals.summary(), "get": gets.summary(), "nothing": nothings.summary(), "redis": redises.summary(),
        "ratio_of_each_round": ratios, "rounds": rounds,
    });
    Ok((vec![p50, tail, refusal], raw))
}

/// Asks Redis as a function does: on one thread, which does nothing else.
struct Redis {
    ask: std::sync::mpsc::Sender<()>,
    rounds: std::sync::mpsc::Receiver<Result<Samples, String>>,
}

impl Redis {
    fn start(rig: &Rig, value: &str, calls: usize) -> Result<Self, Failed> {
        let info = rig.services.state().redis.url.as_str().into_connection_info()?;
        let client = Client::open(info.set_tcp_settings(TcpSettings::default().set_nodelay(true)))?;
        let value = value.to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (ask, asked) = std::sync::mpsc::channel::<()>();
        let (tell, rounds) = std::sync::mpsc::channel();
        std::thread::Builder::new().name("redis".to_owned()).spawn(move || {
            let work = async {
                let config = AsyncConnectionConfig::new().set_response_timeout(None);
                let mut connection =
                    client.get_multiplexed_async_connection_with_config(&config).await?;
                Cmd::set("bench", value).exec_async(&mut connection).await?;
                while asked.recv().is_ok() {
                    let mut samples = Samples::default();
                    for _ in 0..calls {
                        let begin = Instant::now();
                        let _: Vec<u8> = Cmd::get("bench").query_async(&mut connection).await?;
                        samples.since(begin);
                    }
                    let _ = tell.send(Ok(samples));
                }
                Ok::<_, redis::RedisError>(())
            };
            if let Err(error) = runtime.block_on(work) {
                let _ = tell.send(Err(error.to_string()));
            }
        })?;
        Ok(Self { ask, rounds })
    }

    /// One round. It blocks: nothing else is to happen meanwhile.
    fn round(&self) -> Result<Samples, Failed> {
        self.ask.send(()).map_err(|_| "the connection to Redis has ended")?;
        Ok(self.rounds.recv()??)
    }
}
