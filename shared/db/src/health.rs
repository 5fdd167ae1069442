//! Whether the database answers.

use config::defaults;
use tokio::time::timeout;

use crate::handle::{Db, Role};
use crate::pool::Pool;
use crate::statement::Statement;

pub(crate) const PING: Statement =
    Statement { name: "health.ping", sql: "-- health.ping\nSELECT 1", types: &[] };

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// The writer.
    pub writer: bool,
    /// The reader; none if there is none.
    pub reader: Option<bool>,
}

impl<R: Role> Db<R> {
    /// Asks the writer, and the reader if there is one, at the same time.
    pub async fn health(&self) -> Health {
        let reader = async {
            match self.reader() {
                Some(reader) => Some(answers(reader.pool()).await),
                None => None,
            }
        };
        let (writer, reader) = tokio::join!(answers(self.writer()), reader);
        Health { writer, reader }
    }
}

async fn answers(pool: &Pool) -> bool {
    matches!(timeout(defaults::POSTGRES_HEALTH, pool.call(&PING, &[])).await, Ok(Ok(_)))
}
