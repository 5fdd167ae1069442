//! The processes of a function, with the probe as the function.

use std::time::Duration;

use crate::support::{self, Lines};
use clock::Clock;
use local::lambda::{Failure, Function, Settings, Stream};
use serde_json::{Value, json};

/// Only what never happens takes so long.
const PATIENCE: Duration = Duration::from_mins(2);

fn probe(change: impl FnOnce(&mut Settings)) -> (Function, Lines) {
    let mut settings = support::probe();
    settings.environment.insert("GREETING".into(), "hello".into());
    change(&mut settings);
    let lines = Lines::default();
    (Function::new(settings, Clock::system(), lines.logs()), lines)
}

async fn ask(function: &Function, event: Value) -> Result<Value, Failure> {
    let answer = function.invoke(event.to_string().into(), "Root=1-0-0").await?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

#[tokio::test]
async fn an_event_comes_back_from_a_process_that_is_started_for_it_and_used_again() {
    let (function, _) = probe(|_| ());
    assert_eq!(function.processes(), 0);
    for n in 0..3 {
        assert_eq!(ask(&function, json!({ "n": n })).await.unwrap(), json!({ "n": n }));
    }
    assert_eq!(function.processes(), 1);
}

#[tokio::test]
async fn a_process_has_lambdas_environment_and_none_of_ours() {
    let (function, _) = probe(|_| ());
    let env = ask(&function, json!({ "do": "env" })).await.unwrap();
    assert_eq!(env["GREETING"], "hello");
    assert_eq!(env["AWS_LAMBDA_FUNCTION_NAME"], "probe");
    assert_eq!(env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256");
    assert_eq!(env["TZ"], ":UTC");
    assert_eq!(env.get("HOME"), None);
    assert_eq!(env.get("CARGO_MANIFEST_DIR"), None);
}

#[tokio::test]
async fn calls_at_the_same_time_have_processes_of_their_own_up_to_the_cap() {
    let (function, _) = probe(|_| ());
    let sleep = |ms: u32| ask(&function, json!({ "do": "sleep", "ms": ms }));
    let calls = futures_util::future::join_all((0..10).map(|_| sleep(300))).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(function.processes(), 4);
}

#[tokio::test]
async fn what_fails_is_said_and_the_next_call_is_answered() {
    let (function, lines) = probe(|_| ());
    let failed = ask(&function, json!({ "do": "fail" })).await.unwrap_err();
    assert!(matches!(&failed, Failure::Function(words) if words.contains("as told")), "{failed}");
    let panicked = ask(&function, json!({ "do": "panic" })).await.unwrap_err();
    assert!(matches!(&panicked, Failure::Function(words) if words.contains("panic")), "{panicked}");
    let ended = ask(&function, json!({ "do": "exit" })).await.unwrap_err();
    assert_eq!(ended, Failure::Ended("exit status: 3".into()));
    assert_eq!(ask(&function, json!({ "n": 1 })).await.unwrap(), json!({ "n": 1 }));
    let words = "a process ended while it was at work (exit status: 3)".to_owned();
    assert!(lines.of(Stream::Runner).contains(&words), "{:?}", lines.of(Stream::Runner));
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_killed_and_hurts_nobody_else() {
    let (function, _) = probe(|settings| settings.timeout = Duration::from_secs(2));
    let slow = ask(&function, json!({ "do": "sleep", "ms": 60_000 }));
    let quick = ask(&function, json!({ "n": 1 }));
    let (slow, quick) = tokio::join!(slow, quick);
    assert_eq!(slow.unwrap_err(), Failure::TimedOut(Duration::from_secs(2)));
    assert_eq!(quick.unwrap(), json!({ "n": 1 }));
    assert_eq!(function.processes(), 1);
}

#[tokio::test]
async fn a_killed_process_fails_its_call_and_another_takes_its_place() {
    let (function, _) = probe(|settings| settings.cap = 1);
    let event = json!({ "do": "sleep", "ms": 60_000 }).to_string();
    let mut pending = function.begin(event.into(), "");
    let seat = (&mut pending.taken).await.unwrap();
    let next = ask(&function, json!({ "n": 2 }));
    function.kill(seat);
    assert_eq!(pending.answer().await.unwrap_err(), Failure::Ended("killed".into()));
    assert_eq!(next.await.unwrap(), json!({ "n": 2 }));
}

#[tokio::test]
async fn a_program_that_does_not_start_is_given_up_and_tried_again_at_the_next_call() {
    let (function, lines) = probe(|settings| settings.program = "/bin/false".into());
    for _ in 0..2 {
        let failure = ask(&function, json!({})).await.unwrap_err();
        assert_eq!(failure, Failure::DoesNotStart("exit status: 1".into()));
    }
    let lines = lines.of(Stream::Runner);
    assert_eq!(lines.len(), 6, "three starts for each call: {lines:?}");

    let (function, _) = probe(|settings| settings.program = "/no/such/program".into());
    let failure = ask(&function, json!({})).await.unwrap_err();
    assert!(matches!(failure, Failure::DoesNotStart(_)), "{failure}");
}

#[tokio::test]
async fn a_new_build_takes_over_and_no_call_is_lost() {
    let (function, _) = probe(|_| ());
    let calls = (0..40).map(|n| ask(&function, json!({ "do": "sleep", "ms": 20, "n": n })));
    let renew = async {
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            function.renew();
        }
    };
    let (calls, ()) = tokio::join!(futures_util::future::join_all(calls), renew);
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.unwrap()["n"], n);
    }
}

