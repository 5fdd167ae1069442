//! Rebuilds functions whose source was saved, and swaps them in.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use services::checkout;
use tokio::runtime::Handle;

use super::deployment::{MIGRATE, migrate};
use super::watch::Watch;
use super::{Home, Programs, Terminal};
use crate::lambda::Function;

/// Where the functions' source is.
const SOURCES: [&str; 5] = ["functions", "shared", "migrations", "Cargo.toml", "Cargo.lock"];
/// It is read once, at the start.
const TEMPLATE: &str = "template.yaml";
/// How often the files are looked at.
const PAUSE: Duration = Duration::from_millis(300);
/// Editors and version control write many files in a row.
const SETTLE: Duration = Duration::from_millis(150);

/// The source as it was when the start began: what is saved while it lasts is not missed.
pub(super) struct Sources {
    root: PathBuf,
    code: Watch,
    template: Watch,
}

impl Sources {
    pub(super) fn look() -> Self {
        let root = checkout();
        let code = Watch::of(SOURCES.map(|name| root.join(name)));
        let template = Watch::of([root.join(TEMPLATE)]);
        Self { root, code, template }
    }

    /// What was saved, when no more is being saved.
    fn saved(&mut self) -> Vec<PathBuf> {
        let mut saved = self.code.changes();
        while !saved.is_empty() {
            thread::sleep(SETTLE);
            match self.code.changes() {
                more if more.is_empty() => break,
                more => saved.extend(more),
            }
        }
        saved
    }
}

/// What the thread that watches works with.
pub(super) struct Reload {
    pub(super) home: Home,
    pub(super) programs: Programs,
    pub(super) functions: HashMap<String, Function>,
    pub(super) terminal: Terminal,
    pub(super) runtime: Handle,
}

/// When the binary of each function was built.
type Built = BTreeMap<String, Option<SystemTime>>;

impl Reload {
    /// Watches until the program ends.
    pub(super) fn start(self, mut sources: Sources) {
        let at = |name: &String| (name.clone(), self.programs.built_at(name));
        let mut built: Built = self.functions.keys().map(at).collect();
        self.terminal
            .say("watching functions/, shared/ and migrations/: what you save is swapped in");
        thread::spawn(move || {
            loop {
                thread::sleep(PAUSE);
                if !sources.template.changes().is_empty() {
                    self.terminal
                        .say("template.yaml has changed: `make down` and `make up` play it");
                }
                let saved = sources.saved();
                if !saved.is_empty() {
                    self.rebuild(&sources.root, &saved, &mut built);
                }
            }
        });
    }

    fn rebuild(&self, root: &Path, saved: &[PathBuf], built: &mut Built) {
        let first = saved.first().map(|path| path.strip_prefix(root).unwrap_or(path));
        let first = first.unwrap_or(Path::new("")).display();
        let more = match saved.len() {
            0 | 1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        self.terminal.say(format_args!("{first}{more} changed: building"));
        let start = Instant::now();
        match self.build(root) {
            Ok(output) if output.status.success() => {
                let seconds = start.elapsed().as_secs_f32();
                self.terminal.say(format_args!("built in {seconds:.1} s"));
                self.swap(built);
            }
            Ok(output) => {
                self.terminal.print(&String::from_utf8_lossy(&output.stderr));
                self.terminal.say("that does not build; what ran goes on");
            }
            Err(error) => self.terminal.say(format_args!("cargo cannot be started: {error}")),
        }
    }

    /// The same build as `make up` does: with fewer packages features would differ, and with them
    /// everything would be compiled again.
    fn build(&self, root: &Path) -> io::Result<Output> {
        let mut command = Command::new("cargo");
        command.args(["build", "--quiet", "--workspace", "--bins"]).args(self.programs.profile());
        // A group of its own, for Ctrl-C is ours to handle; and a mark, by which `make down` finds the
        // compiler, whoever its parent is by then.
        let (mark, home) = self.home.mark();
        command.env(mark, home).current_dir(root).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        services::spawn(command)?.wait_with_output()
    }

    /// Takes the binaries that are new: the database first, and the others only if that went well.
    fn swap(&self, built: &mut Built) {
        let is_new = |name: &String| self.programs.built_at(name) != built[name];
        let mut names: Vec<String> = built.keys().filter(|name| is_new(name)).cloned().collect();
        names.sort_by_key(|name| name != MIGRATE);
        for name in &names {
            let at = self.programs.built_at(name);
            if let Err(error) = self.programs.take(name) {
                return self.terminal.say(format_args!("{name}: {error}; what ran goes on"));
            }
            self.functions[name].renew();
            if name == MIGRATE
                && let Err(error) = self.runtime.block_on(migrate(&self.functions, &self.terminal))
            {
                let words = format_args!("the migrations failed: {error}; what ran goes on");
                return self.terminal.say(words);
            }
            built.insert(name.clone(), at);
        }
        self.terminal.say(match names.as_slice() {
            [] => "no function is different".to_owned(),
            all if all.len() == built.len() => "swapped in: all functions".to_owned(),
            names => format!("swapped in: {}", names.join(", ")),
        });
    }
}
