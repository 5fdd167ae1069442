//! A Redis cluster: three servers that share the keys, each with a third of the slots.

use std::path::PathBuf;
use std::time::Duration;

use crate::process::Process;
use crate::redis::directory;
use crate::state::RedisState;
use crate::{Error, Folder, Redis, files, free_port, ports, wait};

/// A node's name, and its first and last slot.
type Part = (&'static str, [&'static str; 2]);

/// There are 16384 slots.
const NODES: [Part; 3] = [
    ("redis-cluster-1", ["0", "5460"]),
    ("redis-cluster-2", ["5461", "10922"]),
    ("redis-cluster-3", ["10923", "16383"]),
];
/// What a node remembers of the cluster, in the folder where it works.
const MEMORY_FILE: &str = "nodes.conf";
/// What a node says of a cluster that can be used.
const COMPLETE: [&str; 4] = [
    "cluster_state:ok",
    "cluster_slots_assigned:16384",
    "cluster_slots_ok:16384",
    "cluster_known_nodes:3",
];
/// A new node takes no part for two seconds, so this is longer than for a server alone.
const PATIENCE: Duration = Duration::from_mins(1);

/// Three Redis servers in cluster mode, without replicas. It needs Redis 7.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: [Node; 3],
}

#[derive(Debug)]
struct Node {
    redis: Redis,
    slots: [&'static str; 2],
    /// Where it talks to the other nodes.
    bus_port: u16,
    memory: PathBuf,
}

impl RedisCluster {
    /// Prepares a cluster; it does not run yet. Its first node has this port, all else free ones.
    pub fn create(folder: &Folder, port: u16) -> Result<Self, Error> {
        let [first, second, third] = NODES;
        let nodes = [
            Node::create(folder, first, port)?,
            Node::create(folder, second, free_port()?)?,
            Node::create(folder, third, free_port()?)?,
        ];
        Ok(Self { nodes })
    }

    /// Starts it and waits until all nodes answer for all slots. After [`Self::stop`] it is empty.
    pub fn start(&mut self) -> Result<(), Error> {
        self.stop()?;
        let started = self.start_nodes().and_then(|()| self.join());
        if started.is_err() {
            // The error to report is the one we have.
            let _ = self.stop();
        }
        started
    }

    /// Ends all nodes at once, as a crash would; the first failure is reported.
    pub fn stop(&mut self) -> Result<(), Error> {
        let results: Vec<_> = self.nodes().map(Redis::stop).collect();
        results.into_iter().collect()
    }

    /// Waits until all nodes answer for all slots.
    pub fn wait(&mut self) -> Result<(), Error> {
        for node in self.nodes() {
            let client = node.client();
            let complete = || is_complete(&client.ask(&["CLUSTER", "INFO"]).ok()?).then_some(());
            wait::until(PATIENCE, complete).ok_or_else(|| node.process().not_ready(PATIENCE))?;
        }
        Ok(())
    }

    /// The nodes. One that is stopped and started alone is empty; after [`Self::wait`] it has its part
    /// in the cluster again.
    pub fn nodes(&mut self) -> impl Iterator<Item = &mut Redis> {
        self.nodes.iter_mut().map(|node| &mut node.redis)
    }

    /// Where it is: host and port are the first node's; the URL is those of all nodes, with commas.
    pub fn address(&self) -> RedisState {
        let [first, others @ ..] = &self.nodes;
        let mut address = first.redis.address();
        for node in others {
            address.url = format!("{},{}", address.url, node.redis.address().url);
        }
        RedisState { cluster: true, ..address }
    }

    pub(crate) fn processes(&mut self) -> impl Iterator<Item = &mut Process> {
        self.nodes().map(Redis::process)
    }

    fn start_nodes(&mut self) -> Result<(), Error> {
        for node in &mut self.nodes {
            // What it remembers is of nodes that are gone.
            files::remove(&node.memory)?;
            ports::require_free(node.redis.process().name(), node.bus_port)?;
            node.redis.start()?;
        }
        Ok(())
    }

    /// Makes one cluster of the nodes.
    fn join(&mut self) -> Result<(), Error> {
        let [first, others @ ..] = &self.nodes;
        for node in &self.nodes {
            let [from, to] = node.slots;
            node.redis.client().ask(&["CLUSTER", "ADDSLOTSRANGE", from, to])?;
        }
        for node in others {
            let port = node.redis.address().port.to_string();
            let bus_port = node.bus_port.to_string();
            first.redis.client().ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port])?;
        }
        self.wait()
    }
}

impl Node {
    fn create(folder: &Folder, (name, slots): Part, port: u16) -> Result<Self, Error> {
        let bus_port = free_port()?;
        let bus_port_text = bus_port.to_string();
        let arguments = [
            ["--cluster-enabled", "yes"],
            ["--cluster-config-file", MEMORY_FILE],
            // Without it: 10000 more than the other port, whoever uses that.
            ["--cluster-port", &bus_port_text],
            // Otherwise a node that nobody has greeted does not know where it is.
            ["--cluster-announce-ip", "127.0.0.1"],
        ];
        let redis = Redis::in_the_clear(folder, name, port, arguments.as_flattened())?;
        Ok(Self { redis, slots, bus_port, memory: directory(folder, name)?.join(MEMORY_FILE) })
    }
}

fn is_complete(info: &str) -> bool {
    COMPLETE.iter().all(|wanted| info.lines().any(|line| line == *wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nodes_share_all_slots() {
        let mut next = 0_u16;
        for (_, [from, to]) in NODES {
            assert_eq!(from.parse(), Ok(next));
            next = to.parse::<u16>().unwrap() + 1;
        }
        assert_eq!(next, 16_384);
    }

    #[test]
    fn a_cluster_is_complete_when_all_is_said() {
        let info = COMPLETE.join("\r\n");
        assert!(is_complete(&info));
        assert!(!is_complete(&info.replace("state:ok", "state:fail")));
        assert!(!is_complete(&info.replace("nodes:3", "nodes:2")));
    }
}
