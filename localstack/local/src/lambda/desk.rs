//! Who waits for what: calls for a process, idle processes for a call.
//!
//! One mutex guards all of it, so a call is never given to a process that is being ended, and a
//! process that becomes idle never misses a call.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use tokio::sync::oneshot;

use super::{Failure, Seat};

/// What a process is given.
#[derive(Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) payload: Bytes,
    pub(super) trace: String,
}

/// An event, and who waits for its answer.
pub(super) struct Call {
    pub(super) event: Event,
    pub(super) answer: oneshot::Sender<Result<Bytes, Failure>>,
    /// Told which process takes it.
    pub(super) taken: Option<oneshot::Sender<Seat>>,
}

/// What a process is doing.
enum State {
    /// It has not asked for an event yet.
    Starting,
    /// It has answered, and will ask for the next one.
    Between,
    /// It waits for one.
    Idle(oneshot::Sender<Event>),
    Busy(Call),
}

struct Member {
    state: State,
    since: SystemTime,
    /// Which build of the function it is.
    generation: u64,
}

/// The processes of one function, and the calls that wait for one.
#[derive(Default)]
pub(super) struct Desk(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Call>,
    members: HashMap<Seat, Member>,
    generation: u64,
    next_seat: Seat,
    /// How often in a row a process ended before it asked for an event.
    failed_starts: u32,
}

/// What the process that asks for an event gets.
pub(super) enum Next {
    Event(Event),
    Wait(oneshot::Receiver<Event>),
    /// It is no longer wanted.
    Leave,
}

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parting {
    /// It was idle, or no longer wanted.
    Quiet,
    /// It was at work.
    Busy,
    /// It had not come up. So many did not, one after the other, and whether others are there.
    Starting { failed: u32, alone: bool },
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a call to an idle process, or puts it in the line.
    pub(super) fn add(&self, call: Call, now: SystemTime) {
        let mut inner = self.lock();
        if let Some(call) = inner.give(call, now) {
            inner.waiting.push_back(call);
        }
    }

    /// The seat of a further process, of which there may be `cap`: if more calls wait than
    /// processes are about to take one.
    pub(super) fn wanted(&self, cap: usize, now: SystemTime) -> Option<Seat> {
        let mut inner = self.lock();
        // Whoever gave up on a call needs no process.
        inner.waiting.retain(|call| !call.answer.is_closed());
        let coming = |member: &&Member| matches!(member.state, State::Starting | State::Between);
        let coming = inner.members.values().filter(coming).count();
        (inner.waiting.len() > coming && inner.members.len() < cap).then(|| inner.join(now))
    }

    /// The seat of a further process, wanted or not.
    pub(super) fn join(&self, now: SystemTime) -> Seat {
        self.lock().join(now)
    }

    /// Whether a process has not asked for an event for too long: since its start, or its last answer.
    pub(super) fn hangs(&self, seat: Seat, now: SystemTime, patience: Duration) -> bool {
        let inner = self.lock();
        let Some(member) = inner.members.get(&seat) else { return false };
        matches!(member.state, State::Starting | State::Between)
            && now.duration_since(member.since).is_ok_and(|time| time > patience)
    }

    /// A process asks for an event.
    pub(super) fn next(&self, seat: Seat, now: SystemTime) -> Next {
        let mut inner = self.lock();
        let generation = inner.generation;
        let Some(member) = inner.members.get_mut(&seat) else { return Next::Leave };
        if let State::Busy(call) = std::mem::replace(&mut member.state, State::Between) {
            let words = "it asked for the next event without an answer to this one".to_owned();
            let _ = call.answer.send(Err(Failure::Function(words)));
        }
        if member.generation != generation {
            inner.members.remove(&seat);
            return Next::Leave;
        }
        inner.failed_starts = 0;
        while let Some(call) = inner.waiting.pop_front() {
            // Whoever gave up on it wants no answer.
            if !call.answer.is_closed() {
                return Next::Event(inner.take(seat, call, now));
            }
        }
        let (sender, receiver) = oneshot::channel();
        inner.set(seat, State::Idle(sender), now);
        Next::Wait(receiver)
    }

    /// An answer. Returns whether anybody waited for it.
    pub(super) fn finish(
        &self,
        seat: Seat,
        id: &str,
        answer: Result<Bytes, Failure>,
        now: SystemTime,
    ) -> bool {
        let mut inner = self.lock();
        let Some(member) = inner.members.get_mut(&seat) else { return false };
        if !matches!(&member.state, State::Busy(call) if call.event.id == id) {
            return false;
        }
        if let State::Busy(call) = std::mem::replace(&mut member.state, State::Between) {
            let _ = call.answer.send(answer);
        }
        member.since = now;
        true
    }

    /// A process that is at work.
    pub(super) fn at_work(&self) -> Option<Seat> {
        let inner = self.lock();
        let busy = |(_, member): &(&Seat, &Member)| matches!(member.state, State::Busy(_));
        inner.members.iter().find(busy).map(|(seat, _)| *seat)
    }

    /// Whether the process is at this very call.
    pub(super) fn is_at(&self, seat: Seat, id: &str) -> bool {
        let inner = self.lock();
        let state = inner.members.get(&seat).map(|member| &member.state);
        matches!(state, Some(State::Busy(call)) if call.event.id == id)
    }

    /// The process gets no more calls, and what it is at fails like this.
    pub(super) fn part(&self, seat: Seat, failure: Failure) -> Parting {
        let mut inner = self.lock();
        let Some(member) = inner.members.remove(&seat) else { return Parting::Quiet };
        match member.state {
            State::Busy(call) => {
                let _ = call.answer.send(Err(failure));
                Parting::Busy
            }
            State::Starting if member.generation == inner.generation => {
                inner.failed_starts += 1;
                let alone = inner.members.is_empty();
                Parting::Starting { failed: inner.failed_starts, alone }
            }
            _ => Parting::Quiet,
        }
    }

    /// All calls in the line fail: no process comes up.
    pub(super) fn give_up(&self, why: &str) {
        let mut inner = self.lock();
        inner.failed_starts = 0;
        for call in std::mem::take(&mut inner.waiting) {
            let _ = call.answer.send(Err(Failure::DoesNotStart(why.to_owned())));
        }
    }

    /// A new build. Processes of the old one leave, those at work when they are done. Returns those
    /// that leave now.
    pub(super) fn renew(&self) -> Vec<Seat> {
        let mut inner = self.lock();
        inner.generation += 1;
        inner.failed_starts = 0;
        inner.dismiss(|member| !matches!(member.state, State::Busy(_)))
    }

    /// All leave. Returns them; calls fail.
    pub(super) fn close(&self) -> Vec<Seat> {
        let mut inner = self.lock();
        inner.waiting.clear();
        inner.dismiss(|_| true)
    }

    /// Those that were idle for so long leave; returns them.
    pub(super) fn shrink(&self, now: SystemTime, rest: Duration) -> Vec<Seat> {
        let rested = |since: SystemTime| now.duration_since(since).is_ok_and(|idle| idle > rest);
        let leaves =
            |member: &Member| matches!(member.state, State::Idle(_)) && rested(member.since);
        self.lock().dismiss(leaves)
    }

    /// How many processes there are.
    pub(super) fn count(&self) -> usize {
        self.lock().members.len()
    }
}

