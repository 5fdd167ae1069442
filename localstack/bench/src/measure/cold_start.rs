//! From the start of a process to its first question for an event.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use local::lambda::{Settings, command};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use serde_json::{Map, Value, json};

use super::Part;
use crate::Failed;
use crate::plan::Plan;
use crate::rig::{NOTHING, Rig};
use crate::stats::Samples;
use crate::table::{Row, Target, ms, times};

const FACTOR: f64 = 2.0;
const BOUND_MS: f64 = 10.0;
/// As whom `tasks-get` signs in to the database.
const ROLE: &str = "api_read";
/// A process that has not asked by then is broken.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn measure(rig: &Rig, plan: &Plan) -> Result<Part, Failed> {
    let nothing = alone(rig.settings(NOTHING)?);
    let kinds = [
        ("tasks-get", alone(rig.settings("tasks-get")?)),
        ("tasks-create", alone(rig.settings("tasks-create")?)),
        ("tasks-get, credentials in its settings", without_secrets(rig)?),
        ("tasks-get, nothing to connect to", without_anything(rig)?),
    ];
    let mut floor = Samples::default();
    let mut own: Vec<Samples> = kinds.iter().map(|_| Samples::default()).collect();
    let mut ratios: Vec<Vec<f64>> = kinds.iter().map(|_| Vec::new()).collect();
    for start in 0..=plan.starts {
        let base = start_to_next(&nothing)?;
        for (number, (_, settings)) in kinds.iter().enumerate() {
            let took = start_to_next(settings)?;
            // The first start reads the programs from the disk.
            if start > 0 {
                own[number].add(took);
                ratios[number].push(took.as_secs_f64() / base.as_secs_f64());
            }
        }
        if start > 0 {
            floor.add(base);
        }
    }
    let mut rows = Vec::new();
    let mut raw = Map::from_iter([("nothing".to_owned(), floor.summary())]);
    for (((name, _), samples), ratios) in kinds.iter().zip(&own).zip(&ratios) {
        let ratio = samples.p50() / floor.p50();
        let judged = rows.len() < 2;
        let met = Target::AtMost(FACTOR).is_met_by(ratio)
            && Target::AtMost(BOUND_MS).is_met_by(samples.p50());
        rows.push(Row {
            what: format!("cold start to first `next`: {name}"),
            measured: ms(samples.p50()),
            other: format!("do-nothing {}", ms(floor.p50())),
            ratio: times(ratio),
            target: if judged { "≤ 2 × and ≤ 10 ms" } else { "-" }.to_owned(),
            met: judged.then_some(met),
            about: about(name, plan.starts),
            shortfall: SHORTFALL.to_owned(),
        });
        let raw_of = json!({ "times": samples.summary(), "ratios": ratios });
        raw.insert((*name).to_owned(), raw_of);
    }
    Ok((rows, Value::Object(raw)))
}

fn about(name: &str, starts: usize) -> String {
    match name {
        "tasks-get" | "tasks-create" => format!(
            "From the start of the process to the first byte of its first request for an event; median of \
             {starts} starts, one of each kind in turn, and the ratio is that of the medians. A function connects to everything it needs before it \
             asks: Secrets Manager, Postgres (TLS, password), Redis, the issuer's keys."
        ),
        "tasks-get, credentials in its settings" => {
            "The same without Secrets Manager, which here is LocalStack, a Python program: the password is a \
             setting. What is left is Postgres, Redis and the issuer's keys."
                .to_owned()
        }
        _ => "The same where every connection is refused at once: what the program itself costs.".to_owned(),
    }
}

const SHORTFALL: &str = "Most of it is connections, which the function opens before it asks for work so that its first request need \
     not: the rows below take them away. The last of them is the program by itself. What a user waits for is the \
     start and the first request together, which have a row of their own.";

/// Without the detour that ends it with us.
fn alone(settings: Settings) -> Settings {
    Settings { dies_with_us: false, ..settings }
}

/// With the password of its role as a setting.
fn without_secrets(rig: &Rig) -> Result<Settings, Failed> {
    let mut settings = alone(rig.settings("tasks-get")?);
    settings.environment.remove("DATABASE_CREDENTIALS_ARN");
    let users = rig.services.folder().users()?;
    let role = users.all().find(|user| user.username == ROLE).ok_or("nobody is api_read")?;
    let credentials = serde_json::to_string(role)?;
    settings.environment.insert("DATABASE_CREDENTIALS".to_owned(), credentials);
    Ok(settings)
}

/// And where nobody listens.
fn without_anything(rig: &Rig) -> Result<Settings, Failed> {
    let mut settings = without_secrets(rig)?;
    let port = services::free_port()?;
    let jwks = format!("http://127.0.0.1:{port}/certs");
    for (name, value) in [
        ("DATABASE_URL", format!("postgres://127.0.0.1:{port}/tasks")),
        ("REDIS_URL", format!("redis://127.0.0.1:{port}")),
        ("AUTH_JWKS_URL", jwks),
    ] {
        settings.environment.insert(name.to_owned(), value);
    }
    Ok(settings)
}

/// Starts a process, and ends it as soon as it has asked. It blocks: nothing else is to happen meanwhile.
fn start_to_next(settings: &Settings) -> Result<Duration, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    set_socket_timeout(&listener, Timeout::Recv, Some(PATIENCE))?;
    let mut command = command(settings, &listener.local_addr()?.to_string()).into_std();
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let asked = (|| {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes)?;
        let took = begin.elapsed();
        Ok::<_, std::io::Error>((took, String::from_utf8_lossy(&bytes[..read]).into_owned()))
    })();
    child.kill()?;
    child.wait()?;
    let name = &settings.name;
    let (took, request) = asked.map_err(|error| format!("{name} did not ask: {error}"))?;
    if !request.starts_with("GET /2018-06-01/runtime/invocation/next") {
        return Err(format!("{name} asked for something else first: {request}").into());
    }
    Ok(took)
}
