//! What a deployment makes of the template: functions, queues, routes, mappings and schedules.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use clock::Clock;
use serde_json::Value;
use services::{State, checkout};

use super::{Addresses, Failed, Programs, Terminal, functions, place, settings};
use crate::gateway::{self, Gateway};
use crate::lambda::{Function, Logs};
use crate::queues::{Mapping, Queues};
use crate::schedules::{self, Schedules};
use crate::template::Template;

/// The function that brings the database up to date.
pub(super) const MIGRATE: &str = "migrate";

/// What messages and schedules get to end.
const GRACE: Duration = Duration::from_secs(10);

/// The template, played.
pub(super) struct Deployment {
    template: Template,
    functions: HashMap<String, Function>,
    queues: Queues,
    gateway: Gateway,
    mappings: Vec<Mapping>,
    schedules: Vec<Schedules>,
}

impl Deployment {
    /// In the order of a real one: the database first, traffic last.
    pub(super) async fn start(
        addresses: &Addresses,
        state: &State,
        programs: &Programs,
        terminal: &Terminal,
    ) -> Result<Self, Failed> {
        let (clock, logs) = (Clock::system(), terminal.logs());
        let text = std::fs::read_to_string(checkout().join("template.yaml"))?;
        let template = Template::read(&text, &place(addresses, state))?;
        let functions = functions(&template, programs, &settings(state), &clock, &logs)?;
        migrate(&functions, terminal).await?;
        let queues = Queues::connect(&state.localstack.url, &state.localstack.region);
        create(&queues, &template).await?;
        let at = gateway::Settings::at(SocketAddr::from(([127, 0, 0, 1], addresses.api)));
        let gateway =
            Gateway::start(at, &template, &functions, clock.clone(), logs.clone()).await?;
        let (mappings, schedules) = events(&template, &functions, &queues, &clock, &logs)?;
        let (api, count) = (addresses.api, functions.len());
        terminal.say(format_args!(
            "gateway: ready on 127.0.0.1:{api}, with {count} functions of template.yaml"
        ));
        Ok(Self { template, functions, queues, gateway, mappings, schedules })
    }

    /// The functions by their names.
    pub(super) const fn functions(&self) -> &HashMap<String, Function> {
        &self.functions
    }

    /// Makes the queues and buckets again, after LocalStack has forgotten them.
    pub(super) async fn create_again(&self) -> Result<(), Failed> {
        create(&self.queues, &self.template).await
    }

    /// Takes nothing more, and lets those requests, messages and schedules end that are under way,
    /// if they are quick.
    pub(super) async fn stop(self) {
        let events = async {
            for mapping in self.mappings {
                mapping.stop().await;
            }
            for schedules in self.schedules {
                schedules.stop().await;
            }
        };
        let events = tokio::time::timeout(GRACE, events);
        let _ = tokio::join!(self.gateway.stop(), events);
    }
}

/// Starts what calls the functions besides requests.
fn events(
    template: &Template,
    functions: &HashMap<String, Function>,
    queues: &Queues,
    clock: &Clock,
    logs: &Logs,
) -> Result<(Vec<Mapping>, Vec<Schedules>), Failed> {
    let (mut mappings, mut all) = (Vec::new(), Vec::new());
    for of in &template.functions {
        let function = &functions[&of.name];
        for source in &of.queues {
            let (source, function) = (source.clone(), function.clone());
            mappings.push(Mapping::start(queues, source, function, logs.clone()));
        }
        all.push(schedules::start(&of.schedules, function, clock, logs)?);
    }
    Ok((mappings, all))
}

async fn create(queues: &Queues, template: &Template) -> Result<(), Failed> {
    queues.create(&template.queues).await?;
    queues.create_buckets(&template.buckets).await?;
    Ok(())
}

/// Brings the database up to date, as a deployment does: the function is called before traffic comes.
pub(super) async fn migrate(
    functions: &HashMap<String, Function>,
    terminal: &Terminal,
) -> Result<(), Failed> {
    let Some(function) = functions.get(MIGRATE) else { return Ok(()) };
    let answer = function.invoke("{}".into(), &function.new_trace()).await?;
    let report: Value = serde_json::from_slice(&answer)?;
    let version = &report["version"];
    terminal.say(match report["applied"].as_array().map_or(0, Vec::len) {
        0 => format!("database: at version {version}"),
        1 => format!("database: at version {version}, after one new migration"),
        applied => format!("database: at version {version}, after {applied} new migrations"),
    });
    Ok(())
}
