//! What is asked for: how much to measure.

use std::time::Duration;

pub(crate) const USAGE: &str = "\
usage: bench [--rows N] [--quick] [--only behind] [--docs]
  --rows N       how many tasks the larger database has (1000000)
  --quick        a minute or two, to see that it works; its numbers mean little
  --only behind  only what happens behind the answers: the relay, the workers
  --docs         writes docs/performance.md, too; not with --only, for it holds the whole";

/// How much is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Whether it is only to be seen that it works.
    pub(crate) quick: bool,
    /// Whether the page in docs/ is written.
    pub(crate) docs: bool,
    /// Whether only that is measured which nobody waits for.
    pub(crate) only_behind: bool,
    /// The tasks of the larger database.
    pub(crate) rows: u32,
    /// The tasks of the smaller one.
    pub(crate) few_rows: u32,
    /// Rounds of what takes less than a millisecond, and how often it is done in each.
    pub(crate) rounds: usize,
    pub(crate) calls: usize,
    /// How many processes are started of each kind.
    pub(crate) starts: usize,
    /// What a process has answered before its memory is read.
    pub(crate) memory_calls: usize,
    /// Rounds of writing, and how long each side writes in one.
    pub(crate) write_rounds: usize,
    pub(crate) write_time: Duration,
    /// How often each question is asked of each database.
    pub(crate) questions: usize,
}

impl Plan {
    const fn whole() -> Self {
        Self {
            quick: false,
            docs: false,
            only_behind: false,
            rows: 1_000_000,
            few_rows: 10_000,
            rounds: 15,
            calls: 500,
            starts: 25,
            memory_calls: 4000,
            write_rounds: 5,
            write_time: Duration::from_secs(3),
            questions: 2000,
        }
    }

    const fn quick() -> Self {
        Self {
            quick: true,
            docs: false,
            only_behind: false,
            rows: 20_000,
            few_rows: 2_000,
            rounds: 3,
            calls: 50,
            starts: 3,
            memory_calls: 200,
            write_rounds: 2,
            write_time: Duration::from_millis(500),
            questions: 40,
        }
    }

    /// By the words of the command line.
    pub(crate) fn read(words: &[String]) -> Result<Self, String> {
        let quick = words.iter().any(|word| word == "--quick");
        let mut plan = if quick { Self::quick() } else { Self::whole() };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "--quick" => {}
                "--docs" => plan.docs = true,
                "--only" => {
                    if words.next() != Some("behind") {
                        return Err("--only needs the word behind".to_owned());
                    }
                    plan.only_behind = true;
                }
                "--rows" => {
                    let number = words.next().unwrap_or_default().replace('_', "");
                    plan.rows = number.parse().map_err(|_| "--rows needs a number".to_owned())?;
                }
                _ => return Err(format!("`{word}` is not known")),
            }
        }
        if plan.rows < plan.few_rows {
            return Err(format!("--rows must be at least {}", plan.few_rows));
        }
        // The page holds the whole.
        plan.docs &= !plan.only_behind;
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Plan, String> {
        Plan::read(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn without_words_it_is_the_whole_with_a_million_rows_and_no_page() {
        let plan = read("").unwrap();
        assert_eq!((plan.quick, plan.docs, plan.rows), (false, false, 1_000_000));
    }

    #[test]
    fn words_change_it_in_any_order() {
        let plan = read("--rows 10_000_000 --docs").unwrap();
        assert_eq!((plan.docs, plan.rows), (true, 10_000_000));
        let plan = read("--docs --only behind").unwrap();
        assert_eq!((plan.only_behind, plan.docs), (true, false));
        let plan = read("--rows 3000 --quick").unwrap();
        assert_eq!((plan.quick, plan.rows, plan.rounds), (true, 3000, 3));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(read("--fast"), Err("`--fast` is not known".into()));
        assert_eq!(read("--rows many"), Err("--rows needs a number".into()));
        assert_eq!(read("--only"), Err("--only needs the word behind".into()));
        assert_eq!(read("--only size"), Err("--only needs the word behind".into()));
        assert_eq!(read("--rows"), Err("--rows needs a number".into()));
        assert_eq!(read("--rows 10"), Err("--rows must be at least 10000".into()));
    }
}
