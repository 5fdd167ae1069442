//! Who runs the database programs. They refuse to run as root; then it is the user `postgres`,
//! which the distribution's package made.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::geteuid;

use crate::error::file;
use crate::{Error, files, spawner};

const NAME: &str = "postgres";

/// The account for Postgres and PgBouncer: another one if we are root, otherwise our own.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    other: Option<Ids>,
}

#[derive(Clone, Copy, Debug)]
struct Ids {
    user: u32,
    group: u32,
}

impl Account {
    /// Ourselves, whoever that is.
    pub(crate) const OWN: Self = Self { other: None };

    pub(crate) fn for_databases() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self::OWN);
        }
        let users = files::read(Path::new("/etc/passwd"))?;
        let ids = find_user(&users, NAME).ok_or(Error::NoAccount)?;
        Ok(Self { other: Some(ids) })
    }

    /// What `setpriv` needs to become this account.
    pub(crate) fn setpriv_arguments(&self) -> Vec<String> {
        match self.other {
            Some(Ids { user, group }) => {
                vec![format!("--reuid={user}"), format!("--regid={group}"), "--init-groups".into()]
            }
            None => Vec::new(),
        }
    }

    /// Makes a file or folder this account's own.
    pub(crate) fn give(&self, path: &Path) -> Result<(), Error> {
        let Some(Ids { user, group }) = self.other else { return Ok(()) };
        chown(path, Some(user), Some(group)).map_err(file("change the owner of", path))
    }

    /// Writes a file that only this account can read.
    pub(crate) fn write(&self, path: &Path, content: &str) -> Result<(), Error> {
        files::write_private(path, content)?;
        self.give(path)
    }

    /// Whether this account can get to a folder of its own. Asked by trying, because permissions
    /// of all folders above it, ACLs and containers have a say.
    pub(crate) fn can_use(&self, path: &Path) -> Result<bool, Error> {
        if self.other.is_none() {
            return Ok(true);
        }
        let mut command = Command::new("setpriv");
        command.args(self.setpriv_arguments()).args(["test", "-w"]).arg(path);
        command.stdin(Stdio::null()).stderr(Stdio::null()).current_dir("/");
        Ok(spawner::run(command, "setpriv")?.status.success())
    }
}

/// Refuses a folder that somebody else has put in our place.
pub(crate) fn check_ours(path: &Path) -> Result<(), Error> {
    let metadata = fs::symlink_metadata(path).map_err(file("look at", path))?;
    if metadata.is_dir() && metadata.uid() == geteuid().as_raw() {
        return Ok(());
    }
    Err(file("use", path)(std::io::Error::other("it belongs to somebody else: remove it")))
}

fn find_user(users: &str, name: &str) -> Option<Ids> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Ids { user, group })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_user_by_its_whole_name() {
        let users =
            "root:x:0:0::/root:/bin/sh\npostgresql:x:5:6::/:/x\npostgres:x:107:114:P:/v:/b\n";
        let ids = find_user(users, "postgres").unwrap();
        assert_eq!((ids.user, ids.group), (107, 114));
        assert!(find_user(users, "nobody").is_none());
    }
}
