//! Making the file of an export: step by step, a step's tasks and a part of the file in memory.

use std::time::SystemTime;

use clock::Clock;
use config::defaults::{EXPORT_RENEWAL, EXPORT_RESERVE};
use db::{DbError, Ending, Lease, Order, Walk, WorkerDb};
use domain::Export;
use domain::export::{Format, Kind};
use storage::{Files, StorageError, Upload};

use crate::report::Report;
use crate::tasks;

/// How many tasks the first step looks at. How large they are is known after it.
const FIRST_STEP: u32 = 500;
/// The most that a step looks at: less than a statement's time, and not too much if each is as large as
/// can be.
const MOST_ROWS: u32 = 2_000;
/// The same for a step that only counts.
const MOST_COUNTED: u32 = 20_000;
/// What the tasks of a step should come to.
const STEP_BYTES: usize = 2 * 1024 * 1024;

/// Why there is no file.
pub(crate) enum Stop {
    /// Somebody else works on it now.
    Lost,
    /// Another attempt may do better. The words are for us.
    Retry(String),
    /// No attempt will do better. The words are for whoever asked for the export.
    Never(&'static str),
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Retry(error.to_string())
    }
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Retry(why)
    }
}

/// The work on one export.
pub(crate) struct Work<'a> {
    pub(crate) db: &'a WorkerDb,
    pub(crate) files: &'a Files,
    pub(crate) clock: &'a Clock,
    pub(crate) lease: &'a Lease,
    pub(crate) order: &'a Order,
    /// When the function's time is up.
    pub(crate) ends: SystemTime,
    /// When the lease was last renewed.
    pub(crate) renewed: SystemTime,
}

impl Work<'_> {
    /// Makes the file and puts it in its place.
    pub(crate) async fn make(mut self) -> Result<Ending<'static>, Stop> {
        let Order { owner, format, kind, .. } = *self.order;
        let key = Export::key(owner, self.lease.export, format);
        let mut upload = self.files.upload(&key, format.media_type()).await;
        let written = match kind {
            Kind::Tasks => self.write_tasks(&mut upload, format).await,
            Kind::Report => self.write_report(&mut upload, format).await,
        };
        // Whoever lost the lease must not put a file over another's.
        let written = match written {
            Ok(rows) => self.renew().await.map(|()| rows),
            stopped => stopped,
        };
        match written {
            Ok(rows) => {
                let bytes = upload.finish().await?;
                let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
                Ok(Ending::File { rows: count(rows), bytes: count(bytes) })
            }
            Err(stop) => {
                // What it says is of no use here; the bucket forgets the parts in any case.
                let _ = upload.abort().await;
                Err(stop)
            }
        }
    }

    async fn write_tasks(&mut self, upload: &mut Upload, format: Format) -> Result<u64, Stop> {
        upload.write(&tasks::heading(format)?).await?;
        let mut walk = Walk::of(self.lease, self.order);
        let (mut rows, mut step) = (0, FIRST_STEP);
        while !walk.is_over() {
            self.go_on().await?;
            let walked = self.db.walk_rows(&mut walk, step).await?.ok_or(Stop::Lost)?;
            let found = walked.tasks()?;
            let bytes: usize = found.iter().map(|task| task.len()).sum();
            rows += found.len() as u64;
            upload.write(&tasks::rows(format, &found)?).await?;
            step = next_step(step, bytes);
        }
        Ok(rows)
    }

    async fn write_report(&mut self, upload: &mut Upload, format: Format) -> Result<u64, Stop> {
        let mut walk = Walk::of(self.lease, self.order);
        let mut report = Report::default();
        while !walk.is_over() {
            self.go_on().await?;
            let groups = self.db.walk_counts(&mut walk, MOST_COUNTED).await?.ok_or(Stop::Lost)?;
            for group in groups {
                report.add(group);
            }
        }
        let (bytes, rows) = report.write(format)?;
        upload.write(&bytes).await?;
        Ok(rows as u64)
    }

    /// Whether there is time for a step; and keeps the lease.
    async fn go_on(&mut self) -> Result<(), Stop> {
        let now = self.clock.now();
        if now + EXPORT_RESERVE > self.ends {
            return Err(Stop::Never(TOO_MUCH));
        }
        let since = now.duration_since(self.renewed).unwrap_or_default();
        if since >= EXPORT_RENEWAL { self.renew().await } else { Ok(()) }
    }

    async fn renew(&mut self) -> Result<(), Stop> {
        let now = self.clock.now();
        if !self.db.renew_export(self.lease).await? {
            return Err(Stop::Lost);
        }
        self.renewed = now;
        Ok(())
    }
}

const TOO_MUCH: &str =
    "It is too much for one export. Ask for less, with a filter: for the tasks of one year, say.";

/// How many tasks the next step looks at, after one whose tasks had so many bytes. It grows slowly: the next
/// ones may be larger.
fn next_step(step: u32, bytes: usize) -> u32 {
    if bytes > STEP_BYTES {
        (step / 2).max(50)
    } else if bytes < STEP_BYTES / 2 {
        (step * 2).min(MOST_ROWS)
    } else {
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_the_size_of_the_tasks() {
        assert_eq!(next_step(FIRST_STEP, 0), 1000);
        assert_eq!(next_step(MOST_ROWS, 0), MOST_ROWS);
        assert_eq!(next_step(1000, STEP_BYTES), 1000);
        assert_eq!(next_step(1000, STEP_BYTES + 1), 500);
        assert_eq!(next_step(60, usize::MAX), 50);
    }
}