#[tokio::test]
async fn an_event_or_an_answer_that_is_too_large_is_refused() {
    let (function, _) = probe(|_| ());
    let text = "x".repeat(6 * 1024 * 1024);
    let refused = ask(&function, json!({ "text": text })).await.unwrap_err();
    assert!(matches!(refused, Failure::TooLarge(_)), "{refused}");
    let text = "\"".repeat(3 * 1024 * 1024 - 100);
    let event = json!({ "requestContext": {}, "text": text });
    let refused = ask(&function, event).await.unwrap_err();
    assert_eq!(refused, Failure::AnswerTooLarge);
    assert_eq!(ask(&function, json!({ "n": 1 })).await.unwrap(), json!({ "n": 1 }));
}

#[tokio::test]
async fn a_new_build_takes_over_also_from_a_thread_that_is_in_no_runtime() {
    let (function, _) = probe(|settings| settings.cap = 1);
    let slow = ask(&function, json!({ "do": "sleep", "ms": 300, "n": 0 }));
    let waiting = (1..4).map(|n| ask(&function, json!({ "n": n })));
    let renew = async {
        let function = function.clone();
        let renewed = std::thread::spawn(move || function.renew());
        tokio::task::spawn_blocking(|| renewed.join()).await.unwrap().unwrap();
    };
    let (slow, waiting, ()) = tokio::join!(slow, futures_util::future::join_all(waiting), renew);
    assert_eq!(slow.unwrap()["n"], 0);
    assert!(waiting.iter().all(Result::is_ok), "{waiting:?}");
}

#[tokio::test]
async fn a_process_that_never_asks_for_an_event_is_ended_and_its_calls_are_answered() {
    let (function, lines) = probe(|settings| {
        settings.environment.insert("PROBE".into(), "hang".into());
    });
    let failure = tokio::time::timeout(PATIENCE, ask(&function, json!({}))).await.unwrap();
    assert!(matches!(failure, Err(Failure::DoesNotStart(_))), "{failure:?}");
    let said = lines.of(Stream::Runner);
    assert!(said.iter().all(|line| line.contains("asked for no event for 10 s")), "{said:?}");
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_not_begun_and_one_that_runs_is_still_killed_in_time() {
    let (function, lines) = probe(|settings| {
        settings.cap = 1;
        settings.timeout = Duration::from_secs(2);
    });
    let mut running =
        function.begin(json!({ "do": "sleep", "ms": 600_000 }).to_string().into(), "");
    (&mut running.taken).await.unwrap();
    drop(running);
    drop(function.begin(json!({ "do": "exit" }).to_string().into(), ""));
    // Answered after the first was killed; the second was never begun.
    assert_eq!(ask(&function, json!({ "n": 1 })).await.unwrap(), json!({ "n": 1 }));
    let said = lines.of(Stream::Runner);
    assert_eq!(said, ["timed out after 2 s, and the process was killed"]);
}

#[tokio::test]
async fn processes_end_with_the_function() {
    let (function, _) = probe(|_| ());
    let pid = ask(&function, json!({ "do": "pid" })).await.unwrap();
    let process = format!("/proc/{pid}");
    assert!(std::path::Path::new(&process).exists());
    drop(function);
    let gone = async {
        while std::path::Path::new(&process).exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the process ends");
}
