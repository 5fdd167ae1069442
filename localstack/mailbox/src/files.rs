//! The folder that keeps mails between runs: `ID.eml` as it was sent, `ID.json` with its envelope.
#![expect(clippy::disallowed_methods, reason = "only called where blocking is allowed")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::mail::{Envelope, Mail};
use crate::settings::Error;

pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Result<Self, Error> {
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(Self(path)),
            Err(source) => Err(Error::Folder { path, source }),
        }
    }

    /// The `.eml` comes last and by renaming: if it is there, the mail is complete.
    pub(crate) fn write(&self, id: Uuid, envelope: &Envelope, raw: &[u8]) -> io::Result<()> {
        fs::write(self.path(id, "json"), serde_json::to_vec_pretty(envelope)?)?;
        let part = self.path(id, "part");
        fs::write(&part, raw)?;
        fs::rename(part, self.path(id, "eml"))
    }

    pub(crate) fn remove(&self, id: Uuid) -> io::Result<()> {
        for kind in ["eml", "json"] {
            match fs::remove_file(self.path(id, kind)) {
                // A developer may tidy up by hand.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// All mails, in no order. Removes what a run that was killed left half written; files that
    /// are not ours stay as they are.
    pub(crate) fn load(&self) -> Result<Vec<Mail>, Error> {
        let mut mails = Vec::new();
        let failed = |source| Error::Folder { path: self.0.clone(), source };
        for entry in fs::read_dir(&self.0).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let found = self.load_file(&path);
            mails.extend(found.map_err(|source| Error::Folder { path, source })?);
        }
        Ok(mails)
    }

    fn load_file(&self, path: &Path) -> io::Result<Option<Mail>> {
        let id = path.file_stem().and_then(|stem| Uuid::try_parse(stem.to_str()?).ok());
        let (Some(id), Some(kind)) = (id, path.extension()) else { return Ok(None) };
        let half = kind == "part" || kind == "json" && !self.path(id, "eml").exists();
        if half {
            fs::remove_file(path)?;
        }
        if kind != "eml" {
            return Ok(None);
        }
        let envelope: Envelope = serde_json::from_slice(&fs::read(self.path(id, "json"))?)?;
        Ok(Some(Mail::new(id, envelope, fs::read(path)?)))
    }

    fn path(&self, id: Uuid, kind: &str) -> PathBuf {
        self.0.join(format!("{id}.{kind}"))
    }
}
