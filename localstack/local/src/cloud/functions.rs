//! The template's functions, with the binaries that were built.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clock::Clock;

use super::Home;
use crate::lambda::{Function, Logs, Settings};
use crate::template::{self, Template};

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
        let (folder, built) = (self.home.function(name), self.built(name));
        std::fs::create_dir_all(&folder)?;
        let (program, new) = (folder.join("bootstrap"), folder.join("bootstrap.new"));
        let _ = std::fs::remove_file(&new);
        let linked = std::fs::hard_link(&built, &new).or_else(|error| match error.kind() {
            // Another file system, or one that has no links.
            ErrorKind::CrossesDevices | ErrorKind::PermissionDenied | ErrorKind::Unsupported => {
                std::fs::copy(&built, &new).map(drop)
            }
            _ => Err(error),
        });
        linked.map_err(|error| not_built(&built, &error))?;
        std::fs::rename(&new, &program)?;
        Ok(program)
    }

    /// The binary of a function where the compiler put it. For one call: it may be written anew.
    pub fn borrow(&self, name: &str) -> io::Result<PathBuf> {
        let built = self.built(name);
        std::fs::metadata(&built).map_err(|error| not_built(&built, &error))?;
        std::fs::create_dir_all(self.home.function(name))?;
        Ok(built)
    }

    fn built(&self, name: &str) -> PathBuf {
        self.built.join(name)
    }

    /// How a function runs with this binary.
    pub fn settings(
        &self,
        function: &template::Function,
        program: PathBuf,
        of_all: &BTreeMap<String, String>,
    ) -> Settings {
        let mut environment = of_all.clone();
        environment.extend(function.environment.clone());
        Settings {
            name: function.name.clone(),
            program,
            directory: self.home.function(&function.name),
            environment,
            timeout: function.timeout,
            memory: function.memory,
            cap: function.reserved_concurrency.unwrap_or(CAP),
            dies_with_us: true,
        }
    }

    /// What `cargo build` is told so that it writes these binaries.
    pub fn profile(&self) -> &'static [&'static str] {
        if self.built.ends_with("release") { &["--release"] } else { &[] }
    }

    /// When the binary of a function was built.
    pub fn built_at(&self, name: &str) -> Option<SystemTime> {
        std::fs::metadata(self.built(name)).and_then(|file| file.modified()).ok()
    }
}

fn not_built(path: &Path, error: &io::Error) -> io::Error {
    let what = format!("{}: {error}. `cargo build --workspace --bins` builds it", path.display());
    io::Error::new(error.kind(), what)
}

/// The functions, each with the settings of all added to its own. None of their processes runs yet.
pub fn functions(
    template: &Template,
    programs: &Programs,
    of_all: &BTreeMap<String, String>,
    clock: &Clock,
    logs: &Logs,
) -> io::Result<HashMap<String, Function>> {
    let play = |function: &template::Function| {
        let program = programs.take(&function.name)?;
        let settings = programs.settings(function, program, of_all);
        Ok((function.name.clone(), Function::new(settings, clock.clone(), logs.clone())))
    };
    template.functions.iter().map(play).collect()
}
