//! The plans of the product's own statements, with the values that the product sent.
//!
//! `auto_explain` writes the plan of whatever a session runs into the server's log: there is no copy of a
//! statement or of its parameters here that could differ from what runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;
use testing::{Call, TestApp, rig};

/// Where plans come from.
pub(super) struct Planner<'a> {
    app: &'a TestApp,
    log: PathBuf,
    /// Which index (or table) of all partitions an index of one belongs to.
    parents: BTreeMap<String, String>,
}

/// A plan.
pub(super) struct Plan {
    /// The statement's name.
    pub(super) statement: String,
    /// How long it ran, in milliseconds.
    pub(super) duration: f64,
    nodes: Vec<Node>,
}

/// What a step of a plan does.
struct Node {
    kind: String,
    table: Option<String>,
    index: Option<String>,
}

impl<'a> Planner<'a> {
    /// To be called before the first request: sessions learn it when they begin.
    pub(super) async fn start(app: &'a TestApp) -> Self {
        for setting in [
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_format = 'json'",
            // Some statements do their work in a function.
            "auto_explain.log_nested_statements = on",
        ] {
            app.db.run(&format!("ALTER DATABASE {} SET {setting}", app.db.name())).await;
        }
        let sql = "SELECT child.relname::text, parent.relname::text FROM pg_inherits
                   JOIN pg_class AS child ON child.oid = inhrelid
                   JOIN pg_class AS parent ON parent.oid = inhparent";
        let rows = app.db.rows(sql, &[]).await;
        let parents = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let run = rig().state.ca_file.ancestors().nth(2).expect("the folder of the run");
        Self { app, log: run.join("log/postgres.log"), parents }
    }

    /// The plan of the one statement that a call runs, with those of the functions in it.
    pub(super) async fn of(&self, call: Call<'_>) -> Plan {
        let before = tokio::fs::metadata(&self.log).await.expect("the server's log").len();
        call.send().await.expect(200);
        let log = tokio::fs::read(&self.log).await.expect("the server's log");
        // Other tests write there, too: the last line may be only half of one.
        let new = String::from_utf8_lossy(&log[usize::try_from(before).unwrap()..]);
        let plans = self.plans(&new);
        let [plan] = <[Plan; 1]>::try_from(plans)
            .unwrap_or_else(|plans| panic!("{} plans in the log: {new}", plans.len()));
        plan
    }

    /// The plans of this database in a part of the log. Further lines of an entry begin with a tab.
    fn plans(&self, log: &str) -> Vec<Plan> {
        let (mut plans, mut within) = (Vec::new(), Vec::new());
        let mut lines = log.lines().peekable();
        while let Some(line) = lines.next() {
            let mut text = String::new();
            while let Some(more) = lines.next_if(|line| line.starts_with('\t')) {
                text.push_str(more);
            }
            let Some((from, duration)) = line.split_once(" LOG:  duration: ") else { continue };
            if !from.ends_with(&format!("api_read@{}", self.app.db.name())) {
                continue;
            }
            let json: Value = serde_json::from_str(&text).expect("a plan in JSON");
            let mut nodes = Vec::new();
            self.collect(&json["Plan"], &mut nodes);
            let query = json["Query Text"].as_str().expect("a query");
            let name = query.lines().next().and_then(|line| line.strip_prefix("-- "));
            // What a function runs comes before the statement that calls it. Of that, only what looks
            // for tasks, events and counts is part of the plan: the caller is greeted each time.
            let Some(name) = name else {
                within.extend(nodes.into_iter().filter(|node| {
                    ["tasks_", "audit_", "daily_"].iter().any(|start| node.concerns(start))
                }));
                continue;
            };
            // A function keeps the issuer's keys, too.
            if name.starts_with("keys.") {
                continue;
            }
            nodes.append(&mut within);
            let duration = duration.split(' ').next().and_then(|ms| ms.parse().ok());
            plans.push(Plan {
                statement: name.to_owned(),
                duration: duration.expect("milliseconds"),
                nodes,
            });
        }
        plans
    }

    fn collect(&self, node: &Value, nodes: &mut Vec<Node>) {
        let text = |name: &str| node[name].as_str().map(str::to_owned);
        let parent = |name: String| self.parents.get(&name).cloned().unwrap_or(name);
        nodes.push(Node {
            kind: text("Node Type").expect("a type"),
            table: text("Relation Name"),
            index: text("Index Name").map(parent),
        });
        for inner in node["Plans"].as_array().into_iter().flatten() {
            self.collect(inner, nodes);
        }
    }
}

impl Node {
    /// Whether it reads such a table, or an index of one.
    fn concerns(&self, start: &str) -> bool {
        self.is_of(start) || self.index.as_deref().is_some_and(|index| index.starts_with(start))
    }

    fn is_of(&self, start: &str) -> bool {
        self.table.as_deref().is_some_and(|table| table.starts_with(start))
    }
}

impl Plan {
    /// Whether any step is of this kind.
    pub(super) fn has(&self, kind: &str) -> bool {
        self.nodes.iter().any(|node| node.kind == kind)
    }

    /// The partitions of the table of tasks that are looked into.
    pub(super) fn partitions(&self) -> BTreeSet<&str> {
        self.tables("tasks_")
    }

    /// The tables that are looked into whose names begin like this.
    pub(super) fn tables(&self, start: &str) -> BTreeSet<&str> {
        let nodes = self.nodes.iter().filter(|node| node.is_of(start));
        nodes.filter_map(|node| node.table.as_deref()).collect()
    }

    /// The tables that are read as a whole.
    pub(super) fn read_as_a_whole(&self) -> BTreeSet<&str> {
        let whole = self.nodes.iter().filter(|node| node.kind == "Seq Scan");
        whole.filter_map(|node| node.table.as_deref()).collect()
    }

    /// The indexes of tables that are read, except that of a user's counters.
    pub(super) fn indexes(&self) -> BTreeSet<&str> {
        let indexes = self.nodes.iter().filter_map(|node| node.index.as_deref());
        indexes.filter(|index| *index != "user_state_pkey").collect()
    }

    /// All steps, for whoever reads that a test failed.
    pub(super) fn steps(&self) -> String {
        let step = |node: &Node| {
            let of = [&node.table, &node.index].map(|name| name.clone().unwrap_or_default());
            format!("{} {} {}\n", node.kind, of[0], of[1])
        };
        self.nodes.iter().map(step).collect()
    }
}
