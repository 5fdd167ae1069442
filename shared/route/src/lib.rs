#![doc = include_str!("../README.md")]

mod app;
mod auth_settings;
mod change;
mod cx;
mod entry;
mod etag;
mod front;
mod gate;
pub mod gateway;
mod input;
mod judge;
mod outcome;
mod pipeline;
mod problem;
mod reply;
mod request;
mod route;
mod serve;
mod shelf;
mod spec;
mod trace;

pub use auth::Caller;
pub use cache::{Entry as CacheEntry, Policy, Touch};
pub use change::Changeable;
pub use cx::Cx;
pub use entry::{Entry, Function, Prepare};
pub use etag::ETag;
pub use front::Looked;
pub use gate::permit;
pub use input::{
    AnyQuery, Cursor, FromJson, FromQuery, Idempotency, IfMatch, Input, Json, LogoutToken,
    Parameters, Path, Query, Resource, Shape,
};
pub use judge::Judge;
pub use outcome::settled;
pub use problem::{Kind, Problem};
pub use reply::{
    Accepted, Changed, Creatable, Created, Deleted, Entity, Found, Listed, Never, Reply, Response,
    Shown,
};
pub use request::Request;
pub use route::Route;
pub use serve::serve;
pub use shelf::Shelf;
pub use spec::{Access, DEFAULT_PATH, Method, Spec};

// What nearly every function needs besides.
pub use config::Need;
pub use domain::Permission;
