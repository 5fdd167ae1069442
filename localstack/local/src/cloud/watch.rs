//! Files that are looked at again and again.
//!
//! Looking takes a millisecond or two, and works where the kernel tells of no changes: on Windows drives
//! under WSL, for one.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

type Seen = BTreeMap<PathBuf, (SystemTime, u64)>;

/// Files and folders, as they were at the last look.
pub(super) struct Watch {
    roots: Vec<PathBuf>,
    seen: Seen,
}

impl Watch {
    pub(super) fn of(roots: impl IntoIterator<Item = PathBuf>) -> Self {
        let roots: Vec<PathBuf> = roots.into_iter().collect();
        let seen = look(&roots);
        Self { roots, seen }
    }

    /// What is new, different or gone since the last look.
    pub(super) fn changes(&mut self) -> Vec<PathBuf> {
        let now = look(&self.roots);
        let mut changes: Vec<PathBuf> = now
            .iter()
            .filter(|(path, state)| self.seen.get(*path) != Some(state))
            .map(|(path, _)| path.clone())
            .collect();
        changes.extend(self.seen.keys().filter(|path| !now.contains_key(*path)).cloned());
        self.seen = now;
        changes
    }
}

fn look(roots: &[PathBuf]) -> Seen {
    let mut seen = Seen::new();
    let mut ahead = roots.to_vec();
    while let Some(path) = ahead.pop() {
        // What editors write beside a file is none of it.
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| name.starts_with('.') || name.ends_with('~')) {
            continue;
        }
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            ahead.extend(entries.map(|entry| entry.path()));
        } else if let Ok(modified) = metadata.modified() {
            seen.insert(path, (modified, metadata.len()));
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_new_and_removed_files_are_noticed_once_and_others_not() {
        let root = std::env::temp_dir().join(format!("task-manager-watch-{}", std::process::id()));
        fs::create_dir_all(root.join("src")).unwrap();
        fs::write(root.join("src/lib.rs"), "one").unwrap();
        let mut watch = Watch::of([root.clone()]);
        assert!(watch.changes().is_empty());
        fs::write(root.join("src/lib.rs"), "second").unwrap();
        fs::write(root.join("src/new.rs"), "").unwrap();
        fs::write(root.join("src/.lib.rs.swp"), "").unwrap();
        let mut changes = watch.changes();
        changes.sort();
        assert_eq!(changes, [root.join("src/lib.rs"), root.join("src/new.rs")]);
        assert!(watch.changes().is_empty());
        fs::remove_file(root.join("src/new.rs")).unwrap();
        assert_eq!(watch.changes(), [root.join("src/new.rs")]);
        fs::remove_dir_all(root).unwrap();
    }
}
