//! What the runner's own gateway adds to a request.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use local::gateway::{Gateway, Settings};
use serde_json::json;

use super::Part;
use crate::Failed;
use crate::call::{Caller, ask, new_task, timed};
use crate::plan::Plan;
use crate::rig::Rig;
use crate::stats::{Samples, median};
use crate::table::{Row, ms, times};

pub(super) async fn measure(rig: &Rig, plan: &Plan) -> Result<Part, Failed> {
    let (get, create) = (rig.function("tasks-get")?, rig.function("tasks-create")?);
    let caller = Caller::new(&rig.issuer, "user");
    let task = ask(&create, caller.bearer().create(&new_task(0)), 201).await?.text("id")?;
    let functions = [("tasks-get".to_owned(), get.clone())].into();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let logs = rig.journal.logs();
    let gateway =
        Gateway::start(Settings::at(listen), &rig.template, &functions, rig.clock.clone(), logs)
            .await?;
    let url = format!("http://{}/v1/tasks/{task}", gateway.address());
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build::<_, Empty<&[u8]>>(connector);

    let (mut direct, mut through) = <(Samples, Samples)>::default();
    let mut differences = Vec::new();
    for round in 0..=plan.rounds {
        let bearer = caller.bearer();
        let (mut without, mut with) = <(Samples, Samples)>::default();
        for _ in 0..plan.calls {
            timed(&get, bearer.get(&task), 200, &mut without).await?;
        }
        for _ in 0..plan.calls {
            let request = Request::get(&url)
                .header("authorization", bearer.authorization())
                .body(Empty::new())?;
            let begin = Instant::now();
            let answer = client.request(request).await?;
            let status = answer.status();
            answer.into_body().collect().await?;
            with.since(begin);
            if status != 200 {
                return Err(format!("the gateway answered {status}").into());
            }
        }
        // The first round warms up.
        if round > 0 {
            differences.push(with.p50() - without.p50());
            direct.extend(&without);
            through.extend(&with);
        }
    }
    let row = Row {
        what: "the runner's gateway, p50 (for information)".to_owned(),
        measured: ms(through.p50()),
        other: format!("the same GET without it {}", ms(direct.p50())),
        ratio: format!("{} (+ {})", times(through.p50() / direct.p50()), ms(median(&differences))),
        target: "-".to_owned(),
        met: None,
        about: "The same cached GET over HTTP through the gateway of the local cloud, and directly through the \
                Runtime API. On AWS, API Gateway takes its place."
            .to_owned(),
        shortfall: String::new(),
    };
    let raw = json!({
        "direct": direct.summary(), "through": through.summary(),
        "difference_of_each_round_ms": differences,
    });
    gateway.stop().await;
    Ok((vec![row], raw))
}
