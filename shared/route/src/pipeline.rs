//! From event to answer: the same steps in the same order for every route.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::Duration;

use config::defaults::ANSWER_RESERVE;
use futures_util::FutureExt;
use telemetry::RequestLine;
use tokio::time::timeout;

use crate::app::App;
use crate::gate;
use crate::gateway::{Answer, Event};
use crate::input::{Input, check_names};
use crate::problem::{Kind, Problem};
use crate::reply::{Reply, Response};
use crate::request::Request;
use crate::route::{Cx, Route, problems};

/// Answers an event, whatever happens: errors, panics and lack of time become problems.
pub(crate) async fn answer<R: Route>(app: &App<R>, event: Event, time_left: Duration) -> Answer {
    let watch = app.clock.stopwatch();
    let mut request = Request::new(event, &R::SPEC, &app.clock);
    let mut line = line_of::<R>(app, &request);

    let work = AssertUnwindSafe(handled(app, &mut request, &mut line)).catch_unwind();
    let work = timeout(time_left.saturating_sub(ANSWER_RESERVE), work);
    let (outcome, trips) = db::trips::counted(work).await;
    let outcome = match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => Err(Problem::internal("panicked; the place is in a line of its own")),
        Err(_elapsed) => Err(Problem::new(Kind::Timeout)),
    };

    let response = outcome.unwrap_or_else(|problem| refusal(app, &request, &mut line, problem));
    line.status = response.status;
    line.db_round_trips = trips;
    line.duration = watch.elapsed();
    line.write();
    finished(&request, response)
}

/// The steps, in the order of the contract.
async fn handled<R: Route>(
    app: &App<R>,
    request: &mut Request,
    line: &mut RequestLine,
) -> Result<Response, Problem> {
    if !app.route_keys.iter().any(|key| key == request.route_key()) {
        let cause = format!("the gateway sends `{}` here", request.route_key());
        return Err(Problem::internal(cause));
    }
    let caller = gate::identify(&R::SPEC, app.verifier.as_ref(), request).await?; // 401, 503
    let caller = caller.as_ref();
    line.user_id = caller.map(|caller| caller.sub);

    let judged = gate::permit(&R::SPEC, caller) // 403
        .and_then(|()| if app.shape.body { request.read_body() } else { Ok(()) }) // 415, 413, 400
        .and_then(|()| check_names(request, &app.shape)) // 422
        .and_then(|()| R::Input::read(request)); // 422, 400, 404
    let input = match judged {
        Ok(input) => input,
        Err(problem) => return Err(gate::standing_first(&app.deps, caller, problem).await),
    };

    let cx = Cx { deps: &app.deps, request, caller, clock: &app.clock };
    let response = R::handle(cx, input).await?.into_response();
    Ok(unless_known(request, response))
}

/// 304 instead of what the client has already.
fn unless_known(request: &Request, mut response: Response) -> Response {
    let known = response.status == 200
        && matches!(request.method(), "GET" | "HEAD")
        && response.etag.as_ref().is_some_and(|etag| {
            request.header("if-none-match").is_some_and(|header| etag.is_named_by(header))
        });
    if known {
        response.status = 304;
        response.body.clear();
    }
    response
}

/// The answer that tells of a problem; its cause goes into the line.
fn refusal<R: Route>(
    app: &App<R>,
    request: &Request,
    line: &mut RequestLine,
    mut problem: Problem,
) -> Response {
    debug_assert!(
        problems::<R>().contains(&problem.kind()),
        "{} answered {:?}, which it does not declare",
        R::SPEC.name,
        problem.kind()
    );
    line.error_code = Some(problem.kind().code());
    line.error_cause = problem.take_cause();
    Response {
        status: problem.kind().status(),
        body: problem.body(&app.public_url, &request.instance, &request.id),
        headers: problem.take_headers(),
        etag: None,
        content_type: "application/problem+json",
    }
}

/// The answer with what all answers have.
fn finished(request: &Request, response: Response) -> Answer {
    let mut answer = Answer { status_code: response.status, ..Answer::default() };
    let mut set = |name: &str, value: &str| {
        answer.headers.insert(name.to_owned(), value.to_owned());
    };
    set("cache-control", "private, no-cache");
    set("strict-transport-security", "max-age=31536000; includeSubDomains");
    set("x-content-type-options", "nosniff");
    set("x-request-id", &request.id);
    if let Some(etag) = &response.etag {
        set("etag", etag.header());
    }
    if !response.body.is_empty() {
        set("content-type", response.content_type);
    }
    for (name, value) in &response.headers {
        set(name, value);
    }
    if request.method() != "HEAD" {
        answer.body = response.body;
    }
    answer
}

fn line_of<R: Route>(app: &App<R>, request: &Request) -> RequestLine {
    RequestLine {
        request_id: request.id.clone(),
        trace_id: Some(request.trace.trace_id().to_owned()),
        function: R::SPEC.name,
        method: request.method().chars().take(16).collect(),
        route: R::SPEC.path,
        cold_start: app.cold.swap(false, Ordering::Relaxed),
        ..RequestLine::default()
    }
}
