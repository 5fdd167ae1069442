//! `local invoke`: one function, one event, no gateway.

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
use crate::cloud::{Addresses, Note, Programs, functions, place, settings};
use crate::lambda::Logs;
use crate::template::Template;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// What events say where a token of alice's belongs.
const TOKEN: &str = "${TOKEN}";

/// Has a process of its own answer the event, with the services of the running cloud.
pub(super) fn invoke(
    context: &Context,
    name: &str,
    event: Option<&str>,
) -> Result<ExitCode, Failed> {
    let Context { home, terminal, .. } = context;
    let note = Note::read(home).ok_or("the local cloud does not run: `make up` starts it")?;
    let state = State::read(&home.services())?;
    let text = std::fs::read_to_string(checkout().join("template.yaml"))?;
    let template = Template::read(&text, &place(&note.addresses, &state))?;
    let mut event = match event {
        None => "{}".to_owned(),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
    };
    let logs = Logs::to(|_, _, words| services::say(words));
    let clock = Clock::system();
    let programs = Programs::beside_ours(home)?;
    let all = functions(&template, &programs, &settings(&state), &clock, &logs)?;
    let function = all.get(name).ok_or_else(|| {
        let mut names: Vec<&str> = all.keys().map(String::as_str).collect();
        names.sort_unstable();
        format!("template.yaml has no function {name}; it has {}", names.join(", "))
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if event.contains(TOKEN) {
            event = event.replace(TOKEN, &token(&note.addresses).await?);
        }
        match function.invoke(event.into(), "").await {
            Ok(answer) => {
                let shown = serde_json::from_slice::<Value>(&answer);
                let shown = shown.and_then(|value| serde_json::to_string_pretty(&value));
                let plain = String::from_utf8_lossy(&answer).into_owned();
                terminal.say(shown.unwrap_or(plain));
                Ok(ExitCode::SUCCESS)
            }
            Err(failure) => Err(failure.into()),
        }
    })
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
