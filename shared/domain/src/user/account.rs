//! How an account stands.

use serde::{Deserialize, Serialize};

/// How an account stands, whatever token is shown for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// Whether it is active.
    pub active: bool,
    /// Tokens that were issued until then do not count, in seconds since 1970; 0 if there is no such
    /// time.
    pub not_before: i64,
    /// The sessions that were ended.
    pub sessions: Vec<String>,
}
