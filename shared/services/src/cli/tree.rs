//! The processes below this one.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// Signals all descendants of this process, except some of its children and what is below them.
pub(crate) fn signal_all_but(spared: &[u32], signal: Signal) {
    for pid in descendants(std::process::id(), &parents(), spared) {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            // It may have ended meanwhile.
            let _ = kill_process(pid, signal);
        }
    }
}

/// All processes with their parents.
fn parents() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // Behind the name, which may hold anything: the state, then the parent.
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect()
}

fn descendants(root: u32, parents: &[(u32, u32)], spared: &[u32]) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&current) = found.get(next) {
        let children = parents.iter().filter(|(pid, parent)| {
            *parent == current && !spared.contains(pid) && !found.contains(pid)
        });
        let children: Vec<u32> = children.map(|(pid, _)| *pid).collect();
        found.extend(children);
        next += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spares_children_with_all_below_them() {
        let parents = [(2, 1), (3, 1), (4, 2), (5, 3), (6, 4), (9, 8)];
        assert_eq!(descendants(1, &parents, &[3]), [2, 4, 6]);
    }
}
