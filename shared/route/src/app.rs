//! A function that is ready for requests.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use auth::Verifier;
use cache::Cache;
use clock::Clock;
use config::{ConfigError, Deps as _, Env, Need, Secrets, Stage, Start, defaults};
use queue::Outbox;
use tokio::time::timeout;

use crate::auth_settings;
use crate::entry::needs_of;
use crate::input::{Input, Shape};
use crate::judge::Judge as _;
use crate::route::Route;

/// A route with everything that it needs.
pub(crate) struct App<R: Route> {
    pub(crate) deps: R::Deps,
    pub(crate) cache: Cache,
    /// What wakes the relay, if the route writes events.
    pub(crate) outbox: Option<Outbox>,
    pub(crate) verifier: Option<Verifier>,
    pub(crate) shape: Shape,
    pub(crate) route_keys: Vec<String>,
    pub(crate) public_url: String,
    pub(crate) clock: Clock,
    /// True until the first request.
    pub(crate) cold: AtomicBool,
}

impl<R: Route> App<R> {
    /// Reads the settings. What is missing or wrong ends here.
    pub(crate) fn prepare(env: &Env, clock: Clock) -> Result<Arc<Self>, ConfigError> {
        const {
            assert!(
                R::Deps::KNOWS_STANDING || !R::SPEC.access.has_caller(),
                "a route that asks who is calling must be able to tell whether they were logged out"
            );
        }
        let stage: Stage = env.required("STAGE", "local, staging or production")?;
        let public_url: String = env.required("PUBLIC_URL", "where clients reach the API")?;
        let secrets = Secrets::new(clock.clone());
        let start = Start { env, secrets: &secrets, clock: &clock };
        let deps = R::Deps::prepare(&start)?;
        let cache = Cache::prepare(&start)?;
        let wakes = needs_of::<R>().contains(&Need::Wake);
        let outbox = wakes.then(|| Outbox::prepare(&start)).transpose()?;
        let verifier = if R::SPEC.access.is_public() {
            None
        } else {
            let settings = auth_settings::read(env, stage)?;
            let shelf = deps.key_shelf(&settings.issuer);
            let verifier = Verifier::new(settings, clock.clone(), shelf);
            Some(verifier.map_err(|error| auth_settings::name(&error))?)
        };
        let mut shape = Shape::default();
        R::Input::describe(&mut shape);
        Ok(Arc::new(Self {
            deps,
            cache,
            outbox,
            verifier,
            shape,
            route_keys: R::SPEC.route_keys(),
            public_url: public_url.trim_end_matches('/').to_owned(),
            clock,
            cold: AtomicBool::new(true),
        }))
    }

    /// Connects while the environment starts. Never fails: a function that starts during an outage
    /// answers 503 until it is over, instead of dying again and again.
    pub(crate) async fn warm_up(&self) {
        let verifier = async {
            if let Some(verifier) = &self.verifier {
                verifier.warm_up().await;
            }
        };
        let everything =
            async { tokio::join!(self.deps.warm_up(), self.cache.warm_up(), verifier) };
        if timeout(defaults::WARM_UP, everything).await.is_err() {
            tracing::warn!(target: telemetry::TARGET, "started before everything was connected");
        }
    }
}
