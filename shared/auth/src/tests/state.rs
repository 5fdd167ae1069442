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
    state.land(first.number, at(7));
    assert!(matches!(state.any(at(8)), Any::Wait(_)));
    state.land(second.number, at(8));
    assert!(matches!(state.any(at(8)), Any::GiveUp));
    assert!(matches!(state.any(at(9)), Any::Fetch(_)));
}

#[test]
fn an_answer_that_comes_late_replaces_nothing_newer() {
    let mut state = State::default();
    state.learn(key_set(&[&RSA]), at(10));
    state.learn(key_set(&[&RSA_2]), at(0));
    assert!(state.keys(at(20)).unwrap().has(&RSA.kid));
    state.learn(key_set(&[&RSA_2]), at(11));
    assert!(state.keys(at(20)).unwrap().has(&RSA_2.kid));
}

#[test]
fn a_new_set_does_not_disturb_who_holds_the_old() {
    let mut state = State::default();
    state.learn(key_set(&[&RSA]), at(0));
    let held = state.keys(at(0)).unwrap();
    state.learn(key_set(&[&RSA_2]), at(1));
    assert!(held.has(&RSA.kid) && !Arc::ptr_eq(&held, &state.keys(at(1)).unwrap()));
}

#[test]
fn the_memory_for_absent_keys_is_bounded() {
    let mut state = State::default();
    state.learn(key_set(&[&RSA]), at(0));
    for number in 0..257 {
        let kid = format!("stranger-{number}");
        assert!(matches!(state.search(&kid, at(0), at(0)), Search::GiveUp));
    }
    for number in 1..257 {
        let kid = format!("stranger-{number}");
        assert!(matches!(state.search(&kid, at(1), at(1)), Search::GiveUp), "{kid}");
    }
    assert!(matches!(state.search("stranger-0", at(1), at(1)), Search::Fetch(_)));
}
