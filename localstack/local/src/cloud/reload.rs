//! Rebuilds functions whose source was saved, and swaps them in.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use services::checkout;
use tokio::runtime::Handle;

use super::deployment::{MIGRATE, migrate};
use super::{Programs, Terminal};
use crate::lambda::Function;

/// Where the functions' source is.
const SOURCES: [&str; 5] = ["functions", "shared", "migrations", "Cargo.toml", "Cargo.lock"];
/// It is read once, at the start.
const TEMPLATE: &str = "template.yaml";
/// How often the files are looked at. Looking takes a millisecond or two, and works where the kernel
/// tells of no changes: on Windows drives under WSL, for one.
const PAUSE: Duration = Duration::from_millis(300);
/// Editors and version control write many files in a row.
const SETTLE: Duration = Duration::from_millis(150);

/// What the thread that watches works with.
pub(super) struct Reload {
    pub(super) programs: Programs,
    pub(super) functions: HashMap<String, Function>,
    pub(super) terminal: Terminal,
    pub(super) runtime: Handle,
}

impl Reload {
    /// Watches until the program ends.
    pub(super) fn start(self) {
        let root = checkout();
        let mut sources = Watch::of(SOURCES.map(|name| root.join(name)));
        let mut template = Watch::of([root.join(TEMPLATE)]);
        let built: BTreeMap<String, Option<SystemTime>> =
            self.functions.keys().map(|name| (name.clone(), self.programs.built(name))).collect();
        self.terminal
            .say("watching functions/, shared/ and migrations/: what you save is swapped in");
        thread::spawn(move || {
            let mut built = built;
            loop {
                thread::sleep(PAUSE);
                if !template.changes().is_empty() {
                    self.terminal
                        .say("template.yaml has changed: `make down` and `make up` play it");
                }
                let mut changed = sources.changes();
                if changed.is_empty() {
                    continue;
                }
                loop {
                    thread::sleep(SETTLE);
                    match sources.changes() {
                        more if more.is_empty() => break,
                        more => changed.extend(more),
                    }
                }
                self.build(&root, &changed, &mut built);
            }
        });
    }

    fn build(
        &self,
        root: &Path,
        changed: &[PathBuf],
        built: &mut BTreeMap<String, Option<SystemTime>>,
    ) {
        let first = changed.first().map(|path| path.strip_prefix(root).unwrap_or(path));
        let first = first.unwrap_or(Path::new("")).display();
        let more = match changed.len() {
            0 | 1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        self.terminal.say(format_args!("{first}{more} changed: building"));
        let start = Instant::now();
        let mut command = Command::new("setpriv");
        // The same build as `make up` does: with fewer packages, features would differ, and with them
        // everything would be compiled again.
        command.args(["--pdeathsig", "KILL", "cargo", "build", "--quiet", "--workspace", "--bins"]);
        command.args(self.programs.profile());
        command.current_dir(root).stdin(Stdio::null());
        match command.output() {
            Ok(output) if output.status.success() => {
                let seconds = start.elapsed().as_secs_f32();
                self.swap(built, seconds);
            }
            Ok(output) => {
                self.terminal.print(&String::from_utf8_lossy(&output.stderr));
                self.terminal.say("that does not build; what ran goes on");
            }
            Err(error) => self.terminal.say(format_args!("cargo cannot be started: {error}")),
        }
    }

    /// Takes the binaries that are new.
    fn swap(&self, built: &mut BTreeMap<String, Option<SystemTime>>, seconds: f32) {
        let mut names = Vec::new();
        for (name, function) in &self.functions {
            let now = self.programs.built(name);
            if now == built.get(name).copied().flatten() {
                continue;
            }
            if let Err(error) = self.programs.take(name) {
                self.terminal.say(format_args!("{name}: {error}; what ran goes on"));
                continue;
            }
            function.renew();
            built.insert(name.clone(), now);
            names.push(name.as_str());
        }
        names.sort_unstable();
        if names.contains(&MIGRATE)
            && let Err(error) = self.runtime.block_on(migrate(&self.functions, &self.terminal))
        {
            self.terminal.say(format_args!("the migrations failed: {error}"));
        }
        self.terminal.say(match names.as_slice() {
            [] => format!("built in {seconds:.1} s; no function is different"),
            [name] => format!("built in {seconds:.1} s; swapped in: {name}"),
            _ if names.len() == self.functions.len() => {
                format!("built in {seconds:.1} s; swapped in: all functions")
            }
            _ => format!("built in {seconds:.1} s; swapped in: {}", names.join(", ")),
        });
    }
}

type Seen = BTreeMap<PathBuf, (SystemTime, u64)>;

/// Files and folders that are looked at again and again.
struct Watch {
    roots: Vec<PathBuf>,
    seen: Seen,
}

impl Watch {
    fn of(roots: impl IntoIterator<Item = PathBuf>) -> Self {
        let roots: Vec<PathBuf> = roots.into_iter().collect();
        let seen = look(&roots);
        Self { roots, seen }
    }

    /// What is new, different or gone since the last look.
    fn changes(&mut self) -> Vec<PathBuf> {
        let now = look(&self.roots);
        let mut changes: Vec<PathBuf> = now
            .iter()
            .filter(|(path, state)| self.seen.get(*path) != Some(state))
            .map(|(path, _)| path.clone())
            .collect();
        changes.extend(self.seen.keys().filter(|path| !now.contains_key(*path)).cloned());
        self.seen = now;
        changes
    }
}

fn look(roots: &[PathBuf]) -> Seen {
    let mut seen = Seen::new();
    let mut ahead = roots.to_vec();
    while let Some(path) = ahead.pop() {
        // What editors write beside a file is none of it.
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| name.starts_with('.') || name.ends_with('~')) {
            continue;
        }
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            ahead.extend(entries.map(|entry| entry.path()));
        } else if let Ok(modified) = metadata.modified() {
            seen.insert(path, (modified, metadata.len()));
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_new_and_removed_files_are_noticed_once_and_others_not() {
        let root = std::env::temp_dir().join(format!("task-manager-watch-{}", std::process::id()));
        fs::create_dir_all(root.join("src")).unwrap();
        fs::write(root.join("src/lib.rs"), "one").unwrap();
        let mut watch = Watch::of([root.clone()]);
        assert!(watch.changes().is_empty());
        fs::write(root.join("src/lib.rs"), "second").unwrap();
        fs::write(root.join("src/new.rs"), "").unwrap();
        fs::write(root.join("src/.lib.rs.swp"), "").unwrap();
        let mut changes = watch.changes();
        changes.sort();
        assert_eq!(changes, [root.join("src/lib.rs"), root.join("src/new.rs")]);
        assert!(watch.changes().is_empty());
        fs::remove_file(root.join("src/new.rs")).unwrap();
        assert_eq!(watch.changes(), [root.join("src/new.rs")]);
        fs::remove_dir_all(root).unwrap();
    }
}
