//! The cache of a set of services, in either of its two shapes.

use crate::process::Process;
use crate::state::RedisState;
use crate::{Error, Folder, Redis, RedisCluster};

/// The cache: one Redis, or a cluster of three.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a set of services has one")]
pub enum Cache {
    /// One server.
    Single(Redis),
    /// A cluster.
    Cluster(RedisCluster),
}

impl Cache {
    /// Prepares it; it does not run yet.
    pub(crate) fn create(folder: &Folder, port: u16, cluster: bool) -> Result<Self, Error> {
        if cluster {
            RedisCluster::create(folder, port).map(Self::Cluster)
        } else {
            Redis::create(folder, port).map(Self::Single)
        }
    }

    /// Starts it and waits until it answers. After [`Self::stop`] it is empty.
    pub fn start(&mut self) -> Result<(), Error> {
        match self {
            Self::Single(redis) => redis.start(),
            Self::Cluster(cluster) => cluster.start(),
        }
    }

    /// Ends it at once, as a crash would.
    pub fn stop(&mut self) -> Result<(), Error> {
        match self {
            Self::Single(redis) => redis.stop(),
            Self::Cluster(cluster) => cluster.stop(),
        }
    }

    /// Where it is.
    pub fn address(&self) -> RedisState {
        match self {
            Self::Single(redis) => redis.address(),
            Self::Cluster(cluster) => cluster.address(),
        }
    }

    pub(crate) fn processes(&mut self) -> Vec<&mut Process> {
        match self {
            Self::Single(redis) => vec![redis.process()],
            Self::Cluster(cluster) => cluster.processes().collect(),
        }
    }
}
