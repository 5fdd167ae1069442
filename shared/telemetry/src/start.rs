//! Setting up the log, once per process.

use std::io::{self, IsTerminal};

use config::{ConfigError, Env};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::TARGET;

/// Starts the log of this process: `LOG_LEVEL` (`error`, `warn`, `info`, `debug`; `info` if left
/// out), to standard output.
pub fn start(env: &Env) -> Result<(), ConfigError> {
    let level: LevelFilter = env.or("LOG_LEVEL", LevelFilter::INFO)?;
    let readable = io::stdout().is_terminal();
    // A second start in one process (tests) keeps the first log.
    let _ = tracing::subscriber::set_global_default(subscriber(level, readable, io::stdout));
    Ok(())
}

/// What writes the lines: readable for a person, or one JSON object per line.
pub fn subscriber<W>(
    level: LevelFilter,
    readable: bool,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let ours = Targets::new().with_target(TARGET, level);
    if readable {
        let layer = fmt::layer().compact().with_target(false).with_writer(writer);
        Box::new(Registry::default().with(layer.with_filter(ours)))
    } else {
        let layer = fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_target(false)
            .with_writer(writer);
        Box::new(Registry::default().with(layer.with_filter(ours)))
    }
}
