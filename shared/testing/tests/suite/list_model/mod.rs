//! Random lists, compared with a model in memory: whatever is asked, by whom, and however it is paged.

mod cap;
mod crowd;
mod question;
mod walk;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use testing::{Random, TestApp};
use uuid::Uuid;

use crowd::Crowd;
use question::Question;
use walk::{Inquiry, Paging};

use crate::support::say;

const SEED: u64 = 0x11575;
const QUESTIONS: usize = 600;
/// A function has eight connections.
const AT_A_TIME: usize = 4;

/// A part to ask for first, and the sizes of the parts of the walks.
fn parts(random: &mut Random, list: &[Value]) -> (Paging, usize, usize) {
    let size = |random: &mut Random| (list.len() / (1 + random.index(3)) + 1).clamp(1, 100);
    let paging = match random.index(4) {
        0 => Paging::Usual,
        1 => Paging::Page(1 + random.index(5), 1 + random.index(100)),
        2 => Paging::Skip(random.index(list.len() + 5), 1 + random.index(100)),
        _ => Paging::Limit(1 + random.index(100)),
    };
    (paging, size(random), size(random))
}

#[tokio::test]
async fn whatever_is_asked_the_list_is_that_of_the_model() {
    say(&format!("list_model: seed {SEED:#x}"));
    let app = TestApp::start().await;
    let mut random = Random::seeded(SEED);
    let crowd = Crowd::gather(&app, &mut random).await;
    let people: Vec<Uuid> = crowd.people.iter().map(|(_, caller)| caller.id()).collect();

    let mut inquiries = Vec::new();
    for _ in 0..QUESTIONS {
        let (role, caller) = &crowd.people[random.index(crowd.people.len())];
        let question = Question::random(&mut random, *role, caller.id(), &people);
        let expected = question.answer(&crowd.tasks);
        let parts = parts(&mut random, &expected);
        inquiries.push((Inquiry { caller: caller.clone(), question, expected }, parts));
    }
    // Most questions must have an answer, or little would be shown.
    let filled = inquiries.iter().filter(|(inquiry, _)| !inquiry.expected.is_empty()).count();
    assert!(filled >= QUESTIONS / 2, "only {filled} lists hold anything");

    let requests: usize = stream::iter(&inquiries)
        .map(|(inquiry, (first, size, other))| async move {
            inquiry.part(*first).await;
            1 + inquiry.walk_by_cursor(*size).await
                + inquiry.walk_by(*size, |parts, size| Paging::Page(parts + 1, size)).await
                + inquiry.walk_by(*size, |parts, size| Paging::Skip(parts * size, size)).await
                + inquiry.change_over(*size, *other).await
        })
        .buffer_unordered(AT_A_TIME)
        .fold(0, |sum, requests| async move { sum + requests })
        .await;
    say(&format!("list_model: {QUESTIONS} questions, {filled} not empty, {requests} requests"));
}
