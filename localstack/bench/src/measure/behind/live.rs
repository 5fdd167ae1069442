//! The functions behind the answers at work, as template.yaml says what gives them their messages.

use local::queues::Mapping;

use super::stage::Stage;
use crate::Failed;

const WORKERS: [&str; 4] =
    ["outbox-relay", "notifications-worker", "analytics-worker", "audit-worker"];

/// The mappings of the workers, and of the relay.
pub(super) struct Live(Vec<Mapping>);

impl Live {
    pub(super) fn start(stage: &Stage<'_>) -> Result<Self, Failed> {
        let rig = stage.rig;
        let mut mappings = Vec::new();
        for of in &rig.template.functions {
            if !WORKERS.contains(&of.name.as_str()) {
                continue;
            }
            let settings = rig.settings_in(super::stage::DATABASE, &of.name)?;
            let function = rig.run(settings);
            for source in &of.queues {
                let (source, function) = (source.clone(), function.clone());
                let logs = rig.journal.logs();
                mappings.push(Mapping::start(&stage.queues, source, function, logs));
            }
        }
        Ok(Self(mappings))
    }

    /// Ends them, and with them the processes.
    pub(super) async fn stop(self) {
        for mapping in self.0 {
            mapping.stop().await;
        }
    }
}
