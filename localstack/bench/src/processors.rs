//! The processor time that our programs have spent.

use std::collections::{BTreeMap, HashMap};

use crate::machine::file;

/// Seconds, by program.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spent(BTreeMap<String, f64>);

/// The kernel counts hundredths.
const TICK: f64 = 0.01;
/// The programs of all functions have one name.
const FUNCTION: &str = "bootstrap";

/// One line of the kernel's.
struct Process {
    name: String,
    parent: u32,
    seconds: f64,
}

impl Spent {
    /// By this process and all that came of it.
    pub(crate) fn until_now() -> Self {
        let mut all = HashMap::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            let process = id.and_then(|id| Process::read(&file(&format!("/proc/{id}/stat"))));
            all.extend(id.zip(process));
        }
        Self::of(&all, std::process::id())
    }

    fn of(all: &HashMap<u32, Process>, root: u32) -> Self {
        let mut spent = Self::default();
        for (id, process) in all {
            let mut line = std::iter::successors(Some(*id), |id| Some(all.get(id)?.parent));
            if line.any(|id| id == root) {
                *spent.0.entry(process.name.clone()).or_default() += process.seconds;
            }
        }
        spent
    }

    /// What was spent between the two.
    pub(crate) fn since(mut self, before: &Self) -> Self {
        for (name, seconds) in &mut self.0 {
            *seconds -= before.0.get(name).copied().unwrap_or_default();
        }
        self
    }

    /// Both together.
    pub(crate) fn add(&mut self, other: &Self) {
        for (name, seconds) in &other.0 {
            *self.0.entry(name.clone()).or_default() += seconds;
        }
    }

    /// The greatest first.
    pub(crate) fn by_program(&self) -> Vec<(String, f64)> {
        let mut all: Vec<_> = self.0.clone().into_iter().collect();
        all.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        all
    }
}

impl Process {
    fn read(stat: &str) -> Option<Self> {
        let (head, rest) = stat.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
        let name = if name == FUNCTION { "the function" } else { name };
        Some(Self {
            name: name.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            seconds: (ticks(11)? + ticks(12)?) * TICK,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, parent: u32, ticks: u32) -> Process {
        let stat = format!("7 ({name}) S {parent} 7 7 0 -1 0 0 0 0 0 {ticks} 1 0 0 20 0");
        Process::read(&stat).unwrap()
    }

    #[test]
    fn what_came_of_us_counts_and_nothing_else() {
        let all = HashMap::from([
            (1, process("init", 0, 900)),
            (2, process("bench", 1, 99)),
            (3, process("postgres", 2, 49)),
            (4, process("postgres", 3, 149)),
            (5, process("bootstrap", 2, 9)),
            (6, process("postgres", 1, 500)),
        ]);
        let spent = Spent::of(&all, 2).by_program();
        let words: Vec<_> = spent.iter().map(|(name, s)| format!("{name} {s:.2}")).collect();
        assert_eq!(words, ["postgres 2.00", "bench 1.00", "the function 0.10"]);
    }

    #[test]
    fn a_name_may_have_spaces_and_brackets() {
        assert_eq!(process("a (b) c", 2, 1).name, "a (b) c");
        assert!(Process::read("nonsense").is_none());
    }

    #[test]
    fn differences_add_up() {
        let spent = |seconds| Spent(BTreeMap::from([("redis".to_owned(), seconds)]));
        let mut sum = spent(3.0).since(&spent(1.0));
        sum.add(&spent(1.0));
        assert_eq!(sum, spent(3.0));
    }
}
