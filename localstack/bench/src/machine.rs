//! The machine on which it was measured.

use std::process::Command;

use serde::Serialize;

/// What numbers depend on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) memory_mib: u64,
    pub(crate) cpu: String,
    pub(crate) kernel: String,
}

impl Machine {
    pub(crate) fn read() -> Self {
        let cpu = file("/proc/cpuinfo");
        let model = cpu.lines().find(|line| line.starts_with("model name"));
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: kib(&file("/proc/meminfo"), "MemTotal") / 1024,
            // ARM kernels name no model.
            cpu: model
                .and_then(|line| line.split_once(':'))
                .map_or_else(|| "unknown CPU".to_owned(), |(_, model)| model.trim().to_owned()),
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

/// How many processes wanted to run, on average over the last minute.
pub(crate) fn load() -> String {
    file("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned()
}

/// The commit that is checked out, and whether anything differs from it.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").arg("-C").arg(services::checkout()).args(arguments).output();
        output.ok().filter(|output| output.status.success()).map(|output| output.stdout)
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changed =
        git(&["status", "--porcelain", "--", ".", ":!docs"]).is_some_and(|said| !said.is_empty());
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    if changed { format!("{commit}, with changes") } else { commit }
}

/// A number of the kernel's, in KiB.
pub(crate) fn kib(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

pub(crate) fn file(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_kernel_are_found_by_their_whole_name() {
        let text = "VmHWM:\t  100 kB\nVmRSS:\t   12 kB\nRssAnon:\t 7 kB\n";
        assert_eq!((kib(text, "VmRSS"), kib(text, "RssAnon"), kib(text, "Rss")), (12, 7, 0));
    }

    #[test]
    fn a_machine_has_cores_and_memory() {
        let machine = Machine::read();
        assert!(machine.cores > 0 && machine.memory_mib > 0 && !machine.kernel.is_empty());
    }
}
