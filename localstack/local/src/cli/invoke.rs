//! `local invoke` and `local trigger`: one function, one event, no gateway.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::ExitCode;

use axum::body::Bytes;
use clock::Clock;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use services::{State, checkout};

use super::Context;
use crate::cloud::{Addresses, Failed, Note, Programs, place, settings};
use crate::lambda::{Function, Logs};
use crate::schedules;
use crate::template::{self, Template};

/// What events say where a token of alice's belongs.
const TOKEN: &str = "${TOKEN}";

/// The functions of the template, with the services of the cloud that runs.
struct Bench {
    template: Template,
    programs: Programs,
    of_all: BTreeMap<String, String>,
    addresses: Addresses,
    clock: Clock,
}

/// Has a process of its own answer an event: of a file, of standard input (`-`), or an empty one.
pub(super) fn invoke(
    context: &Context,
    name: &str,
    event: Option<&str>,
) -> Result<ExitCode, Failed> {
    let bench = Bench::open(context)?;
    let event = match event {
        None => "{}".to_owned(),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
    };
    bench.run(context, name, event)
}

/// Runs a schedule now: the one of that name, or the function's first.
pub(super) fn trigger(
    context: &Context,
    name: &str,
    rule: Option<&str>,
) -> Result<ExitCode, Failed> {
    let bench = Bench::open(context)?;
    let rules = &bench.function(name)?.schedules;
    let found = rules.iter().find(|known| rule.is_none_or(|rule| known.name == rule));
    let Some(found) = found else {
        let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        return Err(match names.as_slice() {
            [] => format!("{name} has no schedule in template.yaml"),
            _ => format!("{name} has no such schedule; it has {}", names.join(", ")),
        }
        .into());
    };
    let event = schedules::event(found, bench.clock.now());
    bench.run(context, name, String::from_utf8_lossy(&event).into_owned())
}

impl Bench {
    fn open(context: &Context) -> Result<Self, Failed> {
        let home = &context.home;
        let note = Note::read(home).ok_or("the local cloud does not run: `make up` starts it")?;
        let state = State::read(&home.services())?;
        let text = std::fs::read_to_string(checkout().join("template.yaml"))?;
        let template = Template::read(&text, &place(&note.addresses, &state))?;
        let programs = Programs::beside_ours(home)?;
        let (of_all, clock) = (settings(&state), Clock::system());
        Ok(Self { template, programs, of_all, addresses: note.addresses, clock })
    }

    fn function(&self, name: &str) -> Result<&template::Function, String> {
        let functions = &self.template.functions;
        functions.iter().find(|function| function.name == name).ok_or_else(|| {
            let mut names: Vec<&str> = functions.iter().map(|of| of.name.as_str()).collect();
            names.sort_unstable();
            format!("template.yaml has no function `{name}`; it has {}", names.join(", "))
        })
    }

    fn run(&self, context: &Context, name: &str, event: String) -> Result<ExitCode, Failed> {
        let function = self.function(name)?;
        // As it was built now: the running cloud keeps what it has.
        let program = self.programs.borrow(name)?;
        let settings = self.programs.settings(function, program, &self.of_all);
        let logs = Logs::to(|_, _, words| services::say(words));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let function = Function::new(settings, self.clock.clone(), logs);
            let event = if event.contains(TOKEN) {
                event.replace(TOKEN, &token(&self.addresses).await?)
            } else {
                event
            };
            let answer = function.invoke(event.into(), &function.new_trace()).await?;
            let shown = serde_json::from_slice::<Value>(&answer);
            let shown = shown.and_then(|value| serde_json::to_string_pretty(&value));
            let plain = || String::from_utf8_lossy(&answer).into_owned();
            context.terminal.say(shown.unwrap_or_else(|_| plain()));
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// A token of alice's.
async fn token(addresses: &Addresses) -> Result<String, Failed> {
    let form = "grant_type=password&client_id=fastapi-backend&client_secret=local-secret\
                &username=alice&password=alice";
    let request = axum::http::Request::post(addresses.token_url())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::<Bytes>::from(form))?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let answer = client.request(request).await?.into_body().collect().await?.to_bytes();
    let answer: Value = serde_json::from_slice(&answer)?;
    let token = answer["access_token"].as_str();
    Ok(token.ok_or_else(|| format!("the issuer gave no token: {answer}"))?.to_owned())
}
