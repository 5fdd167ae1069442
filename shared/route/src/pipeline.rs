//! From event to answer: the same steps in the same order for every route.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cache::{Limit, Verdict};
use config::defaults::ANSWER_RESERVE;
use futures_util::FutureExt;
use telemetry::RequestLine;
use tokio::time::timeout;

use crate::app::App;
use crate::cx::Cx;
use crate::front::Front;
use crate::gate::{self, Who};
use crate::gateway::{Answer, Event};
use crate::input::{Input, check_names};
use crate::problem::{Kind, Problem};
use crate::reply::{Reply, Response};
use crate::request::Request;
use crate::route::{Route, problems};

/// Answers an event, whatever happens: errors, panics and lack of time become problems.
pub(crate) async fn answer<R: Route>(app: &App<R>, event: Event, time_left: Duration) -> Answer {
    let watch = app.clock.stopwatch();
    let mut request = Request::new(event, &R::SPEC, &app.clock);
    let mut line = line_of::<R>(app, &request);
    let mut limits = Vec::new();

    let work = AssertUnwindSafe(handled(app, &mut request, &mut line, &mut limits)).catch_unwind();
    let work = timeout(time_left.saturating_sub(ANSWER_RESERVE), work);
    let (outcome, tally) = telemetry::counted(work).await;
    let outcome = match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => Err(Problem::internal("panicked; the place is in a line of its own")),
        Err(_elapsed) => Err(Problem::new(Kind::Timeout)),
    };

    let response = outcome.unwrap_or_else(|problem| refusal(app, &request, &mut line, problem));
    line.status = response.status;
    line.tally = tally;
    line.duration = watch.elapsed();
    line.write();
    finished(&request, response, &limits)
}

/// The steps, in the order of the contract.
async fn handled<R: Route>(
    app: &App<R>,
    request: &mut Request,
    line: &mut RequestLine,
    limits: &mut Vec<Verdict>,
) -> Result<Response, Problem> {
    if !app.route_keys.iter().any(|key| key == request.route_key()) {
        let cause = format!("the gateway sends `{}` here", request.route_key());
        return Err(Problem::internal(cause));
    }
    let caller = match gate::identify(&R::SPEC, app.verifier.as_ref(), request).await {
        Ok(Who::Caller(caller)) => caller,
        Ok(Who::Issuer(logout)) => {
            // Whoever holds the issuer's key may tell of as many logouts as there are.
            request.logout = Some(logout);
            return public(app, request).await;
        }
        Ok(Who::Anybody) => return strange(app, request, limits, None).await,
        Err(refusal) => return strange(app, request, limits, Some(refusal)).await,
    };
    line.user_id = Some(caller.sub);

    // What Redis is asked depends on the input, so that is read first; who may not call, or calls too
    // often, is told so before what is wrong with it.
    let judged = gate::permit(&R::SPEC, Some(&caller)).and_then(|()| read(app, request));
    let touch = judged.as_ref().map(|input| R::touches(input, &caller)).unwrap_or_default();
    // A request that is refused for what it says does not use up what only few requests may.
    let policy = R::SPEC.policy.filter(|_| judged.is_ok());
    let front = Front::ask(&app.cache, app.outbox.as_ref(), &caller, policy, touch).await;
    limits.clone_from(&front.limits);
    front.judge().await?; // 401, 403, 429
    let input = match judged {
        Ok(input) => input,
        Err(problem) => {
            return Err(gate::standing_first(&app.deps, &caller, &front, problem).await);
        }
    };

    let known = Some((&caller, &front));
    let cx = Cx {
        deps: &app.deps,
        request,
        cache: &app.cache,
        outbox: app.outbox.as_ref(),
        known,
        clock: &app.clock,
    };
    let outcome = R::handle(cx, input).await;
    front.unfence().await;
    Ok(unless_known(request, outcome?.into_response()))
}

/// The same for somebody who is not known: on a public route, or without a good token.
async fn strange<R: Route>(
    app: &App<R>,
    request: &mut Request,
    limits: &mut Vec<Verdict>,
    refusal: Option<Problem>,
) -> Result<Response, Problem> {
    if R::SPEC.limited {
        limits.extend(gate::count_stranger(&app.cache, request, refusal.as_ref()).await);
        if let Some(verdict) = limits.iter().find(|verdict| !verdict.allowed) {
            return Err(Problem::rate_limited(verdict)); // 429
        }
    }
    if let Some(refusal) = refusal {
        return Err(refusal); // 401, 503
    }
    public(app, request).await
}

/// The work of a route without a caller.
async fn public<R: Route>(app: &App<R>, request: &mut Request) -> Result<Response, Problem> {
    let input = read(app, request)?;
    let cx = Cx {
        deps: &app.deps,
        request,
        cache: &app.cache,
        outbox: app.outbox.as_ref(),
        known: None,
        clock: &app.clock,
    };
    let response = R::handle(cx, input).await?.into_response();
    Ok(unless_known(request, response))
}

/// What the request says.
fn read<R: Route>(app: &App<R>, request: &mut Request) -> Result<R::Input, Problem> {
    if app.shape.body {
        request.read_body()?; // 415, 413, 400
    }
    check_names(request, &app.shape)?; // 422
    R::Input::read(request) // 422, 400, 404
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
fn finished(request: &Request, response: Response, limits: &[Verdict]) -> Answer {
    let mut answer = Answer { status_code: response.status, ..Answer::default() };
    let mut set = |name: &str, value: &str| {
        answer.headers.insert(name.to_owned(), value.to_owned());
    };
    set("cache-control", "private, no-cache");
    set("strict-transport-security", "max-age=31536000; includeSubDomains");
    set("x-content-type-options", "nosniff");
    set("x-request-id", &request.id);
    if !limits.is_empty() {
        let [policies, states] = [policy_of, state_of].map(|words| {
            let words: Vec<String> = limits.iter().map(words).collect();
            words.join(", ")
        });
        set("ratelimit-policy", &policies);
        set("ratelimit", &states);
    }
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

/// So many calls in so long a time.
fn policy_of(Verdict { limit: Limit { name, calls, window }, .. }: &Verdict) -> String {
    format!("\"{name}\";q={calls};w={}", window.as_secs())
}

/// How many more, and how long until there are again.
fn state_of(Verdict { limit: Limit { name, .. }, remaining, seconds, .. }: &Verdict) -> String {
    format!("\"{name}\";r={remaining};t={seconds}")
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
