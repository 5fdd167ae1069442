//! A route without its type, for the catalog and for whoever calls many routes.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use config::{ConfigError, Deps as _, Env, Need};
use futures_util::future::BoxFuture;

use crate::app::App;
use crate::gateway::{Answer, Event};
use crate::input::{Input, Shape};
use crate::pipeline;
use crate::problem::Kind;
use crate::reply::Reply;
use crate::route::{Route, problems};
use crate::spec::{Access, Spec};

/// What is known of a route, and how to start it.
pub struct Entry {
    /// Its declaration.
    pub spec: Spec,
    /// What it takes.
    pub shape: Shape,
    /// What it needs to be given.
    pub needs: Vec<Need>,
    /// The statuses of its successes.
    pub statuses: &'static [u16],
    /// Every problem that it can answer with.
    pub problems: Vec<Kind>,
    /// Prepares it in this process.
    pub prepare: Prepare,
}

/// Prepares a function from its settings.
pub type Prepare = fn(&Env, Clock) -> Result<Arc<dyn Function>, ConfigError>;

/// A function that is ready for requests.
pub trait Function: Send + Sync {
    /// Answers one event, with the time that is left for it.
    fn call(&self, event: Event, time_left: Duration) -> BoxFuture<'_, Answer>;
}

impl<R: Route> Function for App<R> {
    fn call(&self, event: Event, time_left: Duration) -> BoxFuture<'_, Answer> {
        Box::pin(pipeline::answer(self, event, time_left))
    }
}

impl Entry {
    /// The entry of a route.
    pub fn of<R: Route>() -> Self {
        let mut shape = Shape::default();
        R::Input::describe(&mut shape);
        Self {
            spec: R::SPEC,
            shape,
            needs: needs_of::<R>(),
            statuses: R::Output::STATUSES,
            problems: problems::<R>(),
            prepare: |env, clock| App::<R>::prepare(env, clock).map(|app| app as Arc<dyn Function>),
        }
    }
}

/// What a route needs to be given.
pub(crate) fn needs_of<R: Route>() -> Vec<Need> {
    let mut needs = vec![Need::Cache];
    if !R::SPEC.access.is_public() {
        needs.push(Need::Auth);
    }
    if R::SPEC.access == Access::LogoutToken {
        needs.push(Need::Logout);
    }
    R::Deps::needs(&mut needs);
    // Who writes leaves events behind, and wakes whoever carries them.
    if needs.contains(&Need::Database(<db::Write as db::Role>::NAME)) {
        needs.push(Need::Wake);
    }
    needs
}
