//! What the pipeline does with handlers that misbehave. These routes exist only here.

use std::time::Duration;

use clock::Clock;
use config::Env;
use route::gateway::{Answer, Event};
use route::{Access, Cx, Entry, Kind, Never, Problem, Route, Spec};
use testing::{Reply, rig};

struct Panics;

impl Route for Panics {
    const SPEC: Spec = Spec::get("panics", "/panics", Access::Public);
    type Deps = ();
    type Input = ();
    type Output = Never;

    async fn handle(_: Cx<'_, Self>, (): ()) -> Result<Never, Problem> {
        tokio::task::yield_now().await;
        panic!("with a secret in its words");
    }
}

struct Sleeps;

impl Route for Sleeps {
    const SPEC: Spec = Spec::get("sleeps", "/sleeps", Access::Public).problems(&[Kind::Timeout]);
    type Deps = ();
    type Input = ();
    type Output = Never;

    async fn handle(_: Cx<'_, Self>, (): ()) -> Result<Never, Problem> {
        tokio::time::sleep(Duration::from_hours(1)).await;
        Err(Problem::new(Kind::InternalError))
    }
}

struct Undeclared;

impl Route for Undeclared {
    const SPEC: Spec = Spec::get("undeclared", "/undeclared", Access::Public);
    type Deps = ();
    type Input = ();
    type Output = Never;

    async fn handle(_: Cx<'_, Self>, (): ()) -> Result<Never, Problem> {
        Err(Problem::new(Kind::Conflict))
    }
}

async fn call<R: Route>(time: Duration) -> Reply {
    let env = Env::of([
        ("STAGE", "local"),
        ("PUBLIC_URL", "https://api.example.com"),
        ("REDIS_URL", &rig().state.redis.url),
        ("REDIS_CLUSTER", if rig().state.redis.cluster { "true" } else { "false" }),
    ]);
    let function = (Entry::of::<R>().prepare)(&env, Clock::system()).expect("a function");
    let mut event = Event { raw_path: R::SPEC.path.into(), ..Event::default() };
    event.route_key = format!("GET {}", R::SPEC.path);
    event.request_context.http.method = "GET".into();
    let answer: Answer = function.call(event, time).await;
    Reply::of(answer)
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing() {
    for _ in 0..3 {
        let reply = call::<Panics>(Duration::from_secs(5)).await;
        let reply = reply.expect(500).expect_problem("internal-error");
        assert!(!reply.text().contains("secret"), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_answered_before_the_function_is_killed() {
    let reply = call::<Sleeps>(Duration::from_millis(700)).await;
    reply.expect(504).expect_problem("timeout");
}

#[tokio::test]
#[should_panic(expected = "which it does not declare")]
async fn an_undeclared_problem_fails_the_test_that_meets_it() {
    call::<Undeclared>(Duration::from_secs(5)).await;
}
