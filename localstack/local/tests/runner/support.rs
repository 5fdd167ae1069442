//! What the tests of the runner share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::lambda::{Logs, Settings, Stream};

/// A binary of this workspace, built with the tests.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join(name)
}

/// The probe as a function.
pub(crate) fn probe() -> Settings {
    Settings {
        name: "probe".into(),
        program: binary("probe"),
        directory: std::env::temp_dir(),
        environment: BTreeMap::new(),
        timeout: Duration::from_secs(20),
        memory: 256,
        cap: 4,
        dies_with_us: true,
    }
}

/// The lines that were written so far, by functions and about them.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<(Stream, String)>>>);

impl Lines {
    /// Where they are written.
    pub(crate) fn logs(&self) -> Logs {
        let sink = Arc::clone(&self.0);
        Logs::to(move |_, stream, words| sink.lock().unwrap().push((stream, words.to_owned())))
    }

    /// Those of one stream.
    pub(crate) fn of(&self, stream: Stream) -> Vec<String> {
        let lines = self.all().into_iter().filter(|(of, _)| *of == stream);
        lines.map(|(_, words)| words).collect()
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<(Stream, String)> {
        self.0.lock().unwrap().clone()
    }
}
