//! X24: whoever was logged out or deactivated is refused, whatever happens to Redis.

mod accounts;
mod everywhere;
mod issuer;
mod lost_answers;
mod race;
mod sessions;
