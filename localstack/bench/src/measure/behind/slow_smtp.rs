//! Whether those who make tasks notice that mails take long.

use std::time::Duration;

use mailbox::Behaviour;
use serde_json::json;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::amount::Amount;
use super::live::Live;
use super::stage::{PATIENCE, Stage};
use crate::Failed;
use crate::call::{Caller, new_task, timed};
use crate::machine::load;
use crate::measure::Part;
use crate::stats::{Samples, median};
use crate::table::{Row, Target, ms, times};

const BOUND: f64 = 1.2;
/// What each mail takes.
const DELAY_MS: u64 = 10_000;
/// Between two tasks.
const PAUSE: Duration = Duration::from_millis(20);
/// Tasks before each round, whose mails the workers are stuck with.
const FIRST: usize = 10;
const LOOK: Duration = Duration::from_millis(100);

const STUCK: &str = "SELECT EXISTS (SELECT FROM app.deliveries WHERE state = 'sending')";
const SENT: &str = "SELECT count(*) FROM app.deliveries WHERE user_id = $1 AND state = 'sent'";

/// Somebody who makes tasks, and how many they have made.
struct Maker<'a> {
    stage: &'a Stage<'a>,
    id: Uuid,
    caller: Caller,
    made: usize,
}

pub(super) async fn measure(stage: &Stage<'_>, amount: &Amount) -> Result<Part, Failed> {
    let id = stage.rig.clock.new_id();
    let caller = Caller::known(&stage.rig.issuer, "user", id);
    let mut maker = Maker { stage, id, caller, made: 0 };
    let mailbox = &stage.rig.mailbox;
    let live = Live::start(stage)?;
    // Starts processes.
    maker.make(FIRST).await?;
    maker.settle().await?;
    let (mut usual, mut slow) = <(Samples, Samples)>::default();
    let (mut ratios, load_before) = (Vec::new(), load());
    for _ in 0..amount.rounds {
        maker.make(FIRST).await?;
        let without = maker.make(amount.created).await?;
        maker.settle().await?;

        mailbox.set_behaviour(Behaviour { delay_ms: DELAY_MS, ..Behaviour::default() })?;
        maker.make(FIRST).await?;
        stage.until(STUCK, LOOK).await?;
        let with = maker.make(amount.created).await?;
        if !stage.admin.query_one(STUCK, &[]).await?.get::<_, bool>(0) {
            return Err("the mails were not slow while tasks were made".into());
        }
        // What is held back comes now.
        mailbox.reset_behaviour();
        maker.settle().await?;
        ratios.push(with.p50() / without.p50());
        usual.extend(&without);
        slow.extend(&with);
    }
    live.stop().await;
    let raw = json!({
        "slow": slow.summary(), "usual": usual.summary(), "ratio_of_each_round": ratios,
        "load_before": load_before, "load_after": load(),
    });
    Ok((rows(amount, &usual, &slow, &ratios, &load_before), raw))
}

fn rows(
    amount: &Amount,
    usual: &Samples,
    slow: &Samples,
    ratios: &[f64],
    load_before: &str,
) -> Vec<Row> {
    let ratio = median(ratios);
    let noise = format!(
        "The machine's load was {load_before} before and {} after it; without slow mails the slowest of 100 \
         creates took {:.1} times the median.",
        load(),
        usual.p99() / usual.p50()
    );
    let typical = Row {
        what: "create while a mail takes 10 s, p50".to_owned(),
        measured: ms(slow.p50()),
        other: format!("while mails go {}", ms(usual.p50())),
        ratio: times(ratio),
        target: "≤ 1.2 ×".to_owned(),
        met: Some(Target::AtMost(BOUND).is_met_by(ratio)),
        about: format!(
            "Functions and mappings as template.yaml has them. In each of {} rounds {} tasks are made, one every {} ms \
             and a bit, while the mail server takes mails at once, and as many while it lets each wait for {} s, so that \
             the worker is stuck with those of tasks before; the ratio is the median of the rounds. (It may be below 1: \
             mails that go take processor time from the creates, and mails that wait take none.) {noise}",
            amount.rounds,
            amount.created,
            PAUSE.as_millis(),
            DELAY_MS / 1000
        ),
        shortfall: noise.clone(),
    };
    let tail = Row {
        what: "create while a mail takes 10 s, p99".to_owned(),
        measured: ms(slow.p99()),
        other: format!("while mails go {}", ms(usual.p99())),
        ratio: times(slow.p99() / usual.p99()),
        target: "-".to_owned(),
        met: None,
        about: "Of the same requests, all rounds together.".to_owned(),
        shortfall: String::new(),
    };
    vec![typical, tail]
}

impl Maker<'_> {
    /// Makes tasks, one after the other.
    async fn make(&mut self, count: usize) -> Result<Samples, Failed> {
        let mut samples = Samples::default();
        let bearer = self.caller.bearer();
        for number in 0..count {
            tokio::time::sleep(PAUSE).await;
            let event = bearer.create(&new_task(number));
            timed(&self.stage.create, event, 201, &mut samples).await?;
            self.made += 1;
        }
        Ok(samples)
    }

    /// Waits until each of them has had its mail.
    async fn settle(&self) -> Result<(), Failed> {
        let settled = async {
            loop {
                let sent =
                    self.stage.admin.query_typed_one(SENT, &[(&self.id, Type::UUID)]).await?;
                if usize::try_from(sent.get::<_, i64>(0))? == self.made {
                    return Ok::<_, Failed>(());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let late = || format!("{} tasks were made, and not each had a mail", self.made);
        tokio::time::timeout(PATIENCE, settled).await.map_err(|_| late())?
    }
}
