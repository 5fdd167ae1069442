//! The one folder in which everything of one set of services lives.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use crate::account::{Account, check_ours};
use crate::error::file;
use crate::{Certificates, Error, Users, files};

/// What this crate puts into a folder, besides logs and process ids. Only these names are ever
/// removed, so that a folder chosen by mistake (`--dir .`) loses nothing else.
const DATA: [&str; 9] = [
    "certificates",
    "credentials.json",
    "localstack",
    "pgbouncer",
    "postgres",
    "redis",
    "replica",
    "replica-pgbouncer",
    "services.json",
];
const LOG: &str = "log";

/// The folder of one set of services: data, logs, certificates, passwords, process ids.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder if it is not there.
    pub fn create(path: &Path) -> Result<Self, Error> {
        files::make_folder(path, false)?;
        let path = path.canonicalize().map_err(file("find", path))?;
        let folder = Self { path };
        files::make_folder(&folder.path.join(LOG), false)?;
        files::make_folder(&folder.pids(), false)?;
        Ok(folder)
    }

    /// A folder that is there already.
    pub(crate) fn existing(path: &Path) -> Result<Self, Error> {
        Ok(Self { path: path.canonicalize().map_err(file("find", path))? })
    }

    /// Where it is, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the logs.
    pub fn logs(&self) -> PathBuf {
        self.path.join(LOG)
    }

    /// The description of what runs, see [`crate::State`].
    pub fn state_file(&self) -> PathBuf {
        self.path.join("services.json")
    }

    pub(crate) fn log(&self, service: &str) -> PathBuf {
        self.logs().join(format!("{service}.log"))
    }

    pub(crate) fn pids(&self) -> PathBuf {
        self.path.join("pids")
    }

    /// The certificates of this folder; made at the first call.
    pub fn certificates(&self) -> Result<Certificates, Error> {
        Certificates::load_or_make(&self.path.join("certificates"))
    }

    /// The users of this folder's database; made at the first call.
    pub fn users(&self) -> Result<Users, Error> {
        Users::load_or_make(&self.path.join("credentials.json"))
    }

    /// A folder for one service that runs as ourselves.
    pub(crate) fn own(&self, service: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(service);
        files::make_folder(&path, true)?;
        Ok(path)
    }

    /// A folder for one service that runs as `account`: inside this folder, unless that account
    /// cannot get there (a home that is closed to others), then under /var/tmp.
    pub(crate) fn of(&self, account: &Account, service: &str) -> Result<PathBuf, Error> {
        let inside = self.own(service)?;
        account.give(&inside)?;
        if account.can_use(&inside)? {
            return Ok(inside);
        }
        files::remove(&inside)?;

        let outside = self.outside();
        files::make_folder(&outside, false)?;
        // Anybody can make a folder of that name; only one of our own is safe to fill as root.
        check_ours(&outside)?;
        let outside = outside.join(service);
        files::make_folder(&outside, true)?;
        account.give(&outside)?;
        Ok(outside)
    }

    fn outside(&self) -> PathBuf {
        let hash = digest::digest(&digest::SHA256, self.path.as_os_str().as_encoded_bytes());
        let short = hash.as_ref().iter().take(6).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        PathBuf::from(format!("/var/tmp/task-manager-{short:012x}"))
    }

    /// Removes everything but the logs and the notes of who runs here.
    pub(crate) fn remove_data(&self) -> Result<(), Error> {
        for name in DATA {
            files::remove(&self.path.join(name))?;
        }
        files::remove(&self.outside())
    }

    /// Removes what this crate made, and the folder itself if nothing else is in it.
    pub fn remove(&self) -> Result<(), Error> {
        self.remove_data()?;
        files::remove(&self.pids())?;
        files::remove(&self.logs())?;
        let empty = fs::read_dir(&self.path).is_ok_and(|mut entries| entries.next().is_none());
        if empty { files::remove(&self.path) } else { Ok(()) }
    }
}

/// The checkout this crate was built in: where `.local/` is.
pub fn checkout() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}
