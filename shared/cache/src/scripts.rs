//! The scripts: each is one step that nobody else comes between.

use std::fmt::Write as _;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use redis::Cmd;

use crate::known_bad::KnownBad;

/// Every script.
pub(crate) struct Scripts {
    pub(crate) greet: Arc<Script>,
    pub(crate) limit: Arc<Script>,
    pub(crate) remember: Arc<Script>,
    pub(crate) forget: Arc<Script>,
    pub(crate) look: Arc<Script>,
    pub(crate) fill: Arc<Script>,
    pub(crate) fence: Arc<Script>,
    pub(crate) lift: Arc<Script>,
    pub(crate) drop: Arc<Script>,
    pub(crate) awake: Arc<Script>,
    pub(crate) beat: Arc<Script>,
    pub(crate) rest: Arc<Script>,
}

/// A script and the digest by which Redis knows it.
pub(crate) struct Script {
    text: String,
    digest: String,
}

impl Scripts {
    pub(crate) fn new(known_bad: KnownBad) -> Self {
        let script = |name: &str, text: &str| Script::new(known_bad.instead_of(name, text));
        let with_meter =
            |text: &str| Script::new(&[include_str!("scripts/meter.lua"), text].concat());
        Self {
            greet: with_meter(include_str!("scripts/greet.lua")),
            limit: with_meter(include_str!("scripts/limit.lua")),
            remember: script("remember", include_str!("scripts/remember.lua")),
            forget: script("forget", include_str!("scripts/forget.lua")),
            look: script("look", include_str!("scripts/look.lua")),
            fill: script("fill", include_str!("scripts/fill.lua")),
            fence: script("fence", include_str!("scripts/fence.lua")),
            lift: script("lift", include_str!("scripts/lift.lua")),
            drop: script("drop", include_str!("scripts/drop.lua")),
            awake: script("awake", include_str!("scripts/awake.lua")),
            beat: script("beat", include_str!("scripts/beat.lua")),
            rest: script("rest", include_str!("scripts/rest.lua")),
        }
    }
}

impl Script {
    fn new(text: &str) -> Arc<Self> {
        // Redis names scripts by their SHA-1; nothing is protected by it.
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        let digest = digest.as_ref().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Arc::new(Self { text: text.to_owned(), digest })
    }

    /// A run of it.
    pub(crate) fn step(self: &Arc<Self>, keys: &[&str]) -> Step {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        Step { script: Arc::clone(self), keys, arguments: Vec::new() }
    }
}

/// A script with its keys, which lie in one slot, and its arguments.
pub(crate) struct Step {
    script: Arc<Script>,
    keys: Vec<String>,
    arguments: Vec<String>,
}

impl Step {
    /// With one more argument.
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts are written alike")]
    pub(crate) fn arg(mut self, argument: impl ToString) -> Self {
        self.arguments.push(argument.to_string());
        self
    }

    /// The short form, for a Redis that knows the script.
    pub(crate) fn by_digest(&self) -> Cmd {
        self.command("EVALSHA", &self.script.digest)
    }

    /// The long form, by which Redis gets to know it: a restart makes it forget.
    pub(crate) fn by_text(&self) -> Cmd {
        self.command("EVAL", &self.script.text)
    }

    /// What removes those of its keys that are of a wrong type.
    pub(crate) fn mend(&self) -> Cmd {
        self.command("EVAL", include_str!("scripts/mend.lua"))
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = Cmd::with_capacity(3 + self.keys.len() + self.arguments.len(), 512);
        command.arg(name).arg(script).arg(self.keys.len());
        command.arg(&self.keys).arg(&self.arguments);
        command
    }
}
