//! Reading and writing small files. Blocking is right here: there is no async runtime to block.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::error::file;

/// Writes a file only its owner can read, whole or not at all.
pub(crate) fn write_private(path: &Path, content: &str) -> Result<(), Error> {
    let new = PathBuf::from(format!("{}.new", path.display()));
    let write = || -> io::Result<()> {
        let mut out =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        out.write_all(content.as_bytes())?;
        fs::rename(&new, path)
    };
    write().map_err(file("write", path))
}

/// The content of a file, or nothing if there is none.
pub(crate) fn read_optional(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { doing: "read", path: path.to_owned(), source }),
    }
}

/// The content of a file.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(file("read", path))
}

/// Reads JSON that this crate wrote; nothing if there is no file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let Some(content) = read_optional(path)? else { return Ok(None) };
    let value = serde_json::from_str(&content)
        .map_err(|source| Error::Damaged { path: path.to_owned(), source })?;
    Ok(Some(value))
}

/// Writes JSON for this crate and for people.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|source| Error::Damaged { path: path.to_owned(), source })?;
    write_private(path, &format!("{text}\n"))
}

/// Makes a folder (and those above it) that only its owner can enter if `private`.
pub(crate) fn make_folder(path: &Path, private: bool) -> Result<(), Error> {
    let mode = if private { 0o700 } else { 0o755 };
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(file("make the folder", path))
}

/// Removes a file or a whole folder; it is fine if there is none.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file("remove", path)(error)),
        _ => Ok(()),
    }
}

/// The last lines of a log, for an error message. Never fails: the error is about something else.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let content = fs::read(path).unwrap_or_default();
    let content = String::from_utf8_lossy(&content);
    let all: Vec<&str> = content.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
