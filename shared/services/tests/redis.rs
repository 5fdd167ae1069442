//! Real Redis servers of a test's own.
#![expect(clippy::expect_used, reason = "a test that cannot go on ends, and says where")]

mod support;

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use services::Redis;
use support::{Place, ask, ask_with, info, port, runs};

/// Only a server that never answers takes so long.
const PATIENCE: Duration = Duration::from_mins(1);

fn started(redis: Result<Redis, services::Error>) -> Redis {
    let mut redis = redis.expect("a server");
    redis.start().expect("it starts");
    redis
}

fn port_of(redis: &Redis) -> u16 {
    redis.address().port
}

/// How the kernel calls what a process does: `T` is held.
fn process_state(process: &str) -> char {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let (_name, rest) = stat.rsplit_once(") ").expect("a name");
    rest.chars().next().expect("a state")
}

#[test]
fn a_frozen_server_takes_commands_and_answers_when_it_is_thawed() {
    let place = Place::new("redis-frozen");
    let mut redis = started(Redis::create(&place.0, port()));
    let process = info(port_of(&redis), &[], "process_id");
    // More than once: the second time is not taken for the first.
    for _ in 0..3 {
        redis.freeze().expect("it freezes");
        assert_eq!(process_state(&process), 'T');
        let mut stream = TcpStream::connect(("127.0.0.1", port_of(&redis))).expect("a connection");
        stream.write_all(b"PING\r\n").expect("a command");
        stream.set_nonblocking(true).expect("a choice");
        let nothing = stream.read(&mut [0; 1]).expect_err("no answer");
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);

        redis.thaw().expect("it thaws");
        stream.set_nonblocking(false).expect("a choice");
        stream.set_read_timeout(Some(PATIENCE)).expect("a choice");
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"+PONG\r\n");
    }
}

#[test]
fn a_frozen_server_is_stopped_started_and_dropped_as_any_other() {
    let place = Place::new("redis-held");
    let mut redis = started(Redis::create(&place.0, port()));
    let port = port_of(&redis);
    let process = info(port, &[], "process_id");
    assert_eq!(ask(port, "SET k v"), Ok("OK".to_owned()));
    redis.freeze().expect("it freezes");
    redis.stop().expect("it stops");
    assert!(!runs(&process, port));
    for refused in [redis.freeze(), redis.thaw()] {
        assert_eq!(refused.expect_err("a refusal").to_string(), "redis does not run");
    }

    redis.start().expect("it starts");
    assert_eq!(ask(port, "EXISTS k"), Ok("0".to_owned()));
    redis.freeze().expect("it freezes");
    redis.start().expect("it starts although it was frozen");
    let process = info(port, &[], "process_id");
    assert!(runs(&process, port));
    redis.freeze().expect("it freezes");
    drop(redis);
    assert!(!runs(&process, port));
}

#[test]
fn a_replica_has_what_its_primary_has_and_refuses_writes_until_it_is_one() {
    let place = Place::new("redis-replica");
    let mut primary = started(Redis::create(&place.0, port()));
    let replica = started(Redis::named(&place.0, "redis-replica", port()));
    assert_eq!(ask(port_of(&primary), "SET k primary"), Ok("OK".to_owned()));
    assert_eq!(ask(port_of(&replica), "SET k replica"), Ok("OK".to_owned()));

    replica.become_replica_of(port_of(&primary)).expect("a replica");
    assert_eq!(ask(port_of(&replica), "GET k"), Ok("primary".to_owned()));
    let refusal = ask(port_of(&replica), "SET k replica").expect_err("a refusal");
    assert!(refusal.starts_with("READONLY "), "{refusal}");
    let refusal = replica.flush().expect_err("a refusal").to_string();
    assert!(refusal.starts_with("Redis did not do FLUSHALL: READONLY "), "{refusal}");

    replica.become_primary().expect("a primary");
    assert_eq!(ask(port_of(&replica), "GET k"), Ok("primary".to_owned()));
    assert_eq!(ask(port_of(&replica), "SET k replica"), Ok("OK".to_owned()));
    assert_eq!(ask(port_of(&primary), "GET k"), Ok("primary".to_owned()));

    // And the other way round, until the replica starts anew.
    primary.become_replica_of(port_of(&replica)).expect("a replica");
    assert_eq!(ask(port_of(&primary), "GET k"), Ok("replica".to_owned()));
    primary.start().expect("it starts again");
    assert_eq!(ask(port_of(&primary), "EXISTS k"), Ok("0".to_owned()));
    assert_eq!(ask(port_of(&primary), "SET k primary"), Ok("OK".to_owned()));
}

