//! Where the results go: standard output, `.local/bench/`, docs/performance.md.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use services::checkout;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::Failed;
use crate::machine::{Machine, commit, load};
use crate::measure::Found;
use crate::plan::Plan;
use crate::table::{Row, markdown, text};

/// When and where it was measured.
pub(crate) struct Occasion {
    begun: OffsetDateTime,
    load_before: String,
    machine: Machine,
    commit: String,
}

impl Occasion {
    /// Now and here.
    pub(crate) fn now() -> Self {
        Self {
            begun: OffsetDateTime::now_utc(),
            load_before: load(),
            machine: Machine::read(),
            commit: commit(),
        }
    }

    /// Prints the table, and writes the files.
    pub(crate) fn report(&self, plan: &Plan, found: &Found) -> Result<(), Failed> {
        let load_after = load();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{}", text(&found.rows))?;
        if !Self::counts(plan) {
            writeln!(out, "A quick run, or one of a debug build: these numbers mean little.")?;
        }
        let path = self.write_raw(plan, found, &load_after)?;
        services::say(format_args!("bench: all numbers are in {}", path.display()));
        if plan.docs {
            let path = checkout().join("docs/performance.md");
            std::fs::create_dir_all(checkout().join("docs"))?;
            std::fs::write(&path, self.page(plan, found, &load_after)?)?;
            services::say(format_args!("bench: {} is written", path.display()));
        }
        Ok(())
    }

    fn counts(plan: &Plan) -> bool {
        !plan.quick && !cfg!(debug_assertions)
    }

    fn write_raw(&self, plan: &Plan, found: &Found, load_after: &str) -> Result<PathBuf, Failed> {
        let folder = checkout().join(".local/bench");
        std::fs::create_dir_all(&folder)?;
        let format = format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]Z");
        let path = folder.join(format!("{}.json", self.begun.format(format)?));
        let raw = json!({
            "begun": self.begun.unix_timestamp(),
            "minutes": self.minutes(),
            "machine": self.machine,
            "load": { "before": self.load_before, "after": load_after },
            "commit": self.commit,
            "profile": profile(),
            "quick": plan.quick,
            "rows": found.rows,
            "raw": Value::Object(found.raw.clone()),
        });
        std::fs::write(&path, serde_json::to_vec_pretty(&raw)?)?;
        Ok(path)
    }

    fn minutes(&self) -> f64 {
        (OffsetDateTime::now_utc() - self.begun).as_seconds_f64() / 60.0
    }

    fn page(&self, plan: &Plan, found: &Found, load_after: &str) -> Result<String, Failed> {
        let Machine { cores, memory_mib, cpu, kernel } = &self.machine;
        let when =
            self.begun.format(format_description!("[year]-[month]-[day] [hour]:[minute]"))?;
        let quick =
            if Self::counts(plan) { "" } else { ", a quick run or a debug build: it means little" };
        let mut page = format!(
            "# Performance\n\n\
             `make bench` has written this page; it measures anew in a few minutes (`make bench ROWS=10000000` \
             in a quarter of an hour). Each number stands beside its floor, which was measured in the same run and in \
             turn with it, because a machine that is busy is slow for both.\n\n\
             - **When**: {when} UTC, in {:.1} minutes{quick}.\n\
             - **Machine**: {cores} cores ({cpu}), {memory_mib} MiB of memory, Linux {kernel}. Functions, \
             Postgres, PgBouncer, Redis, LocalStack, the issuer and the benchmark share it. Its load (processes that \
             want to run, over a minute) was {} before and {load_after} at the end.\n\
             - **What**: {} builds of commit {}.\n\n{}\n",
            self.minutes(),
            self.load_before,
            profile(),
            self.commit,
            markdown(&found.rows),
        );
        page.push_str("## How it was measured\n\n");
        let mut told: Vec<&str> = Vec::new();
        for row in &found.rows {
            if told.contains(&row.about.as_str()) {
                continue;
            }
            told.push(&row.about);
            writeln!(
                page,
                "- **{}**: {}",
                names(&found.rows, |other| other.about == row.about),
                row.about
            )?;
        }
        page.push_str("\n## What falls short\n\n");
        let short: Vec<&Row> = found.rows.iter().filter(|row| row.met == Some(false)).collect();
        if short.is_empty() {
            page.push_str("Nothing.\n");
        }
        let mut told: Vec<&str> = Vec::new();
        for row in &short {
            if told.contains(&row.shortfall.as_str()) && !row.shortfall.is_empty() {
                continue;
            }
            told.push(&row.shortfall);
            let why = if row.shortfall.is_empty() { UNEXPLAINED } else { &row.shortfall };
            let same = |other: &Row| other.met == Some(false) && other.shortfall == row.shortfall;
            let name =
                if row.shortfall.is_empty() { row.what.clone() } else { names(&found.rows, same) };
            writeln!(page, "- **{name}**: {} against {}. {why}", row.measured, row.target)?;
        }
        Ok(page)
    }
}

/// Of a number that is usually met.
const UNEXPLAINED: &str = "It usually is met; see how busy the machine was.";

/// What several rows are about.
fn names(rows: &[Row], which: impl Fn(&Row) -> bool) -> String {
    let names: Vec<&str> =
        rows.iter().filter(|row| which(row)).map(|row| row.what.as_str()).collect();
    names.join("; ")
}

const fn profile() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}
