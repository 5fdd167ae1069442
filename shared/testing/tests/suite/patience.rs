//! A client that sends its request again when it is told to: where many begin at once, on a busy machine,
//! a new connection may take longer than a request can wait.

use testing::{Call, Reply};

const TRIES: usize = 8;

/// The answer, if need be after some 503s. A change should have an idempotency key.
pub(crate) async fn patient(call: &Call<'_>) -> Reply {
    for _ in 1..TRIES {
        let reply = call.send().await;
        if reply.status() != 503 {
            return reply;
        }
    }
    call.send().await
}
