//! The folder of the local cloud, and the program of each function.

use std::path::{Path, PathBuf};

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
}
