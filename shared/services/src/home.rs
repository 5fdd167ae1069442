//! The place of one Postgres server in a folder: its files, and as whom its programs run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::account::Account;
use crate::error::file;
use crate::pids::PidFile;
use crate::process::Launch;
use crate::{Error, Folder, files, programs, spawner};

/// Where one server lives.
pub(crate) struct Home {
    name: &'static str,
    path: PathBuf,
    account: Account,
    programs: PathBuf,
}

impl Home {
    /// The home of the server called `name`; made if it is not there.
    pub(crate) fn of(folder: &Folder, name: &'static str) -> Result<Self, Error> {
        let programs = programs::postgres()?;
        let account = Account::for_databases()?;
        let path = folder.of(&account, name)?;
        Ok(Self { name, path, account, programs })
    }

    /// The folder with the cluster's files.
    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Writes a file that only the server can read, and returns its path.
    pub(crate) fn write(&self, name: impl AsRef<Path>, content: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        self.account.write(&path, content)?;
        Ok(path)
    }

    /// Has a program make the cluster: beside its place, from where it is moved there, so that one
    /// made by half is never used. The program works in the home, so it can be given names of files.
    pub(crate) fn make_data(
        &self,
        program: &'static str,
        arguments: &[&str],
        durable: bool,
    ) -> Result<(), Error> {
        let new = self.path.join("data.new");
        files::remove(&new)?;
        let mut command = Command::new("setpriv");
        command.args(self.account.setpriv_arguments()).args(["--pdeathsig", "KILL"]);
        command.arg(self.programs.join(program)).arg("--pgdata").arg(&new).args(arguments);
        if !durable {
            command.arg("--no-sync");
        }
        command.env_clear().env("PATH", programs::PATH).current_dir(&self.path);
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let output = spawner::run(command, program)?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::Failed { program, status: output.status, output: text });
        }
        fs::rename(&new, self.data()).map_err(file("move", new))
    }

    /// How to start the server.
    pub(crate) fn launch(self, folder: &Folder) -> Launch {
        Launch {
            name: self.name,
            program: self.programs.join("postgres"),
            arguments: vec!["-D".into(), self.data().into()],
            environment: vec![("TZ", "UTC".into())],
            directory: self.path,
            account: self.account,
            when_orphaned: "INT",
            log: folder.log(self.name),
            pid_file: PidFile::new(folder, self.name),
        }
    }
}