impl Inner {
    fn join(&mut self, now: SystemTime) -> Seat {
        self.next_seat += 1;
        let generation = self.generation;
        let member = Member { state: State::Starting, since: now, generation };
        self.members.insert(self.next_seat, member);
        self.next_seat
    }

    /// Gives a call to an idle process: to the one that rested least, so that others can end.
    /// Returns the call if none is idle.
    fn give(&mut self, mut call: Call, now: SystemTime) -> Option<Call> {
        loop {
            let idle = self.members.iter().filter_map(|(seat, member)| match member.state {
                State::Idle(_) => Some((member.since, *seat)),
                _ => None,
            });
            let Some((_, seat)) = idle.max() else { return Some(call) };
            let Some(Member { state: State::Idle(sender), generation, .. }) =
                self.members.remove(&seat)
            else {
                return Some(call);
            };
            // Its receiver is gone if the process is, and nobody has noticed yet.
            if sender.send(call.event.clone()).is_ok() {
                call.tell(seat);
                let busy = Member { state: State::Busy(call), since: now, generation };
                self.members.insert(seat, busy);
                return None;
            }
        }
    }

    fn take(&mut self, seat: Seat, mut call: Call, now: SystemTime) -> Event {
        call.tell(seat);
        let event = call.event.clone();
        self.set(seat, State::Busy(call), now);
        event
    }

    fn set(&mut self, seat: Seat, state: State, now: SystemTime) {
        if let Some(member) = self.members.get_mut(&seat) {
            (member.state, member.since) = (state, now);
        }
    }

    fn dismiss(&mut self, leaves: impl Fn(&Member) -> bool) -> Vec<Seat> {
        let leaving = self.members.extract_if(|_, member| leaves(member));
        leaving.map(|(seat, _)| seat).collect()
    }
}

impl Call {
    fn tell(&mut self, seat: Seat) {
        if let Some(taken) = self.taken.take() {
            let _ = taken.send(seat);
        }
    }
}
