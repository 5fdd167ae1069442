//! The folder of the local cloud, and the program of each function.

use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

/// `.local/` of a checkout.
#[derive(Clone, Debug)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Of a checkout.
    pub fn of(checkout: &Path) -> Self {
        Self { root: checkout.join(".local") }
    }

    /// Another folder, as the benchmark's.
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Where the logs are.
    pub fn logs(&self) -> PathBuf {
        self.root.join("log")
    }

    /// The log of one function, or of the runner.
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }

    /// The folder in which a function's processes start.
    pub fn function(&self, name: &str) -> PathBuf {
        self.root.join("functions").join(name)
    }

    /// The mails.
    pub fn mails(&self) -> PathBuf {
        self.root.join("mails")
    }

    /// The description of the services, if they run.
    pub fn services(&self) -> PathBuf {
        self.root.join("services.json")
    }

    /// What runs, if it runs.
    pub fn note(&self) -> PathBuf {
        self.root.join("cloud.json")
    }

    /// A variable in the environment of what we start and cannot be sure to end ourselves: its name,
    /// and a value that no other checkout has.
    pub fn mark(&self) -> (&'static str, &Path) {
        ("LOCAL_CLOUD", &self.root)
    }

    /// The processes that have the mark.
    pub fn marked(&self) -> Vec<u32> {
        let (name, value) = self.mark();
        let mark = [name.as_bytes(), b"=", value.as_os_str().as_encoded_bytes()].concat();
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let marked = processes.filter_map(|process| {
            let pid = process.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(process.path().join("environ")).ok()?;
            environment.split(|byte| *byte == 0).any(|pair| pair == mark).then_some(pid)
        });
        marked.filter(|pid| *pid != std::process::id()).collect()
    }

    /// Ends them.
    pub fn end_marked(&self) {
        for pid in self.marked() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // It may have ended meanwhile.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}
