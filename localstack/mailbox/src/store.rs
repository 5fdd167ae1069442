//! The mails that are kept: all of them in memory, and in the folder if there is one.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clock::Clock;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::files::Folder;
use crate::mail::{Envelope, Mail};
use crate::settings::Error;

/// More mails than this, and the oldest go.
pub(crate) const MAX_MAILS: usize = 1_000;

/// More bytes than this, and the oldest go too: a load test must not take the laptop's memory.
pub(crate) const MAX_BYTES: usize = 256 * 1024 * 1024;

/// Its methods block on the folder: on a runtime's thread only [`Store::list`] and [`Store::get`]
/// are for direct use.
pub(crate) struct Store {
    /// Oldest first, which is the order of their ids.
    mails: Mutex<VecDeque<Arc<Mail>>>,
    folder: Option<Folder>,
    clock: Clock,
}

impl Store {
    /// Reads what an earlier run left in the folder.
    pub(crate) fn open(folder: Option<Folder>) -> Result<Self, Error> {
        let mut mails = folder.as_ref().map(Folder::load).transpose()?.unwrap_or_default();
        mails.sort_unstable_by_key(|mail| mail.id);
        let mails = Mutex::new(mails.into_iter().map(Arc::new).collect());
        Ok(Self { mails, folder, clock: Clock::system() })
    }

    /// Keeps a mail. When this returns, the mail is in the folder and in the list.
    pub(crate) fn add(&self, from: String, to: Vec<String>, raw: Vec<u8>) -> io::Result<()> {
        let id = self.clock.new_id();
        let received_at = OffsetDateTime::from(self.clock.now());
        let envelope = Envelope { received_at, from, to };
        let mail = Arc::new(Mail::new(id, envelope.clone(), raw));
        if let Some(folder) = &self.folder {
            folder.write(id, &envelope, &mail.raw)?;
        }
        let removed = {
            let mut mails = self.lock();
            // Another mail may have got its id later and be here earlier.
            let place = mails.partition_point(|other| other.id < id);
            mails.insert(place, mail);
            take_surplus(&mut mails)
        };
        self.erase(&removed)
    }

    /// Newest first.
    pub(crate) fn list(&self) -> Vec<Arc<Mail>> {
        self.lock().iter().rev().map(Arc::clone).collect()
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<Arc<Mail>> {
        let mails = self.lock();
        let place = mails.binary_search_by_key(&id, |mail| mail.id).ok()?;
        mails.get(place).map(Arc::clone)
    }

    /// `false`: there is none.
    pub(crate) fn remove(&self, id: Uuid) -> io::Result<bool> {
        let removed = {
            let mut mails = self.lock();
            let place = mails.binary_search_by_key(&id, |mail| mail.id).ok();
            place.and_then(|place| mails.remove(place))
        };
        self.erase(removed.as_slice())?;
        Ok(removed.is_some())
    }

    pub(crate) fn clear(&self) -> io::Result<()> {
        let removed: Vec<_> = self.lock().drain(..).collect();
        self.erase(&removed)
    }

    fn erase(&self, removed: &[Arc<Mail>]) -> io::Result<()> {
        match &self.folder {
            Some(folder) => removed.iter().try_for_each(|mail| folder.remove(mail.id)),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Mail>>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the oldest out until the others are few and small enough. The newest always stays.
fn take_surplus(mails: &mut VecDeque<Arc<Mail>>) -> Vec<Arc<Mail>> {
    let mut bytes: usize = mails.iter().map(|mail| mail.size).sum();
    let mut surplus = Vec::new();
    while mails.len() > 1 && (mails.len() > MAX_MAILS || bytes > MAX_BYTES) {
        let Some(oldest) = mails.pop_front() else { break };
        bytes -= oldest.size;
        surplus.push(oldest);
    }
    surplus
}

#[cfg(test)]
mod tests {
    use super::{Arc, Envelope, MAX_BYTES, Mail, OffsetDateTime, Uuid, VecDeque, take_surplus};

    #[test]
    fn mails_that_are_too_large_together_push_the_oldest_out() {
        let mail = |size| {
            let at = OffsetDateTime::UNIX_EPOCH;
            let envelope = Envelope { received_at: at, from: String::new(), to: Vec::new() };
            Arc::new(Mail { size, ..Mail::new(Uuid::nil(), envelope, Vec::new()) })
        };
        let left = |sizes: &[usize]| {
            let mut mails: VecDeque<_> = sizes.iter().copied().map(mail).collect();
            take_surplus(&mut mails);
            mails.iter().map(|mail| mail.size).collect::<Vec<_>>()
        };
        assert_eq!(left(&[1, MAX_BYTES - 1]), [1, MAX_BYTES - 1]);
        assert_eq!(left(&[1, 2, MAX_BYTES - 2]), [2, MAX_BYTES - 2]);
        assert_eq!(left(&[1, MAX_BYTES + 1]), [MAX_BYTES + 1], "the newest always stays");
    }
}
