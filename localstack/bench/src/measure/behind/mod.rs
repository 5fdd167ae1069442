//! What happens behind the answers: events on their way, and what comes of them.

mod amount;
mod counting;
mod export;
mod lag;
mod live;
mod mails;
mod relay;
mod slow_smtp;
mod stage;

use super::{Found, step};
use crate::Failed;
use crate::plan::Plan;
use crate::rig::Rig;

use amount::Amount;
use stage::Stage;

pub(super) async fn measure(rig: &Rig, plan: &Plan, found: &mut Found) -> Result<(), Failed> {
    let amount = Amount::of(plan);
    step("a database for events");
    let stage = Stage::make(rig).await?;
    step(format_args!("relay, {} rounds of {} events", amount.rounds, amount.relayed));
    found.add(rig, "relay", relay::measure(&stage, &amount).await?);
    step(format_args!("analytics and audit, {} rounds", amount.rounds));
    found.add(rig, "counting", counting::measure(&stage, &amount).await?);
    step(format_args!("{} mails", amount.mails));
    found.add(rig, "mails", mails::measure(&stage, &amount).await?);
    step(format_args!("from answer to effect, {} + {} tasks", amount.awake, amount.asleep));
    found.add(rig, "lag", lag::measure(&stage, &amount).await?);
    step("creates while mails take ten seconds each");
    found.add(rig, "slow smtp", slow_smtp::measure(&stage, &amount).await?);
    step(format_args!("export, making {} tasks", amount.exported));
    found.add(rig, "export", export::measure(&stage, &amount).await?);
    Ok(())
}
