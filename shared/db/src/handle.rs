//! A handle per login role: what it can do, and what the database allows it, are the same.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use config::{ConfigError, Deps, Need, Secrets, Start, defaults};
use tokio_postgres::Row;

use crate::call::Parameters;
use crate::error::DbError;
use crate::pool::Pool;
use crate::reader::Reader;
use crate::settings::Settings;
use crate::statement::Statement;

/// A login role of the database.
pub trait Role: Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
    /// How long it waits for a connection of its pool.
    const WAIT: Duration = defaults::POSTGRES_POOL_WAIT;
}

/// The role of functions that read.
pub struct Read;
impl Role for Read {
    const NAME: &'static str = "api_read";
}

/// The role of functions that write.
pub struct Write;
impl Role for Write {
    const NAME: &'static str = "api_write";
}

/// The role of workers.
pub struct Work;
impl Role for Work {
    const NAME: &'static str = "worker";
    // The events of a batch share a connection, and nobody waits for an answer.
    const WAIT: Duration = defaults::POSTGRES_WORKER_WAIT;
}

/// The database, as a role sees it. Clones share their connections.
pub struct Db<R> {
    writer: Arc<Pool>,
    reader: Option<Arc<Reader>>,
    role: PhantomData<fn() -> R>,
}

/// The database for functions that read.
pub type ReadDb = Db<Read>;
/// The database for functions that write.
pub type WriteDb = Db<Write>;
/// The database for workers.
pub type WorkerDb = Db<Work>;

impl<R> Clone for Db<R> {
    fn clone(&self) -> Self {
        Self { writer: self.writer.clone(), reader: self.reader.clone(), role: PhantomData }
    }
}

impl<R: Role> Db<R> {
    /// A handle without connections yet: they are made when they are needed.
    pub fn new(settings: &Settings, secrets: &Secrets) -> Result<Self, ConfigError> {
        let pool = |address| Pool::new(address, settings, R::WAIT, secrets.clone());
        let reader = settings.reader.as_ref().map(pool).transpose()?;
        Ok(Self {
            writer: pool(&settings.writer)?,
            reader: reader.map(|pool| Arc::new(Reader::new(pool))),
            role: PhantomData,
        })
    }

    /// Opens a first connection to each, so that the first request need not. It can do without the
    /// reader's.
    pub async fn warm_up(&self) -> Result<(), DbError> {
        let reader = async {
            if let Some(reader) = &self.reader {
                drop(reader.pool().get().await);
            }
        };
        tokio::join!(self.writer.get(), reader).0.map(drop)
    }

    pub(crate) async fn on_writer(
        &self,
        statement: &Statement,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, DbError> {
        self.writer.call(statement, parameters).await
    }

    /// The reader, if there is one.
    pub(crate) const fn reader(&self) -> Option<&Arc<Reader>> {
        self.reader.as_ref()
    }

    /// The writer.
    pub(crate) const fn writer(&self) -> &Arc<Pool> {
        &self.writer
    }
}

impl<R: Role> Deps for Db<R> {
    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need::Database(R::NAME));
    }

    fn prepare(start: &Start<'_>) -> Result<Self, ConfigError> {
        Self::new(&Settings::from_env(start.env)?, start.secrets)
    }

    async fn warm_up(&self) {
        if let Err(error) = self.warm_up().await {
            tracing::warn!(target: telemetry::TARGET, %error, "started without the database");
        }
    }
}

/// The one row of a statement that always answers with one.
pub(crate) fn one_row(statement: &Statement, rows: Vec<Row>) -> Result<Row, DbError> {
    let mut rows = rows.into_iter();
    match (rows.next(), rows.next()) {
        (Some(row), None) => Ok(row),
        _ => Err(DbError::Refused(format!("{}: not exactly one row", statement.name))),
    }
}

/// A column, or our own fault: statement and code disagree about it.
pub(crate) fn column<'r, T: tokio_postgres::types::FromSql<'r>>(
    statement: &Statement,
    row: &'r Row,
    name: &str,
) -> Result<T, DbError> {
    row.try_get(name).map_err(|e| DbError::Refused(format!("{}: {e}", statement.name)))
}