#[test]
fn it_becomes_a_replica_when_it_has_all_of_its_primary() {
    let place = Place::new("redis-copy");
    let mut primary = started(Redis::create(&place.0, port()));
    let replica = started(Redis::named(&place.0, "redis-replica", port()));
    assert_eq!(ask(port_of(&primary), "SET k v"), Ok("OK".to_owned()));
    primary.freeze().expect("it freezes");
    let port = port_of(&primary);
    thread::scope(|scope| {
        let becoming = scope.spawn(|| replica.become_replica_of(port));
        while info(port_of(&replica), &[], "role") == "master" {
            assert!(!becoming.is_finished(), "a frozen primary gives nothing away");
        }
        assert!(!becoming.is_finished(), "a frozen primary gives nothing away");
        primary.thaw().expect("it thaws");
        becoming.join().expect("no panic").expect("a replica");
    });
    assert_eq!(ask(port_of(&replica), "GET k"), Ok("v".to_owned()));
}

#[test]
fn a_full_server_refuses_writes_until_it_has_room() {
    let place = Place::new("redis-full");
    let redis = started(Redis::create(&place.0, port()));
    let ask = |command| ask(port_of(&redis), command);
    assert!(ask("SETRANGE large 2000000 x").is_ok());
    for policy in ["noeviction", "volatile-lru"] {
        redis.set("maxmemory-policy", policy).expect("a policy");
        redis.set("maxmemory", "1mb").expect("a limit");
        let refusal = ask("SET k v").expect_err("a refusal");
        assert!(refusal.starts_with("OOM "), "{policy}: {refusal}");
        assert_eq!(ask("EXISTS large"), Ok("1".to_owned()));
        redis.set("maxmemory", "256mb").expect("a limit");
        assert_eq!(ask("SET k v"), Ok("OK".to_owned()));
    }
    redis.flush().expect("it forgets");
    assert_eq!(ask("DBSIZE"), Ok("0".to_owned()));

    let refusal = redis.set("maxmemory", "a lot").expect_err("a refusal").to_string();
    assert!(refusal.starts_with("Redis did not do CONFIG SET maxmemory a lot: ERR "), "{refusal}");
}

#[test]
fn with_tls_nothing_goes_without_tls_and_password() {
    let place = Place::new("redis-secure");
    let mut redis = started(Redis::create_tls(&place.0, port()));
    let port = port_of(&redis);
    assert_eq!(redis.address().url, format!("rediss://127.0.0.1:{port}"));
    assert!(ask(port, "PING").is_err());
    let ca_file = place.0.certificates().expect("certificates").ca_file.display().to_string();
    let tls = ["--tls", "--cacert", &ca_file];
    let refusal = ask_with(port, &tls, "PING").expect_err("a refusal");
    assert!(refusal.starts_with("NOAUTH "), "{refusal}");

    let password = redis.credentials().expect("a user").password.clone();
    assert!(!format!("{redis:?}").contains(&password));
    let secure = [&tls[..], &["--no-auth-warning", "-a", &password]].concat();
    assert_eq!(ask_with(port, &secure, "SET k v"), Ok("OK".to_owned()));
    // An authority that it does not trust: the system's.
    let elsewhere = ["--tls", "--no-auth-warning", "-a", &password];
    assert!(ask_with(port, &elsewhere, "PING").is_err());

    redis.flush().expect("it forgets");
    assert_eq!(ask_with(port, &secure, "DBSIZE"), Ok("0".to_owned()));
    let refusal = redis.set("maxmemory", "a lot").expect_err("a refusal").to_string();
    assert!(refusal.starts_with("Redis did not do CONFIG SET maxmemory a lot: ERR "), "{refusal}");

    let process = info(port, &secure, "process_id");
    assert!(runs(&process, port));
    redis.start().expect("it starts again, with the same password");
    assert_eq!(ask_with(port, &secure, "PING"), Ok("PONG".to_owned()));
}

#[test]
fn all_servers_of_a_folder_end_when_they_are_dropped() {
    let place = Place::new("redis-several");
    let servers = [
        started(Redis::create(&place.0, port())),
        started(Redis::named(&place.0, "redis-one-more", port())),
        started(Redis::named(&place.0, "redis-and-another", port())),
    ];
    let processes = servers.each_ref().map(|redis| {
        let port = port_of(redis);
        (info(port, &[], "process_id"), port)
    });
    assert!(processes.iter().all(|(process, port)| runs(process, *port)));
    drop(servers);
    assert!(processes.iter().all(|(process, port)| !runs(process, *port)));
    let left = fs::read_dir(place.0.path().join("pids")).expect("a folder").count();
    assert_eq!(left, 0);
}

#[test]
fn what_is_left_behind_is_found_by_name() {
    let place = Place::new("redis-left");
    let _servers = [
        started(Redis::create(&place.0, port())),
        started(Redis::named(&place.0, "redis-one-more", port())),
        started(Redis::create_tls(&place.0, port())),
    ];
    let mut ended = services::down(place.0.path()).expect("all end");
    ended.sort_unstable();
    assert_eq!(ended, ["redis", "redis-one-more", "redis-tls"]);
}
