//! The decisions that need no issuer.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::key_set;
use super::signer::{RSA, RSA_2};
use crate::state::{Any, Search, State};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

#[test]
fn a_fetch_under_way_is_waited_for_unless_it_was_frozen() {
    let mut state = State::default();
    let Any::Fetch(first) = state.any(at(0)) else { panic!() };
    assert!(matches!(state.any(at(0)), Any::Wait(_)));
    assert!(matches!(state.any(at(5)), Any::Wait(_)));
    let Any::Fetch(second) = state.any(at(6)) else { panic!() };
    // The end of the frozen one is not the end of the other.
    state.land(&first, at(7));
    assert!(matches!(state.any(at(8)), Any::Wait(_)));
    state.land(&second, at(8));
    assert!(matches!(state.any(at(8)), Any::GiveUp));
    assert!(matches!(state.any(at(9)), Any::Fetch(_)));
}

#[test]
fn an_answer_that_comes_late_replaces_nothing_newer() {
    let mut state = State::default();
    state.learn(key_set(&[&RSA]), at(10), 2);
    state.learn(key_set(&[&RSA_2]), at(0), 1);
    assert!(state.keys(at(20)).unwrap().has(&RSA.kid));
    state.learn(key_set(&[&RSA_2]), at(11), 3);
    assert!(state.keys(at(20)).unwrap().has(&RSA_2.kid));
}

#[test]
fn a_new_set_does_not_disturb_who_holds_the_old() {
    let mut state = State::default();
    state.learn(key_set(&[&RSA]), at(0), 1);
    let held = state.keys(at(0)).unwrap();
    state.learn(key_set(&[&RSA_2]), at(1), 2);
    assert!(held.has(&RSA.kid) && !Arc::ptr_eq(&held, &state.keys(at(1)).unwrap()));
}

#[test]
fn the_memory_for_absent_keys_is_bounded() {
    let mut state = State::default();
    state.learn(key_set(&[&RSA]), at(0), 1);
    for number in 0..257 {
        let kid = format!("stranger-{number}");
        assert!(matches!(state.search(&kid, 0, at(0)), Search::GiveUp));
    }
    for number in 1..257 {
        let kid = format!("stranger-{number}");
        assert!(matches!(state.search(&kid, 1, at(1)), Search::GiveUp), "{kid}");
    }
    assert!(matches!(state.search("stranger-0", 1, at(1)), Search::Fetch(_)));
}

/// Keys of zero o'clock.
fn knowing() -> State {
    let mut state = State::default();
    state.learn(key_set(&[&RSA]), at(0), 0);
    state
}

#[test]
fn due_keys_are_refreshed_once_in_thirty_seconds_and_nobody_waits() {
    let mut state = knowing();
    assert!(matches!(state.any(at(600)), Any::Use(_)));
    let Any::Refresh(_, first) = state.any(at(601)) else { panic!() };
    assert!(matches!(state.any(at(601)), Any::Use(_)));
    state.land(&first, at(602));
    assert!(matches!(state.any(at(631)), Any::Use(_)));
    let Any::Refresh(_, _frozen) = state.any(at(632)) else { panic!() };
    assert!(matches!(state.any(at(661)), Any::Use(_)));
    assert!(matches!(state.any(at(662)), Any::Refresh(..)));
}

#[test]
fn overdue_keys_are_waited_for_once_in_thirty_seconds() {
    let mut state = knowing();
    assert!(!matches!(state.any(at(1200)), Any::Fetch(_)));
    let mut state = knowing();
    let Any::Fetch(first) = state.any(at(1201)) else { panic!() };
    assert!(matches!(state.any(at(1201)), Any::Wait(_)));
    state.land(&first, at(1202));
    assert!(matches!(state.any(at(1231)), Any::Use(_)));
    assert!(matches!(state.any(at(1232)), Any::Fetch(_)));
}

#[test]
fn a_refresh_that_failed_in_time_spares_the_wait_and_one_that_was_frozen_does_not() {
    for (landed_at, waits) in [(Some(1191), false), (Some(1200), true), (None, true)] {
        let mut state = knowing();
        let Any::Refresh(_, behind) = state.any(at(1190)) else { panic!() };
        if let Some(landed_at) = landed_at {
            state.land(&behind, at(landed_at));
        }
        assert_eq!(matches!(state.any(at(1201)), Any::Fetch(_)), waits, "{landed_at:?}");
    }
}

#[test]
fn a_fetch_that_is_waited_for_and_never_ends_delays_one_request_only() {
    let mut state = knowing();
    let Any::Fetch(_lost) = state.any(at(1201)) else { panic!() };
    assert!(matches!(state.any(at(1204)), Any::Use(_)));
    assert!(matches!(state.any(at(1231)), Any::Fetch(_)));
}
