//! A real Redis cluster of a test's own.
#![expect(clippy::expect_used, reason = "a test that cannot go on ends, and says where")]

mod support;

use std::fs;

use services::{Redis, RedisCluster};
use support::{Place, ask, ask_with, info, port, runs};

/// Enough for some on each node.
const KEYS: u32 = 30;

fn started(place: &Place) -> RedisCluster {
    let mut cluster = RedisCluster::create(&place.0, port()).expect("a cluster");
    cluster.start().expect("it starts");
    cluster
}

fn ports(cluster: &mut RedisCluster) -> Vec<u16> {
    cluster.nodes().map(|node| node.address().port).collect()
}

/// Writes and reads keys, asking the first node, and where that one says.
fn use_all_nodes(ports: &[u16]) {
    for key in 0..KEYS {
        let ask = |command: &str| ask_with(ports[0], &["-c"], command);
        assert_eq!(ask(&format!("SET key:{key} {key}")), Ok("OK".to_owned()));
        assert_eq!(ask(&format!("GET key:{key}")), Ok(key.to_string()));
    }
}

/// How many keys each node has.
fn sizes(ports: &[u16]) -> Vec<u32> {
    let size = |port: &u16| ask(*port, "DBSIZE").expect("a size").parse().expect("a number");
    ports.iter().map(size).collect()
}

#[test]
fn three_nodes_share_the_keys_and_each_knows_who_has_which() {
    let place = Place::new("redis-cluster-keys");
    let mut cluster = started(&place);
    let ports = ports(&mut cluster);
    let urls: Vec<_> = ports.iter().map(|port| format!("redis://127.0.0.1:{port}")).collect();
    let address = cluster.address();
    assert_eq!((address.port, address.url, address.cluster), (ports[0], urls.join(","), true));

    use_all_nodes(&ports);
    let sizes = sizes(&ports);
    assert!(sizes.iter().all(|size| *size > 0), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<u32>(), KEYS);

    // Whichever node is asked, the same one has the key: all of them agree.
    for key in 0..KEYS {
        let answers: Vec<_> =
            ports.iter().map(|port| ask(*port, &format!("GET key:{key}"))).collect();
        let owner = answers.iter().position(|answer| *answer == Ok(key.to_string()));
        let owner = ports[owner.expect("an owner")];
        let moved = |answer: &Result<String, String>| {
            let words = answer.as_ref().err().map(|refusal| refusal.split(' ').collect::<Vec<_>>());
            matches!(words.as_deref(), Some(["MOVED", _, to]) if *to == format!("127.0.0.1:{owner}"))
        };
        assert_eq!(answers.iter().filter(|answer| moved(answer)).count(), 2, "{answers:?}");
    }
}

#[test]
fn a_cluster_and_a_node_of_it_can_be_started_again() {
    let place = Place::new("redis-cluster-again");
    let mut cluster = started(&place);
    let ports = ports(&mut cluster);
    use_all_nodes(&ports);
    cluster.start().expect("it starts again");
    assert_eq!(sizes(&ports), [0, 0, 0]);
    use_all_nodes(&ports);

    let node = cluster.nodes().nth(1).expect("a node");
    node.freeze().expect("it freezes");
    node.start().expect("it starts again");
    let sizes = sizes(&ports);
    assert!(sizes[0] > 0 && sizes[1] == 0 && sizes[2] > 0, "{sizes:?}");
    cluster.wait().expect("it is back");
    use_all_nodes(&ports);
}

#[test]
fn all_nodes_end_when_a_cluster_is_dropped_and_it_is_beside_a_server_alone() {
    let place = Place::new("redis-cluster-drop");
    let mut alone = Redis::create(&place.0, port()).expect("a server");
    alone.start().expect("it starts");
    let mut cluster = started(&place);
    let ports = ports(&mut cluster);
    let processes: Vec<_> =
        ports.iter().map(|port| (info(*port, &[], "process_id"), *port)).collect();
    assert!(processes.iter().all(|(process, port)| runs(process, *port)));
    cluster.nodes().next().expect("a node").freeze().expect("it freezes");
    drop(cluster);
    assert!(processes.iter().all(|(process, port)| !runs(process, *port)));
    let left = fs::read_dir(place.0.path().join("pids")).expect("a folder").count();
    assert_eq!(left, 1);
}

#[test]
fn what_is_left_behind_is_found_by_name() {
    let place = Place::new("redis-cluster-left");
    let _cluster = started(&place);
    let mut ended = services::down(place.0.path()).expect("all end");
    ended.sort_unstable();
    assert_eq!(ended, ["redis-cluster-1", "redis-cluster-2", "redis-cluster-3"]);
}
