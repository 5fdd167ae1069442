//! Sees a call to its end: passes the answer on, and kills the process at the timeout.

use std::sync::Weak;

use axum::body::Bytes;
use tokio::sync::oneshot;

use super::function::{Inner, LOOK};
use super::{Failure, Seat};

/// The watch over one call, whether somebody waits for its answer or not.
pub(super) struct Watch {
    pub(super) inner: Weak<Inner>,
    pub(super) id: String,
    /// What the process answers.
    pub(super) answer: oneshot::Receiver<Result<Bytes, Failure>>,
    /// Who waits.
    pub(super) tell: oneshot::Sender<Result<Bytes, Failure>>,
}

impl Watch {
    /// Until the end. `taken` says which process takes the call, and `tell_taken` passes it on.
    pub(super) async fn run(
        mut self,
        mut taken: oneshot::Receiver<Seat>,
        tell_taken: oneshot::Sender<Seat>,
    ) {
        let seat = tokio::select! {
            biased;
            seat = &mut taken => seat,
            () = self.tell.closed() => {
                // Nobody waits any more, so from now on no process takes it. But one may just have.
                self.answer.close();
                taken.await
            }
        };
        let answer = match seat {
            Ok(seat) => {
                let _ = tell_taken.send(seat);
                self.until_timeout(seat).await
            }
            // It was given up, or everything stops.
            Err(_) => (&mut self.answer).await.ok(),
        };
        let _ = self.tell.send(answer.unwrap_or(Err(Failure::Stopped)));
    }

    async fn until_timeout(&mut self, seat: Seat) -> Option<Result<Bytes, Failure>> {
        let timeout = self.inner.upgrade()?.settings.timeout;
        if let Ok(answer) = tokio::time::timeout(timeout, self.over(seat)).await {
            return answer;
        }
        let inner = self.inner.upgrade()?;
        // It may have answered just now, and be at another call.
        if inner.desk.is_at(seat, &self.id) {
            inner.kill(seat, Failure::TimedOut(timeout));
        }
        drop(inner);
        (&mut self.answer).await.ok()
    }

    async fn over(&mut self, seat: Seat) -> Option<Result<Bytes, Failure>> {
        if let Ok(answer) = (&mut self.answer).await {
            return Some(answer);
        }
        // Nobody waits for the answer, which leaves the process at work.
        while self.inner.upgrade()?.desk.is_at(seat, &self.id) {
            tokio::time::sleep(LOOK).await;
        }
        None
    }
}
