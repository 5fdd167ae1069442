//! The template's functions, with the binaries that were built.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clock::Clock;

use super::Home;
use crate::lambda::{Function, Logs, Settings};
use crate::template::Template;

/// At most so many processes of one function, if the template says nothing.
const CAP: usize = 8;

/// The built binaries, and the places from which they run.
///
/// What runs is not the file that the compiler writes but a further name of it: the compiler unlinks
/// its files before it writes them anew, and a process may start at any moment.
#[derive(Clone, Debug)]
pub struct Programs {
    built: PathBuf,
    home: Home,
}

impl Programs {
    /// The binaries beside the runner's own.
    pub fn beside_ours(home: &Home) -> io::Result<Self> {
        let ours = std::env::current_exe()?;
        let built = ours.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Self { built, home: home.clone() })
    }

    /// Takes the binary of a function as it is now.
    pub fn take(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.home.function(name);
        std::fs::create_dir_all(&folder)?;
        let (program, new) = (folder.join("bootstrap"), folder.join("bootstrap.new"));
        let _ = std::fs::remove_file(&new);
        let built = self.built.join(name);
        std::fs::hard_link(&built, &new)
            .or_else(|_| std::fs::copy(&built, &new).map(drop))
            .map_err(|error| {
                let what = format!(
                    "{}: {error}. `cargo build --workspace --bins` builds it",
                    built.display()
                );
                io::Error::new(error.kind(), what)
            })?;
        std::fs::rename(&new, &program)?;
        Ok(program)
    }

    /// What `cargo build` is told so that it writes these binaries.
    pub fn profile(&self) -> &'static [&'static str] {
        if self.built.ends_with("release") { &["--release"] } else { &[] }
    }

    /// When the binary of a function was built.
    pub fn built(&self, name: &str) -> Option<SystemTime> {
        std::fs::metadata(self.built.join(name)).and_then(|file| file.modified()).ok()
    }
}

/// The functions, each with the settings of all added to its own. None of their processes runs yet.
pub fn functions(
    template: &Template,
    programs: &Programs,
    of_all: &BTreeMap<String, String>,
    clock: &Clock,
    logs: &Logs,
) -> io::Result<HashMap<String, Function>> {
    let mut functions = HashMap::new();
    for function in &template.functions {
        let program = programs.take(&function.name)?;
        let mut environment = of_all.clone();
        environment.extend(function.environment.clone());
        let settings = Settings {
            name: function.name.clone(),
            directory: program.parent().unwrap_or(Path::new("/")).to_owned(),
            program,
            environment,
            timeout: function.timeout,
            memory: function.memory,
            cap: function.reserved_concurrency.unwrap_or(CAP),
            dies_with_us: true,
        };
        let function = Function::new(settings, clock.clone(), logs.clone());
        functions.insert(function.settings().name.clone(), function);
    }
    Ok(functions)
}
