//! Where the programs are. Looked for where distributions put them and not in PATH: some are in
//! folders that are not in the PATH of an ordinary user.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::Error;

const FOLDERS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";

/// The PATH that services get; they find nothing in it that depends on who starts them.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The program, or which package has it.
pub(crate) fn find(program: &'static str, package: &'static str) -> Result<PathBuf, Error> {
    FOLDERS
        .iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| is_executable(path))
        .ok_or(Error::NotInstalled { program, package })
}

/// The folder with the newest Postgres server: Debian keeps each version in its own.
pub(crate) fn postgres() -> Result<PathBuf, Error> {
    let versions = fs::read_dir(POSTGRES_VERSIONS).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| is_server(folder))
        .max();
    if let Some((_, folder)) = newest {
        return Ok(folder);
    }
    FOLDERS
        .iter()
        .map(PathBuf::from)
        .find(|folder| is_server(folder))
        .ok_or(Error::NotInstalled { program: "postgres", package: "postgresql" })
}

fn is_server(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| is_executable(&folder.join(program)))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
